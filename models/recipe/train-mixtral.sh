#!/usr/bin/env bash
# Trains mini-mixtral; resumes where it was stopped.
#
#   models/recipe/train-mixtral.sh TEXT_DIR WORK_DIR
#
# TEXT_DIR holds the English text that is not in Debian: enwiki/train-{0..3}.txt.zst and enwiki/valid.txt (one paragraph
# a line, an empty line between articles). News and web text are left out: they are the other domains of
# docs/results/methods.md. WORK_DIR takes the tokenizer, the token cache and the run folder.
set -euo pipefail
text=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)
espalier=${ESPALIER:-$here/../../build/release/bin/espalier}
wikipedia=("$text"/enwiki/train-{0,1,2,3}.txt.zst)

mkdir -p "$work/tokenizer"
[ -e "$work/tokenizer/tokenizer_config.json" ] || "$espalier" tokenizer train --kind bpe "${wikipedia[@]}" --vocab-size 4096 --out "$work/tokenizer/tokenizer.json"

run=$work/run
start=()
[ -e "$run/manifest.json" ] && start=(--resume)
exec "$espalier" pretrain "$here/mini-mixtral.json" --out "$run" "${start[@]}" \
  --tokenizer "$work/tokenizer" --cache "$work/cache" \
  --text "${wikipedia[@]}" --valid-text "$text/enwiki/valid.txt" \
  --steps "${STEPS:-8500}" --batch-tokens 2048 --seq-len 256 --learning-rate 2e-3 --warmup 0.03 --beta2 0.95 --weight-decay 0.05 \
  --balance-loss 0.01 --log-every 25 --validate-every 250 --validation-tokens 65536 --save-every 100 \
  --model-dtype BF16 --seed 42 ${ESPALIER_THREADS:+--threads "$ESPALIER_THREADS"}
