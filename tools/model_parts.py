#!/usr/bin/env python3
"""What a run has trained of a published model, as a file of its own, and the whole model from both.

    tools/model_parts.py split BASE MODEL --out PART    BASE, MODEL: folders of checkpoints; PART: a folder
    tools/model_parts.py join BASE PART --out MODEL

PART holds config.json and the tensors of MODEL that are not bit for bit those of BASE. `join` checks that it is given
the same BASE and takes the tokenizer from there. Nothing but Python's own library is needed.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import struct
import sys

PREFIX = "bert."  # a published encoder may lack it
TOKENIZER = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]


def fail(message):
    sys.exit(f"model_parts: error: {message}")


class Tensors:
    """A safetensors file: {name: (dtype, shape, bytes)}, its metadata and its hash."""

    def __init__(self, folder):
        path = pathlib.Path(folder) / "model.safetensors"
        try:
            content = path.read_bytes()
        except OSError as error:
            fail(f"{path}: {error.strerror}")
        try:
            length = struct.unpack_from("<Q", content)[0]
            header = json.loads(content[8 : 8 + length])
            self.metadata = header.pop("__metadata__", {})
            self.tensors = read(header, memoryview(content)[8 + length :])
        except (struct.error, ValueError, KeyError, TypeError):
            fail(f"{path}: not a safetensors file")
        self.sha256 = hashlib.sha256(content).hexdigest()


def read(header, data):
    return {
        name: (of["dtype"], of["shape"], data[of["data_offsets"][0] : of["data_offsets"][1]])
        for name, of in header.items()
    }


def write(folder, tensors, metadata):
    """Sorted by name, as the program writes them."""
    header, at = {"__metadata__": metadata}, 0
    for name, (dtype, shape, data) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "model.safetensors.new", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, (_, _, data) in sorted(tensors.items()):
            file.write(data)
    (folder / "model.safetensors.new").rename(folder / "model.safetensors")


def named_as(names, base):
    """The base's tensors under names of the model's kind."""
    if any(name.startswith(PREFIX) for name in base) or not any(name.startswith(PREFIX) for name in names):
        return base
    return {PREFIX + name: tensor for name, tensor in base.items()}


def split(base_folder, model_folder, out):
    base, model = Tensors(base_folder), Tensors(model_folder)
    known = named_as(model.tensors, base.tensors)
    trained = {name: tensor for name, tensor in model.tensors.items() if known.get(name) != tensor}
    metadata = {"base_sha256": base.sha256, "kept": json.dumps(sorted(set(model.tensors) - set(trained)))}
    write(out, trained, metadata)
    shutil.copy(pathlib.Path(model_folder) / "config.json", out)


def join(base_folder, part_folder, out):
    base, part = Tensors(base_folder), Tensors(part_folder)
    if "base_sha256" not in part.metadata:
        fail(f"{part_folder}: not made by `split`")
    if part.metadata["base_sha256"] != base.sha256:
        fail(f"{base_folder}: model.safetensors has the hash {base.sha256[:12]}.., expected "
             f"{part.metadata['base_sha256'][:12]}..: it is another base")
    kept = json.loads(part.metadata["kept"])
    known = named_as(kept, base.tensors)
    write(out, {**{name: known[name] for name in kept}, **part.tensors}, {"format": "pt"})
    shutil.copy(pathlib.Path(part_folder) / "config.json", out)
    for name in TOKENIZER:
        if (pathlib.Path(base_folder) / name).exists():
            shutil.copy(pathlib.Path(base_folder) / name, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["split", "join"])
    parser.add_argument("base")
    parser.add_argument("other", metavar="MODEL|PART")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    args = parser.parse_args()
    (split if args.what == "split" else join)(args.base, args.other, args.out)


if __name__ == "__main__":
    main()
