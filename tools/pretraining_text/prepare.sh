#!/bin/sh
# Writes the pre-training text and the vocabulary of the shipped models: prepare.sh OUT [MORE_TEXT...]
# MORE_TEXT: plain, .gz or .zst files that the vocabulary is trained on as well.
set -eu
if [ $# -lt 1 ]; then
  echo "usage: $0 OUT [MORE_TEXT...]" >&2
  exit 2
fi
out=$1
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
espalier=${ESPALIER:-$root/build/release/bin/espalier}

"$espalier" corpus --out "$out"
"$espalier" tokenizer train "$out/wordnet.txt" "$out/gcide.txt" "$@" --vocab-size 8192 --limit-alphabet 300 \
  --min-character-count 1500 --out "$out/vocab.txt"
