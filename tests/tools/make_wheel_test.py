"""tools/make_wheel.py: a wheel that lists what is in it, the same bytes each time, and static programs only."""

import base64
import hashlib
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/make_wheel.py"
LOADED, INTERPRETER = 1, 3  # types of program headers


def program(header_type):
    """The beginning of an ELF file of 64 bits with one program header."""
    head = b"\x7fELF\x02\x01\x01".ljust(32, b"\0") + struct.pack("<Q", 64)
    return head.ljust(54, b"\0") + struct.pack("<HH", 56, 1) + b"\0" * 6 + struct.pack("<I", header_type).ljust(56, b"\0")


class MakeWheel(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def run_tool(self, content):
        (self.folder / "espalier").write_bytes(content)
        return subprocess.run([sys.executable, TOOL, self.folder / "espalier", "--out", self.folder / "wheel"],
                              capture_output=True, text=True)

    def test_lists_what_is_in_it(self):
        run = self.run_tool(program(LOADED))
        self.assertEqual(run.returncode, 0, run.stderr)
        first = pathlib.Path(run.stdout.strip()).read_bytes()
        self.assertEqual(pathlib.Path(self.run_tool(program(LOADED)).stdout.strip()).read_bytes(), first)
        with zipfile.ZipFile(run.stdout.strip()) as wheel:
            record = [name for name in wheel.namelist() if name.endswith("RECORD")][0]
            rows = [line.split(",") for line in wheel.read(record).decode().splitlines()]
            self.assertEqual(sorted(row[0] for row in rows), sorted(wheel.namelist()))
            for name, digest, size in rows:
                if name != record:
                    data = wheel.read(name)
                    expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                    self.assertEqual((digest, size), (f"sha256={expected}", str(len(data))))
            script = [entry for entry in wheel.infolist() if entry.filename.endswith("scripts/espalier")][0]
            self.assertEqual(script.external_attr >> 16, 0o100755)

    def test_refuses_what_needs_other_files(self):
        for content in (program(INTERPRETER), b"#!/bin/sh\n"):
            run = self.run_tool(content)
            self.assertEqual(run.returncode, 1)
            self.assertIn("is no static program", run.stderr)
            self.assertFalse((self.folder / "wheel").exists())


if __name__ == "__main__":
    unittest.main()
