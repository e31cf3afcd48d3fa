#!/usr/bin/env bash
# clang-tidy over the tensor-free folders, which it can read in minutes. Needs build/core to be configured.
#
#   tools/check_tidy.sh [FILE..]
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
  files=("$@")
else
  mapfile -t files < <(python3 - <<'PYTHON'
import json, pathlib
source = pathlib.Path("src").resolve()
for entry in json.load(open("build/core/compile_commands.json")):
    if pathlib.Path(entry["file"]).is_relative_to(source):
        print(entry["file"])
PYTHON
)
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy-16 -p build/core --quiet
echo "tidy: ${#files[@]} files, nothing to say"
