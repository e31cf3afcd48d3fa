#!/usr/bin/env bash
# Trains mini-moe and its dense twin mini-dense with one recipe; resumes where it was stopped.
#
#   models/recipe/train.sh TEXT_DIR WORK_DIR [MODEL...]      MODEL: mini-moe, mini-dense (default: both, one after the other)
#
# TEXT_DIR holds the English text that is not in Debian: enwiki/train-{0..3}.txt.zst, enwiki/valid.txt and
# enwikinews/wikinews.txt.zst (one paragraph a line, an empty line between articles). WORK_DIR takes the prepared text,
# the vocabulary, the token cache and the two run folders.
set -euo pipefail
text=$1
work=$2
models=("${@:3}")
[ ${#models[@]} -gt 0 ] || models=(mini-moe mini-dense)
here=$(cd "$(dirname "$0")" && pwd)
espalier=${ESPALIER:-$here/../../build/release/bin/espalier}
wikipedia=("$text"/enwiki/train-{0,1,2,3}.txt.zst "$text"/enwikinews/wikinews.txt.zst)

mkdir -p "$work"
[ -e "$work/text/gcide.txt" ] || "${CORPUS:-$here/../../build/release/examples/corpus}" --out "$work/text"
definitions=("$work/text/wordnet.txt" "$work/text/gcide.txt")
[ -e "$work/vocab.txt" ] || "$espalier" tokenizer train "${definitions[@]}" "${wikipedia[@]}" --vocab-size 8192 --limit-alphabet 300 --min-character-count 1500 --out "$work/vocab.txt"

for model in "${models[@]}"; do
  run=$work/$model
  start=()
  [ -e "$run/manifest.json" ] && start=(--resume)
  "$espalier" pretrain "$here/$model.json" --out "$run" "${start[@]}" \
    --vocab "$work/vocab.txt" --cache "$work/cache" \
    --text "${definitions[@]}" "${wikipedia[@]}" --valid-text "$text/enwiki/valid.txt" \
    --steps 28000 --batch-tokens 1024 --seq-len 128 --learning-rate 1e-3 --warmup 0.02 --dropout 0 \
    --log-every 50 --validate-every 1000 --validation-tokens 100000 --save-every 1000 \
    --model-dtype BF16 --seed 42 ${ESPALIER_THREADS:+--threads "$ESPALIER_THREADS"}
done
