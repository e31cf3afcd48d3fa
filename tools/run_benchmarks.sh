#!/usr/bin/env bash
# Runs every micro-benchmark of build/release, one after the other, on a machine that should do nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

ran=0
while IFS= read -r benchmark; do
  echo "== $(basename "$benchmark")"
  "$benchmark"
  ran=$((ran + 1))
done < <(find build/release/benchmarks -maxdepth 1 -type f -executable -name '*_benchmark' | sort)
if [ "$ran" -eq 0 ]; then
  echo "bench: no benchmarks were built" >&2
  exit 1
fi
