#!/usr/bin/env python3
"""How fast `espalier apply` is against `cp` of its output, and how fast `espalier inspect` reads headers.

    benchmarks/apply/apply.py build/release/bin/espalier WORK [--layers 7] [--rounds 3] [--keep 4]

Makes a checkpoint with the layer shapes of Mixtral-8x7B in WORK (2.9 GB a layer, BF16, random bytes) and prunes it to
KEEP experts a layer once; then, in turns, prunes it again and copies that first result with `cp --reflink=never`. So
both read files that were last touched a round ago: storage below the page cache would hand cp a file that was written
a moment ago faster than the disk can. Before each run the input is dropped from the page cache; each time ends when
the output is on the disk (sync). Medians over the rounds; peak memory is VmHWM, looked at until the program ends.
WORK needs about 2.6 times the checkpoint and is emptied afterwards.

`inspect` is timed on a sparse checkpoint of 36 layers (104 GB) with nothing in it but headers. Standard library only.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import time

WIDTH, INNER, KEY_VALUE, VOCABULARY, EXPERTS = 4096, 14336, 1024, 32000, 8
SHARD_BYTES = 5_000_000_000
BLOCK = os.urandom(64 << 20)


def tensors(layers):
    yield "model.embed_tokens.weight", [VOCABULARY, WIDTH]
    for layer in range(layers):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", [WIDTH]
        yield at + "post_attention_layernorm.weight", [WIDTH]
        for name, rows in (("q", WIDTH), ("k", KEY_VALUE), ("v", KEY_VALUE), ("o", WIDTH)):
            yield f"{at}self_attn.{name}_proj.weight", [rows, WIDTH]
        yield at + "block_sparse_moe.gate.weight", [EXPERTS, WIDTH]
        for expert in range(EXPERTS):
            for name, shape in (("w1", [INNER, WIDTH]), ("w2", [WIDTH, INNER]), ("w3", [INNER, WIDTH])):
                yield f"{at}block_sparse_moe.experts.{expert}.{name}.weight", shape
    yield "model.norm.weight", [WIDTH]
    yield "lm_head.weight", [VOCABULARY, WIDTH]


def size_of(shape):
    size = 2
    for n in shape:
        size *= n
    return size


def write_shard(path, shard, sparse):
    header, at = {}, 0
    for name, shape in shard:
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size_of(shape)]}
        at += size_of(shape)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        if sparse:
            file.truncate(8 + len(text) + at)
            return
        while at > 0:
            at -= file.write(BLOCK[:at])
        file.flush()
        os.fsync(file.fileno())


def make_checkpoint(folder, layers, sparse=False):
    folder.mkdir(parents=True)
    shards, room = [[]], SHARD_BYTES
    for name, shape in tensors(layers):
        if size_of(shape) > room:
            shards.append([])
            room = SHARD_BYTES
        room -= size_of(shape)
        shards[-1].append((name, shape))
    weight_map = {}
    for i, shard in enumerate(shards):
        file = f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
        weight_map.update({name: file for name, _ in shard})
        write_shard(folder / file, shard, sparse)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    (folder / "config.json").write_text(json.dumps({
        "model_type": "mixtral", "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": layers,
        "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": VOCABULARY,
        "max_position_embeddings": 32768, "num_local_experts": EXPERTS, "num_experts_per_tok": 2}))


def drop_from_cache(folder):
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def peak_bytes(process):
    """VmHWM; what wait4 tells is at least what this script had when it forked."""
    try:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def run(command):
    """Seconds until the output is on the disk, and the peak memory in bytes."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, peak_bytes(process.pid))
        time.sleep(0.01)
    if process.returncode != 0:
        sys.exit(f"{command} failed")
    os.sync()
    return time.monotonic() - started, peak


def time_apply(espalier, work, layers, keep, rounds):
    model, out, copy, plan = work / "model", work / "out", work / "copy", work / "plan.json"
    first = work / "first"
    plan.write_text(json.dumps({
        "format": "espalier.plan/1", "provenance": {"criterion": "none", "schedule": "one_shot", "seed": 0},
        "router": "reroute", "experts_per_token": 2,
        "layers": [{"layer": layer, "num_experts_before": EXPERTS,
                    "keep": sorted((layer + 2 * i) % EXPERTS for i in range(keep))} for layer in range(layers)]}))
    make_checkpoint(model, layers)
    run([espalier, "apply", model, plan, "--out", first, "--quiet"])
    apply_seconds, copy_seconds, peaks = [], [], []
    for _ in range(rounds):
        shutil.rmtree(copy, ignore_errors=True)
        drop_from_cache(model)
        seconds, peak = run([espalier, "apply", model, plan, "--out", out, "--quiet"])
        apply_seconds.append(seconds)
        peaks.append(peak)
        shutil.rmtree(out)
        drop_from_cache(first)
        copy_seconds.append(run(["cp", "--reflink=never", "-r", first, copy])[0])
        print(f"  apply {apply_seconds[-1]:.1f} s, cp {copy_seconds[-1]:.1f} s", file=sys.stderr)
    subprocess.run([espalier, "verify", model, first, "--plan", plan, "--quiet"], check=True)
    before, after = (sum(f.stat().st_size for f in folder.glob("*.safetensors")) for folder in (model, first))
    ours, theirs = statistics.median(apply_seconds), statistics.median(copy_seconds)
    print(f"apply: {before / 1e9:.1f} GB -> {after / 1e9:.1f} GB in {ours:.1f} s ({after / 1e6 / ours:.0f} MB/s), "
          f"peak memory {max(peaks) / 1e6:.1f} MB")
    print(f"cp of the output: {theirs:.1f} s ({after / 1e6 / theirs:.0f} MB/s); apply has {theirs / ours:.2f} of its speed")


def time_inspect(espalier, work, rounds):
    model = work / "sparse"
    make_checkpoint(model, 36, sparse=True)
    size = sum(file.stat().st_size for file in model.glob("*.safetensors"))
    seconds = [run([espalier, "inspect", model])[0] for _ in range(rounds)]
    print(f"inspect: {size / 1e9:.0f} GB in {statistics.median(seconds):.3f} s (and a sync)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("espalier", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=int, default=4)
    arguments = parser.parse_args()
    work = arguments.work / "apply-benchmark"
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir(parents=True)
        time_inspect(arguments.espalier, work, arguments.rounds)
        time_apply(arguments.espalier, work, arguments.layers, arguments.keep, arguments.rounds)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
