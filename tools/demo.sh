#!/usr/bin/env bash
# What `make demo` shows, on the program in build/release: the two small models of models/ learn to tell the
# category of a dictionary definition (WordNet, 45 categories) in three settings: dense, Mixture of Experts with all
# experts, and the same pruned to one expert per layer on the way. Everything goes into runs/demo.
set -euo pipefail
cd "$(dirname "$0")/.."
espalier=build/release/bin/espalier
out=runs/demo
rm -rf "$out"
mkdir -p "$out"

step() {
  printf '\n$ espalier %s\n' "$*"
  "$espalier" "$@"
}

task=(--task wordnet --steps 1000 --batch 64 --learning-rate 1e-3 --seq-len 64 --validate-every 250)
step inspect models/mini-moe
step finetune models/mini-dense "${task[@]}" --out "$out/dense"
step finetune models/mini-moe "${task[@]}" --out "$out/moe"
step finetune models/mini-moe "${task[@]}" --prune eager --beta 0.5 --out "$out/eager"
step export "$out/eager/model" --to bert --out "$out/bert"
printf 'a small domesticated animal with soft fur\nrun very fast\nthe quality of being kind\n' >"$out/lines.txt"
step predict "$out/bert" "$out/lines.txt"
step bench "$out/dense" "$out/moe" "$out/eager" --batch 8 --seq-len 64
step report "$out/dense" "$out/moe" "$out/eager" --out "$out/report.html"
