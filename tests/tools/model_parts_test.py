#!/usr/bin/env python3
"""tools/model_parts.py on small files: what is split is what differs, and both make the whole again."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/model_parts.py"


def write(folder, tensors, config="{}"):
    folder.mkdir(parents=True, exist_ok=True)
    header, data = {}, b""
    for name, (dtype, values) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": [len(values) // 4], "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "config.json").write_text(config)


def read(folder):
    content = (folder / "model.safetensors").read_bytes()
    length = struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    at = 8 + length
    return {
        name: (of["dtype"], content[at + of["data_offsets"][0] : at + of["data_offsets"][1]])
        for name, of in header.items()
    }


class ModelParts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)
        self.base = {"word": ("F32", b"abcdefgh"), "ffn": ("F32", b"ijkl"), "gone": ("F32", b"mnop")}
        write(self.root / "base", self.base)
        (self.root / "base/tokenizer.json").write_text("{}")
        self.model = {"bert.word": ("F32", b"abcdefgh"), "bert.ffn": ("F32", b"IJKL"), "head": ("BF16", b"zzzz")}
        write(self.root / "model", self.model, '{"a": 1}')

    def run_tool(self, *words):
        return subprocess.run([sys.executable, TOOL, *map(str, words)], capture_output=True, text=True)

    def split(self):
        run = self.run_tool("split", self.root / "base", self.root / "model", "--out", self.root / "part")
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_part_is_what_differs(self):
        self.split()
        self.assertEqual(read(self.root / "part"), {name: self.model[name] for name in ("bert.ffn", "head")})

    def test_both_make_the_whole_again(self):
        self.split()
        run = self.run_tool("join", self.root / "base", self.root / "part", "--out", self.root / "whole")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(read(self.root / "whole"), self.model)
        self.assertEqual((self.root / "whole/config.json").read_text(), '{"a": 1}')
        self.assertTrue((self.root / "whole/tokenizer.json").exists())

    def test_another_base_is_refused(self):
        self.split()
        write(self.root / "other", {**self.base, "ffn": ("F32", b"ijkL")})
        run = self.run_tool("join", self.root / "other", self.root / "part", "--out", self.root / "whole")
        self.assertEqual(run.returncode, 1)
        self.assertIn("another base", run.stderr)
        self.assertFalse((self.root / "whole").exists())

    def test_what_is_no_part_and_no_checkpoint_is_refused(self):
        run = self.run_tool("join", self.root / "base", self.root / "model", "--out", self.root / "whole")
        self.assertIn("not made by `split`", run.stderr)
        (self.root / "base/model.safetensors").write_bytes(b"nothing")
        run = self.run_tool("split", self.root / "base", self.root / "model", "--out", self.root / "part")
        self.assertIn("not a safetensors file", run.stderr)


if __name__ == "__main__":
    unittest.main()
