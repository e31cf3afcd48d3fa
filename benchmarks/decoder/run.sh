#!/usr/bin/env bash
# Prompt processing of the same random Mixtral (640 M parameters, float32) by Espalier and llama.cpp, in turns.
#
#   benchmarks/decoder/run.sh FOLDER LLAMA_LIB
#
# FOLDER gets the models (8 GB); LLAMA_LIB is bins/linux-x64 of npm's @node-llama-cpp/linux-x64 3.22.1.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$1 lib=$2
ours=$here/../build/release/benchmarks/decoder_speed
mkdir -p "$folder"
model=$folder/mixtral-640m
[ -e "$model.gguf" ] || "$here/peers/make_mixtral.py" "$model"
[ -e "$model.q8_0.gguf" ] || "$here/peers/llama_prompt.py" "$model.gguf" --lib "$lib" --quantize q8_0
for _ in 1 2; do
  "$ours" "$model" --threads 2 --runs 3
  "$here/peers/llama_prompt.py" "$model.gguf" --lib "$lib" --runs 3
  "$here/peers/llama_prompt.py" "$model.q8_0.gguf" --lib "$lib" --runs 3 --flash
done
