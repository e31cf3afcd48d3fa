#!/usr/bin/env bash
# What `make demo` shows, on the program in build/release: a small Mixture-of-Experts encoder is pre-trained on
# WordNet's definitions and then asked for masked words. Everything goes into runs/demo.
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

step corpus --out "$out/text"

# Every fiftieth synset is held out.
awk -v RS= -v ORS='\n\n' -v held_out="$out/text/valid.txt" -v rest="$out/text/train.txt" \
  '{ print > (NR % 50 == 0 ? held_out : rest) }' "$out/text/wordnet.txt"

step tokenizer train "$out/text/train.txt" --vocab-size 4096 --out "$out/vocab.txt"
step pretrain examples/demo/config.json --vocab "$out/vocab.txt" --text "$out/text/train.txt" \
  --valid-text "$out/text/valid.txt" --steps 600 --batch-tokens 4096 --learning-rate 2e-3 --dropout 0 \
  --validate-every 150 --log-every 10 --out "$out/run"
step inspect "$out/run/model"
step eval "$out/run/model" --task mlm --data "$out/text/valid.txt" --examples 4
step bench "$out/run/model" --batch 8 --seq-len 64 --rounds 3
step report "$out/run" --out "$out/report.html"
