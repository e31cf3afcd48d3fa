#!/usr/bin/env python3
"""Turns a V-MoE or E3 checkpoint, as its authors publish it, into a model folder.

    python3 -m venv venv && venv/bin/pip install -r tools/import_vmoe/requirements.txt
    venv/bin/python tools/import_vmoe/import_vmoe.py vmoe_b16_imagenet21k/ckpt --out models/vmoe-b16
"""

import argparse
import json
import pathlib
import re
import sys

try:
    import ml_dtypes
    import numpy as np
    from safetensors.numpy import save_file

    from flax_checkpoint import UserError, parameters_prefix, read_checkpoint
    from vmoe_layout import import_vmoe
except ImportError as missing:
    print(f"import_vmoe: error: {missing}\nhint: pip install -r {pathlib.Path(__file__).parent}/requirements.txt", file=sys.stderr)
    sys.exit(2)


def arguments():
    parser = argparse.ArgumentParser(prog="import_vmoe", description=__doc__.splitlines()[0])
    parser.add_argument("prefix", help="PREFIX of PREFIX.index and PREFIX.data-00000-of-0000N; either file will do")
    parser.add_argument("--out", required=True, metavar="DIR", type=pathlib.Path, help="folder of the model")
    parser.add_argument("--experts-per-token", type=positive(int), default=2, help="K: 2 of V-MoE, 1 of E3 (default 2)")
    parser.add_argument("--capacity-factor", type=positive(float), default=1.5, help="of expert capacity (default 1.5)")
    parser.add_argument("--ensemble-size", type=positive(int), default=1, help="members: 2 of E3 (default 1)")
    parser.add_argument("--dtype", choices=("F32", "BF16"), default="F32")
    parser.add_argument("--overwrite", action="store_true", help="DIR may hold an older model")
    return parser.parse_args()


def positive(kind):
    def parse(text):
        number = kind(text)
        if not number > 0:
            raise argparse.ArgumentTypeError(f"{text}: expected a positive number")
        return number
    return parse


def write_model(folder, config, tensors, dtype):
    torch_name = {"F32": "float32", "BF16": "bfloat16"}[dtype]
    stored = np.float32 if dtype == "F32" else ml_dtypes.bfloat16
    tensors = {name: np.ascontiguousarray(values, stored) for name, values in sorted(tensors.items())}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    text = json.dumps(dict(config, torch_dtype=torch_name), indent=2, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def run(options):
    source = re.sub(r"\.index$|\.data-[^/]*$", "", options.prefix)
    under = parameters_prefix(source)
    config, tensors, left_out = import_vmoe(read_checkpoint(source, under), under, options, source)
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())) and not options.overwrite:
        raise UserError(f"{options.out} is there already", "choose another folder, or --overwrite")
    write_model(options.out, config, tensors, options.dtype)
    for name in left_out:
        print(f"{name}: left out, no part of the model", file=sys.stderr)
    print("the authors' experts use the tanh approximation of GELU, these the exact one", file=sys.stderr)
    print(f"{options.out}: {config['num_hidden_layers']} blocks of width {config['hidden_size']}, "
          f"{len(config['moe_layers'])} with experts, images of {config['image_size']} x {config['image_size']} "
          f"in patches of {config['patch_size']}")


def main():
    try:
        run(arguments())
    except UserError as error:
        print(f"import_vmoe: error: {error}\nhint: {error.hint}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
