#!/usr/bin/env bash
# Trains the pair of vision models that router_norm_change compares; resumes where it was stopped.
#
#   models/recipe/train-vision.sh CIFAR10_DIR WORK_DIR
set -euo pipefail
images=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)
espalier=${ESPALIER:-$here/../../build/release/bin/espalier}

run() {  # run VERB MODEL OUT OPTION..
  local start=()
  [ -e "$3/manifest.json" ] && start=(--resume)
  [ -e "$3/model" ] || "$espalier" "$1" "$2" --images "$images" --out "$3" "${start[@]}" "${@:4}" --warmup 0.05 \
    --validate-every 500 --save-every 500 --seed 42 --model-dtype BF16
}

run pretrain "$here/mini-vmoe.json" "$work/mini-vmoe" --classes airplane,bird,deer,frog,ship --image-epochs 30 --learning-rate 1e-3
run finetune "$work/mini-vmoe/model" "$work/mini-vmoe-tuned" --classes automobile,cat,dog,horse,truck --image-epochs 5 --learning-rate 5e-4
