#!/usr/bin/env python3
"""Whether two safetensors files hold the same float32 numbers, but for roundings.

    tools/compare_tensors.py FILE FILE TOLERANCE        names the tensor that differs most, and exits with 1 past TOLERANCE
"""

import array
import json
import pathlib
import sys


def read_tensors(file):
    """{name: float32 numbers}."""
    content = pathlib.Path(file).read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8:begin]).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            sys.exit(f"compare_tensors: {file}: {name} is {entry['dtype']}, expected F32")
        first, last = entry["data_offsets"]
        tensors[name] = array.array("f", content[begin + first:begin + last])
    return tensors


def main():
    first, second, tolerance = read_tensors(sys.argv[1]), read_tensors(sys.argv[2]), float(sys.argv[3])
    if first.keys() != second.keys() or any(len(first[name]) != len(second[name]) for name in first):
        sys.exit("compare_tensors: the files hold other tensors")
    differences = {name: max(map(abs, map(float.__sub__, first[name], second[name])), default=0.0) for name in first}
    worst = max(differences, key=differences.get)
    print(f"{worst}: {differences[worst]:.3g} apart")
    return 0 if differences[worst] <= tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
