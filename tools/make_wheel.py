#!/usr/bin/env python3
"""Packs the static program as a Python wheel that any Linux of its processor installs.

    tools/make_wheel.py PROGRAM --out FOLDER

`pip install` puts PROGRAM as `espalier` among the environment's scripts; `python -m espalier` runs it too. The same program
gives the same bytes. Prints the wheel's name. Format: packaging.python.org, "Binary distribution format" 1.0.
"""

import argparse
import base64
import hashlib
import pathlib
import platform
import re
import stat
import struct
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A static program needs neither libc: glibc's oldest tag that pip knows, and musl's.
TAG = "py3-none-manylinux_2_17_{0}.manylinux2014_{0}.musllinux_1_1_{0}"
INIT = '"""The program espalier: python -m espalier VERB .."""\n\n__version__ = "{}"\n'
MAIN = '''"""Runs the program that this package brings: python -m espalier VERB .."""

import os
import sys
import sysconfig

program = os.path.join(sysconfig.get_path("scripts"), "espalier")
os.execv(program, [program, *sys.argv[1:]])
'''


def version():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(espalier VERSION ([\d.]+)", text).group(1)


def metadata(number):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    summary = "Prunes the experts of Mixture-of-Experts models"
    return (f"Metadata-Version: 2.1\nName: espalier\nVersion: {number}\nSummary: {summary}\nLicense: Apache-2.0\n"
            f"Requires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n{readme}")


def wheel_file(tag):
    tags = [f"Tag: py3-none-{system}" for system in tag.removeprefix("py3-none-").split(".")]
    return "\n".join(["Wheel-Version: 1.0", "Generator: espalier", "Root-Is-Purelib: false", *tags]) + "\n"


def contents(program, number, tag):
    """{name in the wheel: bytes}, without RECORD."""
    info, data = f"espalier-{number}.dist-info", f"espalier-{number}.data"
    return {
        "espalier/__init__.py": INIT.format(number).encode(),
        "espalier/__main__.py": MAIN.encode(),
        f"{data}/scripts/espalier": program,
        f"{info}/METADATA": metadata(number).encode(),
        f"{info}/WHEEL": wheel_file(tag).encode(),
        f"{info}/licenses/LICENSE": (ROOT / "LICENSE").read_bytes(),
    }


def record(files, name):
    lines = []
    for file, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{file},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{name},,"]) + "\n"


def write_wheel(program, folder):
    number, tag = version(), TAG.format(platform.machine())
    files = contents(program.read_bytes(), number, tag)
    name = f"espalier-{number}.dist-info/RECORD"
    files[name] = record(files, name).encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"espalier-{number}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file, data in files.items():
            entry = zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (stat.S_IFREG | (0o755 if "/scripts/" in file else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return wheel


def is_static(program):
    """Of an ELF file of 64 bits: no program header asks for an interpreter."""
    data = program.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return False
    start, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    interpreter = 3
    return all(struct.unpack_from("<I", data, start + i * size)[0] != interpreter for i in range(count))


def main():
    parser = argparse.ArgumentParser(prog="make_wheel", description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path, help="the static program: `make` builds build/static/bin/espalier")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    if not options.program.is_file():
        sys.exit(f"make_wheel: error: {options.program} is not there\nhint: `make` builds it")
    if not is_static(options.program):
        sys.exit(f"make_wheel: error: {options.program} is no static program\nhint: `make` builds build/static/bin/espalier")
    print(write_wheel(options.program, options.out))


if __name__ == "__main__":
    main()
