#!/usr/bin/env python3
"""Pruning while fine-tuning (arXiv 2206.00277) on a language model: one expert a layer is left, for one domain.

    benchmarks/quality/progressive.py --text methods-text --out runs/progressive [--seeds 1,2,3]

models/mini-mixtral is fine-tuned on news with all experts, and with `--prune eager`, with the same options; and with one expert of each layer, drawn beforehand,
for what choosing is worth. methods-text is what benchmarks/quality/methods.sh leaves. OUT takes the runs of `espalier`, results.json,
and figures.json with manifest.json. Ctrl-C stops it, the same command goes on. Only the standard library.
"""

import argparse
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
    def news(self):
        """Some 20 thousand tokens."""
        return self.held_out(self.options.text / "wikinews-test.txt", 80_000)

    def one_expert(self, seed):
        """The model with one expert of each layer, drawn."""
        folder = self.out / f"one-{seed}"
        if not (folder / "model/config.json").exists():
            self.espalier("prune", self.options.model, "--criterion", "random", "--keep", 1, "--experts-per-token", 1, "--seed", seed,
                          "--out", folder, "--overwrite")
        return folder / "model"

    def tune(self, way, seed):
        if f"{seed}/{way}/{self.options.steps}" in self.results:
            return
        model = self.one_expert(seed) if way == "one at random" else self.options.model
        run = self.out / f"{way.replace(' ', '-')}-{seed}"
        self.train("finetune", model, run, "--task", "causal_lm", "--data", f"train={self.options.text / 'wikinews-calibration.txt'}",
                   f"dev={self.news()}", "--cache", self.out / "corpus", "--steps", self.options.steps, "--validate-every",
                   self.options.measure_every, "--save-every", self.options.steps, "--batch", 4, "--seq-len", 128, "--learning-rate", "5e-4",
                   "--warmup", "0.05", "--seed", seed, *WAYS[way])
        self.note_perplexities(run, f"{seed}/{way}")

    def all_runs(self):
        if "before" not in self.results:
            self.note("before", self.perplexity(self.options.model, self.news(), 128))
        for seed in self.options.seeds.split(","):
            for way in WAYS:
                self.tune(way, seed)

    def figure(self):
        steps = range(self.options.measure_every, self.options.steps + 1, self.options.measure_every)
        return {"id": "progressive", "title": "Fine-tuned on news", "caption": "Mean over the seeds, whiskers from the least to the largest.",
                "x": {"label": "steps", "scale": "linear"}, "y": {"label": "perplexity, Wikinews", "scale": "log"},
                "series": [study.line(way, {s: self.values(f"{way}/{s}") for s in steps}) for way in WAYS]}

    def table(self):
        print(f"Perplexity on Wikinews; before fine-tuning {self.results['before']:.1f}\n")
        print("| way | after fine-tuning |\n|---|---|")
        for way in WAYS:
            found = self.values(f"{way}/{self.options.steps}")
            print(f"| {way} | {study.spread(found, 1)} |")


def main():
    work = Progressive(arguments())
    study.run(work, work.all_runs)
    if "before" in work.results:
        work.write([work.figure()])
        work.table()


if __name__ == "__main__":
    main()
