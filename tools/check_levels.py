#!/usr/bin/env python3
"""Checks that every include obeys the levels of src/README.md.

    tools/check_levels.py [ROOT]        ROOT holds src/; default: the tree this script is in

The table in src/README.md is the only place where levels are written. A file may include headers of its own
folder and of folders with a smaller level; tensor headers (torch, ATen, c10, oneDNN) only from the level of `train/` on.
Prints `file:line: what is wrong` and exits with 1. Files past 400 lines are warned about.
"""

import pathlib
import re
import sys

ROW = re.compile(r"^\|\s*(\d+)\s*\|((?:\s*`\w+/`)+)\s*\|")
FOLDER = re.compile(r"`(\w+)/`")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
TENSOR_HEADER = re.compile(r"^(torch/|ATen/|c10/|caffe2/|dnnl|oneapi/dnnl)")
FIRST_TENSOR_FOLDER = "train"
SOURCE_SUFFIXES = {".h", ".hpp", ".cpp", ".cc", ".inc"}
LONG_FILE_LINES = 400


def read_levels(readme):
    """{folder: level} from the table."""
    levels = {}
    for line in readme.read_text(encoding="utf-8").splitlines():
        row = ROW.match(line)
        if row:
            for folder in FOLDER.findall(row.group(2)):
                levels[folder] = int(row.group(1))
    return levels


def include_error(folder, levels, quote, target, source_root):
    """What is wrong with `#include target` in a file of `folder`, or None."""
    level = levels[folder]
    if TENSOR_HEADER.match(target):
        if level < levels[FIRST_TENSOR_FOLDER]:
            return f"<{target}> is a tensor header, but {folder}/ (level {level}) is tensor-free"
        return None
    if quote == "<":
        return None
    first = target.split("/", 1)[0]
    if "/" not in target or first == "..":
        return f'"{target}": name headers from src/, as in "base/error.h"'
    if first not in levels:
        return f'"{target}": {first}/ is not a folder of src/README.md'
    if not (source_root / target).is_file():
        return f'"{target}" does not exist'
    if first != folder and levels[first] >= level:
        return f'{folder}/ (level {level}) may not use "{target}" (level {levels[first]})'
    return None


def check(root):
    """Lists of errors and warnings, and the number of files looked at."""
    source_root = root / "src"
    levels = read_levels(source_root / "README.md")
    errors, warnings = [], []
    if FIRST_TENSOR_FOLDER not in levels:
        return [f"{source_root}/README.md:1: no table of levels with a row for `{FIRST_TENSOR_FOLDER}/`"], [], 0
    files = sorted(p for p in source_root.rglob("*") if p.suffix in SOURCE_SUFFIXES)
    for file in files:
        name = file.relative_to(root)
        folder = file.relative_to(source_root).parts[0]
        if folder not in levels:
            errors.append(f"{name}:1: {folder} is not a folder of src/README.md")
            continue
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            include = INCLUDE.match(line)
            if include:
                error = include_error(folder, levels, include.group(1), include.group(2), source_root)
                if error:
                    errors.append(f"{name}:{number}: {error}")
        if len(lines) > LONG_FILE_LINES:
            warnings.append(f"{name}:{len(lines)}: warning: past {LONG_FILE_LINES} lines; split where the idea splits")
    return errors, warnings, len(files)


def main(arguments):
    default_root = pathlib.Path(__file__).resolve().parent.parent
    root = pathlib.Path(arguments[1]) if len(arguments) > 1 else default_root
    errors, warnings, files = check(root)
    for line in warnings + errors:
        print(line)
    print(f"levels: {files} files, {len(errors)} errors, {len(warnings)} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
