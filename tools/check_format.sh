#!/usr/bin/env bash
# Checks the format of every C++ file against .clang-format, or rewrites what differs.
#
#   tools/check_format.sh [--fix]
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v clang-format >/dev/null; then
  echo "check_format: clang-format is missing; tools/install_dependencies.sh test" >&2
  exit 2
fi

# Other versions lay some lines out in another way.
version=$(clang-format --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
if [ "$version" != 14 ]; then
  echo "check_format: skipped: this is clang-format $version, the files are as 14 (Debian 12) writes them" >&2
  exit 77
fi

mapfile -d '' files < <(find src tests fuzz benchmarks examples \( -name node_modules -prune \) -o \
  \( -name '*.h' -o -name '*.cpp' \) -type f -print0 2>/dev/null | sort -z)

if [ "${1:-}" = --fix ]; then
  clang-format -i "${files[@]}"
  echo "format: ${#files[@]} files rewritten where they differed"
  exit 0
fi
if ! clang-format --dry-run -Werror "${files[@]}"; then
  echo "format: run 'make format'" >&2
  exit 1
fi
echo "format: ${#files[@]} files, all as .clang-format says"
