"""Exported encoders in ONNX Runtime, and the same models in transformers.

    ESPALIER_PROGRAM=.. python tests/engines/onnx_test.py
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ["ESPALIER_PROGRAM"]
TOLERANCE = 1e-5  # logits of about 1, float32 all along


def espalier(*words):
    run = subprocess.run([PROGRAM, *map(str, words), "--quiet"], capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(f"espalier {' '.join(map(str, words))}: {run.stderr}")
    return run.stdout


def padded(sequences):
    """ids, mask and types [batch, sequence] of sequences of several lengths."""
    longest = max(map(len, sequences))
    ids = numpy.array([s + [0] * (longest - len(s)) for s in sequences], dtype=numpy.int64)
    mask = numpy.array([[1] * len(s) + [0] * (longest - len(s)) for s in sequences], dtype=numpy.int64)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}


def pretrained(work, model):
    """A small encoder of 40 words, two steps old; `model` are the fields of its config that make it one."""
    words = [f"w{i}" for i in range(40)]
    (work / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]) + "\n")
    (work / "text.txt").write_text("\n\n".join(" ".join(words[(i * k) % 40] for k in range(1, 20)) for i in range(50)))
    (work / "config.json").write_text(json.dumps({
        "vocab_size": 45, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
        "max_position_embeddings": 32, "initializer_range": 0.2, **model}))
    espalier("pretrain", work / "config.json", "--vocab", work / "vocab.txt", "--text", work / "text.txt", "--seq-len", 32,
             "--batch-tokens", 64, "--steps", 2, "--out", work / "pretrained")
    tokens = {"sequences": [[2, 5 + i, 7, 30, 3] + [9] * (2 * i) for i in range(4)]}
    (work / "tokens.json").write_text(json.dumps(tokens))
    return work / "pretrained/model", work / "tokens.json"


def pruned_classifier(work):
    """A Mixture-of-Experts encoder, fine-tuned and pruned to one expert in each layer."""
    model, tokens = pretrained(work, {"model_type": "espalier_bert_moe", "moe_layers": [0, 1], "num_experts": 4})
    words = [f"w{i}" for i in range(40)]
    rows = [f"{' '.join(words[(i * k + k) % 40] for k in range(1, 7))}\t{'yes' if i % 3 else 'no'}" for i in range(200)]
    for split in ["train", "dev"]:
        (work / f"{split}.tsv").write_text("sentence\tlabel\n" + "\n".join(rows) + "\n")
    espalier("finetune", model, "--task", "table", "--data", work, "--text-column", "sentence",
             "--batch", 16, "--steps", 40, "--learning-rate", 3e-3, "--seq-len", 32, "--prune", "eager", "--out", work / "run")
    return work / "run/model", tokens


class Exported(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def compare(self, model, tokens_file, ours_name):
        """ONNX Runtime, on a padded batch, against our own forward pass of each sequence."""
        sequences = json.loads(tokens_file.read_text())["sequences"]
        espalier("export", model, "--to", "onnx", "--out", self.work / "onnx")
        espalier("logits", model, "--tokens", tokens_file, "--out", self.work / "logits.safetensors")
        file = self.work / "onnx/model.onnx"
        onnx.checker.check_model(str(file), full_check=True)
        theirs = onnxruntime.InferenceSession(str(file)).run(None, padded(sequences))[0]
        ours = load_file(self.work / "logits.safetensors")
        for number, sequence in enumerate(sequences):
            there = theirs[number] if ours_name == "scores" else theirs[number, : len(sequence)]
            difference = numpy.abs(ours[f"seq{number}.{ours_name}"] - there).max()
            self.assertLess(difference, TOLERANCE, f"{model}, sequence {number}")
        return theirs, sequences

    def test_hidden_states(self):
        golden = ROOT / "tests/golden/bert"
        self.compare(golden, golden / "tokens.json", "hidden")

    def test_masked_words(self):
        self.compare(*pretrained(self.work, {"model_type": "bert"}), "logits")

    def test_a_classifier(self):
        golden = ROOT / "tests/golden/bert-classifier"
        self.compare(golden, golden / "tokens.json", "scores")

    def test_a_pruned_model_is_the_same_in_transformers(self):
        model, tokens = pruned_classifier(self.work)
        theirs, sequences = self.compare(model, tokens, "scores")
        try:
            import torch
            from transformers import BertForSequenceClassification
        except ImportError:
            self.skipTest("transformers is not there")
        espalier("export", model, "--to", "bert", "--out", self.work / "bert")
        bert = BertForSequenceClassification.from_pretrained(self.work / "bert").eval()
        with torch.no_grad():
            logits = bert(**{k: torch.from_numpy(v) for k, v in padded(sequences).items()}).logits.numpy()
        self.assertLess(numpy.abs(logits - theirs).max(), TOLERANCE)


if __name__ == "__main__":
    unittest.main()
