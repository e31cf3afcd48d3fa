#!/usr/bin/env python3
"""Pruning while fine-tuning (arXiv 2206.00277) on a language model: one expert a layer is left, for one domain.

    benchmarks/quality/progressive.py --text methods-text --out runs/progressive [--seeds 1,2,3]

models/mini-mixtral is fine-tuned on news with all experts, and with `--prune eager`, with the same options; and with one expert of each layer, drawn beforehand,
for what choosing is worth. methods-text is what benchmarks/quality/methods.sh leaves. OUT takes the runs of `espalier`, results.json,
and figures.json with manifest.json. Ctrl-C stops it, the same command goes on. Only the standard library.
"""

import argparse
import json
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import study  # noqa: E402

WAYS = {"all experts": [], "eager": ["--prune", "eager"], "one at random": []}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    study.add_options(parser)
    parser.add_argument("--text", required=True, type=pathlib.Path, help="with wikinews-{calibration,test}.txt")
    parser.add_argument("--model", default=str(study.ROOT / "models/mini-mixtral"))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--measure-every", type=int, default=200)
    return parser.parse_args()


class Progressive(study.Study):
    def held_out(self):
        """Some 20 thousand tokens."""
        file = self.out / "held-out.txt"
        if not file.exists():
            text = (self.options.text / "wikinews-test.txt").read_text()
            file.write_text(text[:text.find("\n\n", 80_000)] + "\n\n")
        return file

    def one_expert(self, seed):
        """The model with one expert of each layer, drawn."""
        folder = self.out / f"one-{seed}"
        if not (folder / "model/config.json").exists():
            self.espalier("prune", self.options.model, "--criterion", "random", "--keep", 1, "--experts-per-token", 1, "--seed", seed,
                          "--out", folder, "--overwrite")
        return folder / "model"

    def recover(self, way, seed):
        if f"{seed}/{way}/{self.options.steps}" in self.results:
            return
        model = self.one_expert(seed) if way == "one at random" else self.options.model
        run = self.out / f"{way.replace(' ', '-')}-{seed}"
        self.train("finetune", model, run, "--task", "causal_lm", "--data", f"train={self.options.text / 'wikinews-calibration.txt'}",
                   f"dev={self.held_out()}", "--cache", self.out / "corpus", "--steps", self.options.steps, "--validate-every",
                   self.options.measure_every, "--save-every", self.options.steps, "--batch", 4, "--seq-len", 128, "--learning-rate", "5e-4",
                   "--warmup", "0.05", "--seed", seed, *WAYS[way])
        for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
            if line.get("valid_loss") is not None:
                self.note(f"{seed}/{way}/{line['step']}", math.exp(line["valid_loss"]))

    def all_runs(self):
        if "before" not in self.results:
            text = self.espalier("eval", self.options.model, "--task", "perplexity", "--data", self.held_out(), "--seq-len", 128, "--json")
            self.note("before", json.loads(text)["metrics"]["perplexity"])
        for seed in self.options.seeds.split(","):
            for way in WAYS:
                self.recover(way, seed)

    def values(self, way, step):
        return [value for key, value in self.results.items() if key.partition("/")[2] == f"{way}/{step}"]

    def figure(self):
        steps = range(self.options.measure_every, self.options.steps + 1, self.options.measure_every)
        return {"id": "progressive", "title": "Fine-tuned on news", "caption": "Mean over the seeds, whiskers from the least to the largest.",
                "x": {"label": "steps", "scale": "linear"}, "y": {"label": "perplexity, Wikinews", "scale": "log"},
                "series": [study.line(way, {s: self.values(way, s) for s in steps}) for way in WAYS]}

    def table(self):
        print(f"Perplexity on Wikinews; before fine-tuning {self.results['before']:.1f}\n")
        print("| way | after fine-tuning |\n|---|---|")
        for way in WAYS:
            print(f"| {way} | {study.spread(self.values(way, self.options.steps), 1)} |")


def main():
    work = Progressive(arguments())
    study.run(work, work.all_runs)
    if "before" in work.results:
        work.write([work.figure()])
        work.table()


if __name__ == "__main__":
    main()
