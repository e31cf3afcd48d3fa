#!/usr/bin/env python3
"""Pruning while fine-tuning (arXiv 2206.00277) on a language model: one expert a layer is left, for one domain.

    benchmarks/quality/progressive.py --text methods-text --out runs/progressive [--seeds 1,2,3]

models/mini-mixtral is fine-tuned on news with all experts, and with `--prune eager` and `staged`, with the same options. Whether the choice or the time to recover
counts: the experts that `eager` ends with are trained for the whole run, and so is one expert of each layer that is drawn. methods-text is what benchmarks/quality/methods.sh leaves. OUT takes the runs of `espalier`, results.json,
and figures.json with manifest.json. Ctrl-C stops it, the same command goes on. Only the standard library.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import study  # noqa: E402

SCHEDULES = {"all experts": "none", "eager": "eager", "staged": "staged"}
FROM_START = {"eager's experts from the start": "eager", "random experts from the start": "random"}
WAYS = [*SCHEDULES, *FROM_START]


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

    def one_expert(self, way, seed):
        """The model with one expert of each layer, before any training."""
        folder = self.out / f"start-{FROM_START[way]}-{seed}"
        if not (folder / "config.json").exists():
            self.espalier("apply", self.options.model, self.plan(way, seed), "--out", folder)
        return folder

    def plan(self, way, seed):
        if FROM_START[way] == "eager":
            return max((self.out / f"eager-{seed}").glob("plan-*.json"))
        scores, plan = self.out / f"scores-{seed}.json", self.out / f"plan-{seed}.json"
        self.espalier("score", self.options.model, "--criterion", "random", "--seed", seed, "--out", scores)
        self.espalier("plan", scores, "--keep", 1, "--experts-per-token", 1, "--out", plan)
        return plan

    def tune(self, way, seed):
        if f"{seed}/{way}/{self.options.steps}" in self.results:
            return
        model = self.one_expert(way, seed) if way in FROM_START else self.options.model
        run = self.out / (f"tuned-{FROM_START[way]}-{seed}" if way in FROM_START else f"{way.replace(' ', '-')}-{seed}")
        self.train("finetune", model, run, "--task", "causal_lm", "--data", f"train={self.options.text / 'wikinews-calibration.txt'}",
                   f"dev={self.news()}", "--cache", self.out / "corpus", "--steps", self.options.steps, "--validate-every",
                   self.options.measure_every, "--save-every", self.options.steps, "--batch", 4, "--seq-len", 128, "--learning-rate", "5e-4",
                   "--warmup", "0.05", "--seed", seed, "--prune", SCHEDULES.get(way, "none"))
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
