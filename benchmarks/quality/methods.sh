#!/usr/bin/env bash
# The texts of methods.toml, and the sweep.
#
#   benchmarks/quality/methods.sh TEXT_DIR OUT [options of sweep]      from the folder that has models/
#
# TEXT_DIR holds enwiki/train-{2,3}.txt.zst, enwiki/test.txt, enwikinews/wikinews.txt.zst and c4/*.jsonl.gz (an empty line
# between documents of the .txt). Texts for calibration and for evaluation share no document.
set -euo pipefail
text=$1 out=$2
espalier=${ESPALIER:-build/release/bin/espalier}
mkdir -p methods-text
documents() { awk -v RS= -v ORS='\n\n' -v first="$1" -v last="$2" 'NR >= first && NR <= last'; }
zstdcat "$text/enwiki/train-3.txt.zst" | documents 1 2000 >methods-text/wikipedia-calibration.txt
zstdcat "$text/enwiki/train-2.txt.zst" | documents 1 500 >methods-text/wikipedia-recovery.txt  # for recovery.py
documents 1 15 <"$text/enwiki/test.txt" >methods-text/wikipedia-test.txt  # 32 rows and more
zstdcat "$text/enwikinews/wikinews.txt.zst" | documents 1 2000 >methods-text/wikinews-calibration.txt
zstdcat "$text/enwikinews/wikinews.txt.zst" | documents 2001 2100 >methods-text/wikinews-test.txt
zcat "$text/c4/c4_train_00000_part.jsonl.gz" >methods-text/c4-calibration.jsonl
zcat "$text/c4/c4_validation_part.jsonl.gz" | sed -n 1,60p >methods-text/c4-test.jsonl
"$espalier" sweep benchmarks/quality/methods.toml --out "$out" "${@:3}"
