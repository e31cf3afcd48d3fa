#!/usr/bin/env python3
"""How much of a language model comes back when it is trained on after pruning, by how it was pruned and by what is trained.

    benchmarks/quality/recovery.py --text methods-text --out runs/recovery [--seeds 1,2,3]

Half of the experts of each layer go by each way, then the rest is trained on text of the domain that the model was made for: all weights,
the routers alone, or all weights towards the full model's logits. One run of each, with the held-out loss at every --measure-every
steps. methods-text is what benchmarks/quality/methods.sh leaves. OUT takes the runs of `espalier`, results.json, and figures.json with manifest.json, so
that `espalier report OUT` draws the curves. Ctrl-C stops it, the same command goes on. Only the standard library.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import study  # noqa: E402

# The two best drops and the two best merges at 50% (docs/results/methods.md), and chance.
METHODS = {
    "mean_gate": ["--criterion", "mean_gate"],
    "reconstruction": ["--action", "reconstruction"],
    "grouping_least_squares": ["--action", "merge", "--group-by", "output", "--weights", "least_squares"],
    "grouping_cka_aligned": ["--action", "merge", "--group-by", "cka", "--weights", "frequency", "--align"],
    "random": ["--criterion", "random"],
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    study.add_options(parser)
    parser.add_argument("--text", required=True, type=pathlib.Path, help="with wikipedia-{calibration,recovery,test}.txt")
    parser.add_argument("--model", default=str(study.ROOT / "models/mini-mixtral"))
    parser.add_argument("--keep", default="0.5")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--ways", default="all,router,distillation")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--measure-every", type=int, default=200)
    parser.add_argument("--batch", default="2", help="rows of a step")
    parser.add_argument("--seq-len", default="128", help="tokens of a row")
    parser.add_argument("--learning-rate", default="3e-4")
    parser.add_argument("--router-learning-rate", default="5e-3")
    return parser.parse_args()


class Recovery(study.Study):
    def wikipedia(self):
        """Some 15 thousand tokens."""
        return self.held_out(self.options.text / "wikipedia-test.txt", 60_000)

    def measured(self, model):
        return self.perplexity(model, self.wikipedia(), self.options.seq_len)

    def observations(self, seed):
        file = self.out / f"observations-{seed}.safetensors"
        if not file.exists():  # as benchmarks/quality/methods.toml observes
            self.espalier("observe", self.options.model, "--data", self.options.text / "wikipedia-calibration.txt", "--samples", 128,
                          "--seq-len", 256, "--similarity", "cka,output", "--similarity-tokens", 4096, "--keep-tokens", 1024,
                          "--seed", seed, "--out", file)
        return file

    def pruned_by(self, method, seed):
        folder = self.out / f"{method}-{seed}"
        if not (folder / "report.html").exists():
            source = [] if method == "random" else ["--observations", self.observations(seed)]
            self.espalier("prune", self.options.model, *METHODS[method], *source, "--keep", self.options.keep, "--seed", seed, "--out", folder,
                          "--overwrite")
        return folder / "model"

    def ways(self):
        every = {"all": [], "router": ["--train", "router"], "distillation": ["--teacher", self.options.model]}
        return {name: every[name] for name in self.options.ways.split(",")}

    def recover(self, method, way, seed):
        if f"{seed}/{method}/{way}/{self.options.steps}" in self.results:
            return
        model = self.pruned_by(method, seed)
        if f"{seed}/{method}/0" not in self.results:
            self.note(f"{seed}/{method}/0", self.measured(model))
        run = self.out / f"{method}-{seed}-{way}"
        rate = self.options.router_learning_rate if way == "router" else self.options.learning_rate
        self.train("finetune", model, run, "--task", "causal_lm", "--data", f"train={self.options.text / 'wikipedia-recovery.txt'}", f"dev={self.wikipedia()}",
                   "--cache", self.out / "corpus", "--steps", self.options.steps, "--validate-every", self.options.measure_every,
                   "--save-every", self.options.steps, "--batch", self.options.batch, "--seq-len", self.options.seq_len,
                   "--learning-rate", rate, "--warmup", "0.05", "--seed", seed, *self.ways()[way])
        self.note_perplexities(run, f"{seed}/{method}/{way}")

    def all_runs(self):
        if "full" not in self.results:
            self.note("full", self.measured(self.options.model))
        for seed in self.options.seeds.split(","):
            for method in METHODS:
                for way in self.ways():
                    self.recover(method, way, seed)

    def after(self, method, way, step):
        return self.values(f"{method}/0" if step == 0 else f"{method}/{way}/{step}")

    def figure(self, way):
        steps = range(0, self.options.steps + 1, self.options.measure_every)
        full = {"name": "full model", "marks": "line", "x": [0, self.options.steps], "y": [self.results["full"]] * 2}
        return {"id": way, "title": {"all": "All weights", "router": "Routers alone", "distillation": "Towards the full model"}[way],
                "caption": "Half of the experts kept. Mean over the seeds, whiskers from the least to the largest.",
                "x": {"label": "steps after pruning", "scale": "linear"},
                "y": {"label": "perplexity, Wikipedia", "scale": "log"},
                "series": [study.line(m, {s: self.after(m, way, s) for s in steps}) for m in METHODS] + [full]}

    def table(self):
        steps = sorted({0, min(200, self.options.steps), self.options.steps})
        print(f"Perplexity; the full model's is {self.results['full']:.1f}\n")
        print("| trained | pruned by | " + " | ".join(f"{step} steps" for step in steps) + " |")
        print("|---" * (len(steps) + 2) + "|")
        for way in self.ways():
            for method in METHODS:
                print(f"| {way} | `{method}` | " + " | ".join(study.spread(self.after(method, way, s), 1) for s in steps) + " |")


def main():
    work = Recovery(arguments())
    study.run(work, work.all_runs)
    if "full" in work.results:
        work.write([work.figure(way) for way in work.ways()])
        work.table()


if __name__ == "__main__":
    main()
