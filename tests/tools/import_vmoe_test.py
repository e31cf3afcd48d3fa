"""tools/import_vmoe on small checkpoints: what becomes of every array, and what is said of damage.

Needs tools/import_vmoe/requirements.txt; `make test-engines` runs it.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import msgpack
import numpy as np
from safetensors.numpy import load_file

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools/import_vmoe"), str(ROOT / "tests/tools")]
from flax_checkpoint import UserError, parameters_prefix, read_checkpoint, unpack  # noqa: E402
from written_vmoe import D, E, F, MARK, P, small_checkpoint, write_partitioned  # noqa: E402

TOOL = ROOT / "tools/import_vmoe/import_vmoe.py"
GOLDEN = ROOT / "tests/tools/import_vmoe"


class WithFolder(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def run_tool(self, *words):
        return subprocess.run([sys.executable, TOOL, *map(str, words)], capture_output=True, text=True)

    def imported(self, arrays, *more):
        prefix = write_partitioned(self.folder, arrays)
        return self.run_tool(prefix, "--out", self.folder / "model", "--experts-per-token", 1, *more)


class Layout(WithFolder):
    def test_arrays_survive_shards_and_pieces(self):
        arrays = small_checkpoint()
        prefix = write_partitioned(self.folder, arrays)
        self.assertEqual(parameters_prefix(prefix), "params/")
        read = read_checkpoint(prefix, "")
        self.assertEqual(set(read), set(arrays))
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array, err_msg=name)

    def test_kernels_are_transposed(self):
        arrays = small_checkpoint()
        run = self.imported(dict(arrays, **{"params/more": np.zeros(2, np.float32)}))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("params/more: left out", run.stderr)
        tensors = load_file(self.folder / "model/model.safetensors")
        block = "params/Encoder/encoderblock_"
        expected = {
            "encoder.layer.0.attention.query.weight": arrays[block + "0/SelfAttention/query/kernel"].reshape(D, D).T,
            "encoder.layer.0.attention.output.weight": arrays[block + "0/SelfAttention/out/kernel"].reshape(D, D).T,
            "encoder.layer.1.moe.experts.1.intermediate.dense.weight": arrays[block + "1/Moe/Mlp/Dense_0/kernel"][1].T,
            "encoder.layer.1.moe.experts.0.output.dense.bias": arrays[block + "1/Moe/Mlp/Dense_1/bias"][0],
            "encoder.layer.1.moe.router.weight": arrays[block + "1/Moe/Router/dense/kernel"].T,
            "embeddings.patch.weight": arrays["params/embedding/kernel"].reshape(P * P * 3, D).T,
            "embeddings.position": arrays["params/Encoder/posembed_input/pos_embedding"][0],
        }
        for name, values in expected.items():
            np.testing.assert_array_equal(tensors[name], values, err_msg=name)

    def test_the_golden_model_comes_out(self):
        for dtype in ("F32", "BF16"):
            run = self.run_tool(GOLDEN / "checkpoint/ckpt_1.index", "--out", self.folder / dtype, "--experts-per-token", 1, "--dtype", dtype)
            self.assertEqual(run.returncode, 0, run.stderr)
        config = json.loads((self.folder / "F32/config.json").read_text())
        self.assertEqual(config, json.loads((GOLDEN / "model/config.json").read_text()))
        expected, found = load_file(GOLDEN / "model/model.safetensors"), load_file(self.folder / "F32/model.safetensors")
        self.assertEqual(set(found), set(expected))
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
        header = (self.folder / "BF16/model.safetensors").read_bytes()[8:]
        self.assertIn(b'"dtype":"BF16"', header)
        self.assertEqual(json.loads((self.folder / "BF16/config.json").read_text())["torch_dtype"], "bfloat16")


class BadInput(WithFolder):
    def refuse(self, run, *parts):
        self.assertEqual(run.returncode, 2, run.stderr)
        for part in parts:
            self.assertIn(part, run.stderr)
        self.assertFalse((self.folder / "model").exists())

    def test_what_is_missing_is_named(self):
        arrays = small_checkpoint()
        del arrays["params/Encoder/encoderblock_1/Moe/Mlp/Dense_1/bias"]
        self.refuse(self.imported(arrays), "params/Encoder/encoderblock_1/Moe/Mlp/Dense_1/bias is missing")
        for name, shape, *parts in (
                ("Encoder/posembed_input/pos_embedding", (1, 7, D), "7 positions, expected a square grid and the class token"),
                ("Encoder/encoderblock_1/Moe/Mlp/Dense_1/kernel", (E + 1, F, D), "Dense_1", "are not of 2 experts"),
                ("Encoder/encoderblock_0/SelfAttention/key/bias", (5,), "36 weights for 5 outputs"),
                ("Encoder/encoderblock_0/Mlp/Dense_0/bias", (F // 2,), "make no model of one width"),
                ("embedding/kernel", (P, P + 1, 3, D), "expected square patches")):
            arrays = small_checkpoint()
            arrays["params/" + name] = np.zeros(shape, np.float32)
            with self.subTest(name):
                self.refuse(self.imported(arrays), *parts)

    def test_damaged_files(self):
        prefix = write_partitioned(self.folder, small_checkpoint())
        shard = pathlib.Path(f"{prefix}.data-00001-of-00002")
        whole, model = shard.read_bytes(), self.folder / "model"
        for content, *parts in ((whole[: len(whole) // 2], shard.name, "MessagePack"), (b"", shard.name, "MessagePack"),
                                (msgpack.packb({MARK: True}), "values are in the shards"), (msgpack.packb({}), "no parts of arrays")):
            shard.write_bytes(content)
            self.refuse(self.run_tool(prefix, "--out", model), *parts)
        shard.unlink()
        self.refuse(self.run_tool(prefix, "--out", model), shard.name)
        index = pathlib.Path(f"{prefix}.index")
        for content, *parts in ((msgpack.packb(3), "ckpt_1.index: expected a map"), (b'{"a": 1}', "MessagePack"),
                                (msgpack.packb({"index": {}}), 'no "shard_count"'),
                                (msgpack.packb({"shard_count": 1, "index": {"a": msgpack.ExtType(7, b"")}}), "a: expected an entry"),
                                (msgpack.packb({"shard_count": 1, "index": {"a": msgpack.ExtType(8, b"\x01")}}), "expected an array")):
            index.write_bytes(content)
            self.refuse(self.run_tool(prefix, "--out", model), *parts)
        index.unlink()
        self.refuse(self.run_tool(prefix, "--out", model), "ckpt_1.index: No such file")

    def test_every_cut_of_an_index_is_a_user_error(self):
        whole = pathlib.Path(write_partitioned(self.folder, small_checkpoint()) + ".index").read_bytes()
        for size in range(0, len(whole), 7):
            with self.assertRaises(UserError):
                unpack(whole[:size], "a.index")

    def test_a_folder_that_is_not_empty(self):
        (self.folder / "model").mkdir()
        (self.folder / "model/mine").write_text("mine")
        run = self.imported(small_checkpoint())
        self.assertEqual(run.returncode, 2)
        self.assertIn("is there already", run.stderr)
        self.assertEqual(self.imported(small_checkpoint(), "--overwrite").returncode, 0)

    def test_a_key_twice(self):
        with self.assertRaisesRegex(UserError, "the key a twice"):
            unpack(b"\x82\xa1a\x01\xa1a\x02", "a.index")



if __name__ == "__main__":
    unittest.main()
