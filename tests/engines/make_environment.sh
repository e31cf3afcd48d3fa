#!/usr/bin/env bash
# The referees of `make test-engines`: a virtual environment of Python with what requirements.txt locks.
#
#   tests/engines/make_environment.sh FOLDER
#
# Made anew where requirements.txt has changed. PyTorch comes as the build for processors without a GPU where pip finds
# one (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL).
set -euo pipefail
folder=${1:?"usage: tests/engines/make_environment.sh FOLDER"}
requirements=$(cd "$(dirname "$0")" && pwd)/requirements.txt

cmp -s "$requirements" "$folder/installed.txt" && exit 0
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$requirements"
cp "$requirements" "$folder/installed.txt"
