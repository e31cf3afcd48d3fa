#!/usr/bin/env bash
# Runs the tests of one build and ends in a line that counts them: "412 passed, 0 failed".
#
#   tools/run_tests.sh PRESET [options of ctest]
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:?preset}
shift
junit=build/$preset/test-results.xml
rm -f "$junit"
status=0
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" \
  --output-junit test-results.xml "$@" || status=$?

# The header of ctest's own summary file; its text output counts skipped tests as passed.
count() { sed -n "s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$junit" | head -1; }
if [ ! -s "$junit" ]; then
  echo "0 passed, 1 failed"
  exit 1
fi
total=$(count tests) failed=$(count failures) skipped=$(count skipped) disabled=$(count disabled)
# A test program that was not built is a failure, not a skipped test.
not_built=$(grep -c '<testcase name="[^"]*_NOT_BUILT"' "$junit" || true)
failed=$((failed + not_built)) skipped=$((skipped - not_built))
if [ "$((skipped + disabled))" -gt 0 ]; then echo "$((skipped + disabled)) not run"; fi
echo "$((total - failed - skipped - disabled)) passed, $failed failed"
exit "$status"
