#!/usr/bin/env bash
# Installs the wheel of FOLDER into a fresh virtual environment, and runs what it brings.
#
#   tools/try_wheel.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(ls "${1:?"usage: tools/try_wheel.sh FOLDER"}"/espalier-*.whl)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps "$wheel"
first=$("$work/venv/bin/espalier" inspect models/mini-moe --json)
second=$("$work/venv/bin/python" -m espalier inspect models/mini-moe --json)
[ "$first" = "$second" ] || { echo "try_wheel: the two ways to run it disagree" >&2; exit 1; }
echo "wheel: $("$work/venv/bin/espalier" --version), $(stat -c %s "$wheel") bytes, installs and runs"
