#!/usr/bin/env python3
"""router_norm_change (arXiv 2405.16646) on text: an encoder on a task, and a language model on two domains.

    benchmarks/quality/router_norm.py --text methods-text --out runs/router_norm_text [--seeds 1,2,3]

models/mini-moe is fine-tuned on WordNet's categories, models/mini-mixtral on news and on web text; experts go by the change of their
router norms, by other criteria that need no data, and at random, with the two meanings of a dropped expert. Nothing is trained afterwards. methods-text
is what benchmarks/quality/methods.sh leaves. OUT takes the runs of `espalier`, results.json, and figures.json with manifest.json, so that `espalier report
OUT` draws the curves. Ctrl-C stops it, the same command goes on. Only the standard library.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import study  # noqa: E402

CRITERIA = ["router_norm_change", "magnitude", "random"]
ROUTERS = ["zero_output", "reroute"]
CELLS = [(criterion, router) for router in ROUTERS for criterion in CRITERIA]
EXPERTS = 8


class Subject:
    """A model, what it is fine-tuned on, and how it is measured."""

    def __init__(self, name, model, keeps, finetune, evaluate, metric, label):
        self.name, self.model, self.keeps = name, model, keeps
        self.finetune, self.evaluate, self.metric, self.label = finetune, evaluate, metric, label


def subjects(options):
    """The encoder, and the language model on each domain."""
    wordnet = ["--task", "wordnet", "--seq-len", 64]
    yield Subject("encoder", options.encoder, [6, 4, 1],
                  [*wordnet, "--steps", options.encoder_steps, "--batch", 64, "--learning-rate", "1e-3"], [*wordnet, "--split", "test"],
                  lambda metrics: 100 * metrics["accuracy"], "test accuracy on WordNet's categories, percent")
    for domain, ending in (("wikinews", "txt"), ("c4", "jsonl")):
        learn = options.text / f"{domain}-calibration.{ending}"
        test = options.text / f"{domain}-test.{ending}"
        yield Subject(domain, options.decoder, [6, 4, 2],
                      ["--task", "causal_lm", "--data", learn, "--steps", options.decoder_steps, "--batch", 8, "--seq-len", 128,
                       "--learning-rate", "5e-4"],
                      ["--task", "perplexity", "--data", test, "--seq-len", 256, "--limit", 32],
                      lambda metrics: metrics["perplexity"], f"perplexity on {domain}")


class RouterNorm(study.Study):
    def subject(self, subject, seed):
        folder = self.out / f"{subject.name}-{seed}"
        after = self.train("finetune", subject.model, folder / "after", *subject.finetune, "--seed", seed)
        self.measure(f"{seed}/{subject.name}/{EXPERTS}", subject, lambda: after)
        for criterion in CRITERIA:
            scores = folder / f"scores-{criterion}.json"
            if not scores.exists():
                reference = ["--reference", subject.model] if criterion == "router_norm_change" else []
                self.espalier("score", after, "--criterion", criterion, "--seed", seed, "--out", scores, *reference)
            for router in ROUTERS:
                for keep in subject.keeps:
                    key = f"{seed}/{subject.name}/{criterion}/{router}/{keep}"
                    self.measure(key, subject, lambda: self.pruned_to(keep, router, after, scores))

    def pruned_to(self, keep, router, after, scores):
        return self.pruned(after, scores.parent, f"{scores.stem}-{router}-{keep}", [scores, "--keep", keep, "--router", router],
                           ["--zero-fill"] if router == "zero_output" else [])

    def measure(self, key, subject, model):
        if key not in self.results:
            text = self.espalier("eval", model(), *subject.evaluate, "--json")
            self.note(key, subject.metric(json.loads(text)["metrics"]))

    def all_runs(self):
        for seed in self.options.seeds.split(","):
            for subject in subjects(self.options):
                self.subject(subject, seed)

    def kept(self, subject, criterion, router, keep):
        return self.values(f"{subject.name}/{EXPERTS}" if keep == EXPERTS else f"{subject.name}/{criterion}/{router}/{keep}")

    def figure(self, subject):
        series = [study.line(f"{criterion}, {router}",
                             {EXPERTS - keep: self.kept(subject, criterion, router, keep) for keep in [EXPERTS] + subject.keeps})
                  for criterion, router in CELLS]
        return {"id": subject.name, "title": subject.label[:1].upper() + subject.label[1:],
                "caption": "Mean over the seeds, whiskers from the least to the largest. Nothing is trained after pruning.",
                "x": {"label": "experts dropped of each layer's 8", "scale": "linear"},
                "y": {"label": subject.label, "scale": "log" if "perplexity" in subject.label else "linear"},
                "series": [line for line in series if len(line["x"]) > 1]}

    def table(self, subject):
        print(f"\n{subject.name}: {subject.label}\n")
        print("| dropped of 8 | " + " | ".join(f"`{criterion}`, `{router}`" for criterion, router in CELLS) + " |")
        print("|---" * (len(CELLS) + 1) + "|")
        for keep in [EXPERTS] + subject.keeps:
            row = [study.spread(self.kept(subject, criterion, router, keep), 1) for criterion, router in CELLS]
            print(f"| {EXPERTS - keep} | " + " | ".join(row) + " |")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    study.add_options(parser)
    parser.add_argument("--text", required=True, type=pathlib.Path, help="with {wikinews,c4}-{calibration,test}")
    parser.add_argument("--encoder", default=str(study.ROOT / "models/mini-moe"))
    parser.add_argument("--decoder", default=str(study.ROOT / "models/mini-mixtral"))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--encoder-steps", default="1000")
    parser.add_argument("--decoder-steps", default="200")
    return parser.parse_args()


def main():
    work = RouterNorm(arguments())
    study.run(work, work.all_runs)
    all_subjects = list(subjects(work.options))
    work.write([figure for figure in map(work.figure, all_subjects) if figure["series"]])
    for subject in all_subjects:
        work.table(subject)


if __name__ == "__main__":
    main()
