#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (default 30); a crash ends the run and leaves its input behind.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-30}
targets=0
while IFS= read -r target; do
  name=$(basename "$target")
  name=${name%_fuzz}
  mkdir -p "build/fuzz/corpus/$name"
  seeds=()
  [ -d "fuzz/corpus/$name" ] && seeds=("fuzz/corpus/$name")
  echo "fuzz: $name for $seconds s"
  "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/crash-$name-" "build/fuzz/corpus/$name" "${seeds[@]}" 2>&1 |
    grep -E '^(stat::number_of_executed_units|stat::peak_rss_mb|==|SUMMARY|ERROR|.*Test unit written)' 
  targets=$((targets + 1))
done < <(find build/fuzz/fuzz -maxdepth 1 -type f -executable -name '*_fuzz' | sort)
if [ "$targets" -eq 0 ]; then
  echo "fuzz: no targets were built" >&2
  exit 1
fi
echo "fuzz: $targets targets, no crash"
