#!/usr/bin/env python3
"""Writes the options of every verb into docs/verbs.md, from the program's own table.

    tools/update_verbs_reference.py [build/release/bin/espalier]

Take the full program: another has not every verb. The part after the line "## Reference" is replaced.
"""

import pathlib
import subprocess
import sys

HEADING = "## Reference\n"
PREFACE = "\nEvery option, as `espalier VERB --help` has it. This part is made by `tools/update_verbs_reference.py`.\n\n"


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    program = sys.argv[1] if len(sys.argv) > 1 else str(root / "build/release/bin/espalier")
    made = subprocess.run([program, "--reference"], check=True, capture_output=True, text=True).stdout
    page = root / "docs/verbs.md"
    written = page.read_text(encoding="utf-8").split(HEADING)[0].rstrip("\n") + "\n\n"
    page.write_text(written + HEADING + PREFACE + made.rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
