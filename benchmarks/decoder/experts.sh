#!/usr/bin/env bash
# A Mixture-of-Experts layer with the statistics of its experts, routed rows against every expert on every token: time and
# memory of Espalier and PyTorch in turns, for 8, 64 and 128 experts of Qwen3-30B's shape.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
for round in 1 2; do
  for experts in 8 64 128; do
    shape=(--experts "$experts" --experts-per-token $((experts == 8 ? 2 : 8)) --width 2048 --ffn 768 --tokens 2048 --threads 2)
    "$here/../build/release/benchmarks/experts_speed" "${shape[@]}" --runs 3
    PEER=pytorch_experts.py "$here/peers/run_pytorch.sh" best "${shape[@]}" --runs 3
  done
done
