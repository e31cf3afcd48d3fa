#!/usr/bin/env bash
# A base that can do the tasks: MiniLM (6 x 384) with 8 experts in blocks 1 and 3, and its dense twin. Resumes where it
# was stopped.
#
#   models/recipe/minilm-moe/train.sh TEXT_DIR WORK_DIR [STAGE...]     STAGE: head, dense, moe (default: all in turn)
#
# TEXT_DIR holds enwiki/train-{0,1}.txt.zst, enwikinews/wikinews.txt.zst and enwiki/valid.txt. WORK_DIR takes MiniLM, the
# token cache and the run folders. `head` trains a head of masked words on the frozen model; `dense` and `moe` start from
# it and train that head and the feed-forward networks of blocks 1 and 3, or the experts in their place: the same text,
# tokens, seed and options. Each leaves WORK_DIR/STAGE/model, and WORK_DIR/parts/STAGE, what differs from MiniLM
# (tools/model_parts.py joins both again).
set -euo pipefail
text=$1
work=$2
stages=("${@:3}")
[ ${#stages[@]} -gt 0 ] || stages=(head dense moe)
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../..
espalier=${ESPALIER:-$root/build/release/bin/espalier}
python3 "$here/fetch.py" "$work"

train() {  # OUT START OPTION...
  local start=()
  [ -e "$work/$1/manifest.json" ] && start=(--resume)
  "$espalier" pretrain "$2" --out "$work/$1" "${start[@]}" --cache "$work/cache" \
    --text "$text"/enwiki/train-{0,1}.txt.zst "$text/enwikinews/wikinews.txt.zst" --valid-text "$text/enwiki/valid.txt" \
    --batch-tokens 4096 --seq-len 128 --dropout 0 --model-dtype BF16 --seed 42 \
    --log-every 10 --validate-every 250 --validation-tokens 50000 --save-every 100 \
    ${ESPALIER_THREADS:+--threads "$ESPALIER_THREADS"} "${@:3}"
}

networks=(--train head,ffn.1,ffn.3 --steps "${STEPS:-2442}" --learning-rate 5e-4 --warmup 0.05)
for stage in "${stages[@]}"; do
  case $stage in
    head) train head "$work/minilm" --train head --steps 250 --learning-rate 2e-3 --warmup 0.1 ;;
    dense) train dense "$work/head/model" "${networks[@]}" ;;
    moe) train moe "$work/head/model" "${networks[@]}" --upcycle 8 --moe-layers 1,3 --upcycle-router 2 --upcycle-redraw 0.25 --expert-rate 3 ;;
    *) echo "no stage $stage: head, dense, moe" >&2; exit 2 ;;
  esac
  python3 "$root/tools/model_parts.py" split "$work/minilm" "$work/$stage/model" --out "$work/parts/$stage"
done
