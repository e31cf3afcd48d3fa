#!/usr/bin/env bash
# What `make demo` shows, on the program in build/release.
set -euo pipefail
cd "$(dirname "$0")/.."

build/release/bin/espalier --version
