#!/usr/bin/env python3
"""Says which sources can be compiled together, for unity builds.

    cmake/unity_groups.py SIZE SOURCE..        prints "GROUP SOURCE" lines

What a source keeps to itself (names in its anonymous namespace) would clash with the same name of another; sources that share
such a name come into different groups. At most SIZE sources in a group; each joins the first that takes it.
"""

import pathlib
import re
import sys

REGION = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.M | re.S)
SKIPPED = re.compile(r"[\s}#/)\"]|TEST|INSTANTIATE_|using namespace |using [\w:]+;|namespace |template|public:|private:")
TYPE = re.compile(r"(?:struct|class|enum class|enum|using) (\w+)")
NAME = re.compile(r"(\w+)\s*[(=\[{;,]")
MORE_NAMES = re.compile(r", (\w+) = ")


def names_of(source):
    """What the anonymous namespaces of a source define, as clang-format lays it out: definitions begin in column 0."""
    names = set()
    for region in REGION.findall(source):
        for line in region.splitlines():
            line = re.sub(r"^\[\[\w+\]\] ", "", line)
            if not line or SKIPPED.match(line):
                continue
            found = TYPE.match(line) or NAME.search(line)
            if found:
                names.add(found.group(1))
                if " = " in line and "(" not in line.split(" = ")[0]:
                    names.update(MORE_NAMES.findall(line))
    return names


def groups_of(sources, size):
    """[[path]]: sources whose names differ, together."""
    groups, taken = [], []
    for path in sources:
        names = names_of(pathlib.Path(path).read_text(encoding="utf-8"))
        for group, others in zip(groups, taken):
            if len(group) < size and not names & others:
                group.append(path)
                others |= names
                break
        else:
            groups.append([path])
            taken.append(names)
    return groups


def main():
    for number, group in enumerate(groups_of(sys.argv[2:], int(sys.argv[1]))):
        for path in group:
            print(f"{number} {path}")


if __name__ == "__main__":
    main()
