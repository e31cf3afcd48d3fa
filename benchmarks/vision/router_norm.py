#!/usr/bin/env python3
"""The study of arXiv 2405.16646 at a small size: which experts of a V-MoE can go, by which criterion.

    benchmarks/vision/router_norm.py --images cifar10 --out runs/router_norm [--seeds 3] [--summary]

For each seed a small V-MoE is pre-trained on some classes and fine-tuned on others; its experts are pruned by each criterion at
each ratio, without and with fine-tuning afterwards. OUT takes the runs of `espalier`, results.json, and figures.json with
manifest.json, so that `espalier report OUT` draws the curves. Ctrl-C stops it, the same command goes on. Only the standard library.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CRITERIA = ["router_norm_change", "importance", "magnitude", "neuron_change", "random"]
EXPERTS = 8


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/espalier"))
    parser.add_argument("--config", default=str(ROOT / "models/recipe/mini-vmoe.json"))
    parser.add_argument("--first-classes", default="airplane,bird,deer,frog,ship")
    parser.add_argument("--second-classes", default="automobile,cat,dog,horse,truck")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keeps", default="7,6,5,4,3,2,1")
    parser.add_argument("--pretrain-epochs", default="30")
    parser.add_argument("--finetune-epochs", default="10")
    parser.add_argument("--tune-steps", default="200", help="after pruning; 0: not at all")
    parser.add_argument("--tune-batch", default="128")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--summary", action="store_true", help="only write the tables of what is finished")
    return parser.parse_args()


class Study:
    def __init__(self, options):
        self.options = options
        self.file = options.out / "results.json"
        self.results = json.loads(self.file.read_text()) if self.file.exists() else {}

    def espalier(self, *words):
        command = [self.options.program, *map(str, words), "--quiet", "--threads", self.options.threads]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        return done.stdout

    def train(self, verb, model, out, classes, seed, *more):
        """A finished run is left alone, a stopped one goes on."""
        if (out / "model").exists():
            return out / "model"
        start = ["--resume"] if (out / "manifest.json").exists() else []
        self.espalier(verb, model, "--images", self.options.images, "--classes", classes, "--seed", seed, "--out", out,
                      *more, *start)
        return out / "model"

    def accuracy(self, model):
        text = self.espalier("eval", model, "--images", self.options.images, "--classes", self.options.second_classes, "--json")
        return json.loads(text)["metrics"]["accuracy"]

    def note(self, key, value):
        self.results[key] = value
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(self.results, indent=1, sort_keys=True))
        partial.replace(self.file)
        print(f"{key}: {100 * value:.2f}%", flush=True)

    def models(self, seed):
        folder = self.options.out / f"seed-{seed}"
        before = self.train("pretrain", self.options.config, folder / "before", self.options.first_classes, seed,
                            "--image-epochs", self.options.pretrain_epochs, "--learning-rate", "1e-3", "--warmup", "0.05")
        after = self.train("finetune", before, folder / "after", self.options.second_classes, seed, "--image-epochs",
                           self.options.finetune_epochs, "--learning-rate", "5e-4", "--warmup", "0.05")
        return folder, before, after

    def scores(self, folder, before, after, criterion, seed):
        scores = folder / f"scores-{criterion}.json"
        if scores.exists():
            return scores
        source, more = after, ["--seed", seed]
        if criterion in ("router_norm_change", "neuron_change"):
            more += ["--reference", before]
        if criterion == "importance":
            source = folder / "observations.safetensors"
            if not source.exists():
                self.espalier("observe", after, "--images", self.options.images, "--classes", self.options.second_classes,
                              "--out", source)
        self.espalier("score", source, "--criterion", criterion, "--out", scores, *more)
        return scores

    def prune(self, folder, after, scores, criterion, keep, router):
        name = f"{criterion}-{router}-{keep}"
        plan, pruned = folder / f"plan-{name}.json", folder / f"pruned-{name}"
        if not (pruned / "config.json").exists():
            more = ["--experts-per-token", 1] if router == "reroute" and keep < 2 else []
            self.espalier("plan", scores, "--keep", keep, "--router", router, "--out", plan, *more)
            self.espalier("apply", after, plan, "--out", pruned)
        return pruned

    def seed(self, seed):
        folder, before, after = self.models(seed)
        if f"{seed}/all" not in self.results:
            self.note(f"{seed}/all", self.accuracy(after))
        cells = [(c, "zero_output") for c in CRITERIA] + [("router_norm_change", "reroute")]
        for keep in map(int, self.options.keeps.split(",")):
            for criterion, router in cells:
                self.cell(folder, before, after, criterion, router, keep, seed)

    def cell(self, folder, before, after, criterion, router, keep, seed):
        key = f"{seed}/{criterion}/{router}/{keep}"
        scores = self.scores(folder, before, after, criterion, seed)
        if key not in self.results:
            self.note(key, self.accuracy(self.prune(folder, after, scores, criterion, keep, router)))
        if self.options.tune_steps == "0" or f"{key}/tuned" in self.results:
            return
        pruned = self.prune(folder, after, scores, criterion, keep, router)
        run = folder / f"tuned-{criterion}-{router}-{keep}"
        # The paper's optimizer and schedule; its batch is 512, its steps 1000.
        self.train("finetune", pruned, run, self.options.second_classes, seed, "--steps", self.options.tune_steps,
                   "--image-batch", self.options.tune_batch, "--momentum", "0.9", "--clip-norm", "10", "--decay", "cosine",
                   "--learning-rate", "1.5e-3", "--final-learning-rate", "1e-5", "--warmup", "0.1",
                   "--validate-every", self.options.tune_steps, "--save-every", self.options.tune_steps)
        self.note(f"{key}/tuned", json.loads((run / "eval.json").read_text())["metrics"]["accuracy"])

    def values(self, criterion, router, keep, tuned):
        ending = "/tuned" if tuned else ""
        keys = [k for k in self.results if k.endswith(f"/{criterion}/{router}/{keep}{ending}")]
        return [100 * self.results[k] for k in keys]

    def series(self, criterion, router, tuned):
        series = {"name": criterion + (", rows go too" if router == "reroute" else ""), "marks": "line", "x": [], "y": [],
                  "low": [], "high": []}
        whole = [100 * v for k, v in self.results.items() if k.endswith("/all")]
        for keep in [EXPERTS] + [int(k) for k in self.options.keeps.split(",")]:
            values = whole if keep == EXPERTS else self.values(criterion, router, keep, tuned)
            if not values:
                continue
            series["x"].append(EXPERTS - keep)
            series["y"].append(statistics.mean(values))
            series["low"].append(min(values))
            series["high"].append(max(values))
        return series

    def figures(self):
        figures = []
        cells = [(c, "zero_output") for c in CRITERIA] + [("router_norm_change", "reroute")]
        for tuned in (False, True):
            series = [s for s in (self.series(c, r, tuned) for c, r in cells) if len(s["x"]) > 1]
            if series:
                figures.append({"id": "tuned" if tuned else "pruned",
                                "title": "Fine-tuned after pruning" if tuned else "Without fine-tuning after pruning",
                                "caption": "Mean over the seeds, whiskers from the least to the largest.",
                                "x": {"label": "experts dropped of each layer's 8", "scale": "linear"},
                                "y": {"label": "test accuracy, percent", "scale": "linear"}, "series": series})
        return figures

    def write(self):
        figures = self.figures()
        self.options.out.mkdir(parents=True, exist_ok=True)
        (self.options.out / "figures.json").write_text(json.dumps({"format": "espalier.figures/1", "figures": figures}, indent=1))
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        chosen = {k: str(v) for k, v in vars(self.options).items()}
        (self.options.out / "manifest.json").write_text(json.dumps(
            {"format": "espalier.run_manifest/1", "verb": "study", "command": sys.argv, "status": "finished", "started_at": now,
             "seed": 0, "options": chosen, "versions": {}, "machine": {"cpu": "", "threads": int(self.options.threads), "memory_bytes": 0},
             "timings_seconds": {}, "peak_rss_bytes": 0}, indent=1))
        for figure in figures:
            print(f"\n| {figure['title']} | " + " | ".join(s["name"] for s in figure["series"]) + " |")
            print("|---" * (len(figure["series"]) + 1) + "|")
            for drop in figure["series"][0]["x"]:
                row = [f"{s['y'][s['x'].index(drop)]:.2f}" if drop in s["x"] else "" for s in figure["series"]]
                print(f"| {drop} | " + " | ".join(row) + " |")


def main():
    options = arguments()
    study = Study(options)
    try:
        for seed in range(options.seeds):
            if not options.summary:
                study.seed(seed)
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
    study.write()


if __name__ == "__main__":
    main()
