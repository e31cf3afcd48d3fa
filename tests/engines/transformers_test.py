"""Language models, pruned checkpoints and exports as transformers (PyTorch) computes them.

    ESPALIER_PROGRAM=.. python tests/engines/transformers_test.py

Walks tests/golden: every family there that transformers knows.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, BertForSequenceClassification

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ["ESPALIER_PROGRAM"]
# Logits of float32 models of three layers differ by roundings; their standard deviation is about 1.
TOLERANCE = 2e-4


def espalier(*words):
    run = subprocess.run([PROGRAM, *map(str, words), "--quiet"], capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(f"espalier {' '.join(map(str, words))}: {run.stderr}")
    return run.stdout


def language_models():
    """Folders of tests/golden that hold a decoder which transformers has code for."""
    for config in sorted((ROOT / "tests/golden").glob("*/config.json")):
        kind = json.loads(config.read_text())
        if "CausalLM" not in str(kind.get("architectures")):
            continue
        if "quantization_config" in kind:  # block sizes are guessed there, wrongly (docs/formats/weights.md)
            continue
        try:
            AutoConfig.from_pretrained(config.parent)
        except (ValueError, KeyError):
            print(f"{config.parent.name}: transformers has no {kind['model_type']}")
            continue
        yield config.parent


def their_logits(model, tokens):
    with torch.no_grad():
        return [model(torch.tensor([sequence])).logits[0].float() for sequence in tokens]


class LanguageModels(unittest.TestCase):
    def compare(self, folder, tokens_file):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        tokens = json.loads(tokens_file.read_text())["sequences"]
        with tempfile.TemporaryDirectory() as work:
            espalier("logits", folder, "--tokens", tokens_file, "--out", f"{work}/logits.safetensors")
            ours = load_file(f"{work}/logits.safetensors")
        for number, theirs in enumerate(their_logits(model, tokens)):
            difference = (ours[f"seq{number}.logits"] - theirs).abs().max().item()
            self.assertLess(difference, TOLERANCE, f"{folder}, sequence {number}")

    def test_as_published(self):
        for folder in language_models():
            with self.subTest(folder.name):
                self.compare(folder, folder / "tokens.json")

    def test_after_a_plan(self):
        """A pruned checkpoint loads as any other, and gives the same logits there."""
        for folder in language_models():
            if not (folder / "pruned.json").exists():
                continue
            with self.subTest(folder.name), tempfile.TemporaryDirectory() as work:
                espalier("plan", "--keep-list", folder / "pruned.json", "--model", folder, "--out", f"{work}/plan.json")
                espalier("apply", folder, f"{work}/plan.json", "--out", f"{work}/pruned")
                self.compare(pathlib.Path(work, "pruned"), folder / "tokens.json")


class Encoders(unittest.TestCase):
    def test_a_classifier(self):
        folder = ROOT / "tests/golden/bert-classifier"
        model = BertForSequenceClassification.from_pretrained(folder).eval()
        tokens = json.loads((folder / "tokens.json").read_text())["sequences"]
        with tempfile.TemporaryDirectory() as work:
            espalier("logits", folder, "--tokens", folder / "tokens.json", "--out", f"{work}/logits.safetensors")
            ours = load_file(f"{work}/logits.safetensors")
        for number, theirs in enumerate(their_logits(model, tokens)):
            self.assertLess((ours[f"seq{number}.scores"] - theirs).abs().max().item(), TOLERANCE)


if __name__ == "__main__":
    unittest.main()
