#!/usr/bin/env python3
"""The study of arXiv 2405.16646 at a small size: which experts of a V-MoE can go, by which criterion.

    benchmarks/vision/router_norm.py --images cifar10 --out runs/router_norm [--before models/mini-vmoe] [--seeds 42,43,44]

A small V-MoE is pre-trained on some classes (or --before is), and for each seed fine-tuned on others; its experts are pruned by each
criterion at each ratio, without and with fine-tuning afterwards. OUT takes the runs of `espalier`, results.json, and figures.json with
manifest.json, so that `espalier report OUT` draws the curves. Ctrl-C stops it, the same command goes on. Only the standard library.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import study  # noqa: E402

CRITERIA = ["router_norm_change", "importance", "magnitude", "neuron_change", "random"]
TUNED_CELLS = [(criterion, "zero_output") for criterion in CRITERIA] + [("router_norm_change", "reroute")]
CELLS = [*TUNED_CELLS, ("importance", "novice")]
SAID = {"zero_output": "", "reroute": ", rows go too", "novice": ", mean outputs stay"}
EXPERTS = 8


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    study.add_options(parser)
    parser.add_argument("--images", required=True)
    parser.add_argument("--config", default=str(study.ROOT / "models/recipe/mini-vmoe.json"))
    parser.add_argument("--before", help="a pre-trained model; else one is trained with the first seed")
    parser.add_argument("--first-classes", default="airplane,bird,deer,frog,ship")
    parser.add_argument("--second-classes", default="automobile,cat,dog,horse,truck")
    parser.add_argument("--seeds", default="42,43,44", help="of fine-tuning, scoring at random, and fine-tuning after pruning")
    parser.add_argument("--keeps", default="7,6,5,4,3,2,1", help="experts of each layer that stay")
    parser.add_argument("--tune-keeps", default="7,6,5,4,3,2,1", help="those that are fine-tuned after pruning")
    parser.add_argument("--pretrain-epochs", default="30")
    parser.add_argument("--finetune-epochs", default="5")
    parser.add_argument("--tune-steps", default="100", help="after pruning; 0: not at all")
    parser.add_argument("--tune-batch", default="128")
    return parser.parse_args()


class RouterNorm(study.Study):
    def numbers(self, option):
        return [int(number) for number in getattr(self.options, option).split(",")]

    def train_on(self, verb, model, out, classes, seed, *more):
        return self.train(verb, model, out, "--images", self.options.images, "--classes", classes, "--seed", seed, *more)

    def accuracy(self, model):
        text = self.espalier("eval", model, "--images", self.options.images, "--classes", self.options.second_classes, "--json")
        return json.loads(text)["metrics"]["accuracy"]

    def before(self):
        if self.options.before:
            return self.options.before
        return self.train_on("pretrain", self.options.config, self.out / "before", self.options.first_classes, self.numbers("seeds")[0],
                             "--image-epochs", self.options.pretrain_epochs, "--learning-rate", "1e-3", "--warmup", "0.05",
                             "--model-dtype", "BF16")

    def observations(self, folder, after):
        found = folder / "observations.safetensors"
        if not found.exists():
            self.espalier("observe", after, "--images", self.options.images, "--classes", self.options.second_classes, "--out", found)
        return found

    def scores(self, folder, after, criterion, seed):
        scores = folder / f"scores-{criterion}.json"
        if scores.exists():
            return scores
        source, more = after, ["--seed", seed]
        if criterion in ("router_norm_change", "neuron_change"):
            more += ["--reference", self.before()]
        if criterion == "importance":
            source = self.observations(folder, after)
        self.espalier("score", source, "--criterion", criterion, "--out", scores, *more)
        return scores

    def pruned_to(self, folder, keep, criterion, router, after, seed):
        name = f"{criterion}-{router}-{keep}"
        if router == "novice":
            plan = [f"--observations={self.observations(folder, after)}", "--action", "novice", "--criterion", criterion]
            return self.pruned(after, folder, name, [*plan, "--keep", keep])
        more = ["--experts-per-token", 1] if router == "reroute" and keep < 2 else []
        scores = self.scores(folder, after, criterion, seed)
        return self.pruned(after, folder, name, [scores, "--keep", keep, "--router", router, *more])

    def seed(self, seed):
        folder = self.out / f"seed-{seed}"
        # As models/recipe/train-vision.sh does, so that one of its runs may lie here.
        after = self.train_on("finetune", self.before(), folder / "after", self.options.second_classes, seed, "--image-epochs",
                              self.options.finetune_epochs, "--learning-rate", "5e-4", "--warmup", "0.05", "--model-dtype", "BF16")
        if f"{seed}/all" not in self.results:
            self.note(f"{seed}/all", self.accuracy(after))
        for keep in self.numbers("keeps"):
            for criterion, router in CELLS:
                self.cell(folder, after, criterion, router, keep, seed)

    def cell(self, folder, after, criterion, router, keep, seed):
        key = f"{seed}/{criterion}/{router}/{keep}"
        asked = (criterion, router) in TUNED_CELLS and self.options.tune_steps != "0" and keep in self.numbers("tune_keeps")
        tunes = asked and f"{key}/tuned" not in self.results
        if key in self.results and not tunes:
            return
        pruned = self.pruned_to(folder, keep, criterion, router, after, seed)
        if key not in self.results:
            self.note(key, self.accuracy(pruned))
        if not tunes:
            return
        run = folder / f"tuned-{criterion}-{router}-{keep}"
        # The paper's optimizer and schedule; its batch is 512, its steps 1000.
        self.train_on("finetune", pruned, run, self.options.second_classes, seed, "--steps", self.options.tune_steps,
                      "--image-batch", self.options.tune_batch, "--momentum", "0.9", "--clip-norm", "10", "--decay", "cosine",
                      "--learning-rate", "1.5e-3", "--final-learning-rate", "1e-5", "--warmup", "0.1",
                      "--validate-every", self.options.tune_steps, "--save-every", self.options.tune_steps)
        self.note(f"{key}/tuned", json.loads((run / "eval.json").read_text())["metrics"]["accuracy"])

    def all_seeds(self):
        for seed in self.numbers("seeds"):
            self.seed(seed)

    def percent(self, criterion, router, keep, tuned):
        cell = "all" if keep == EXPERTS else f"{criterion}/{router}/{keep}" + ("/tuned" if tuned else "")
        return [100 * value for value in self.values(cell)]

    def figure(self, tuned):
        keeps = [EXPERTS] + self.numbers("tune_keeps" if tuned else "keeps")
        series = [study.line(criterion + SAID[router],
                             {EXPERTS - keep: self.percent(criterion, router, keep, tuned) for keep in keeps})
                  for criterion, router in (TUNED_CELLS if tuned else CELLS)]
        return {"id": "tuned" if tuned else "pruned",
                "title": "Fine-tuned after pruning" if tuned else "Without fine-tuning after pruning",
                "caption": "Mean over the seeds, whiskers from the least to the largest.",
                "x": {"label": "experts dropped of each layer's 8", "scale": "linear"},
                "y": {"label": "test accuracy, percent", "scale": "linear"}, "series": [s for s in series if len(s["x"]) > 1]}

    def table(self, tuned):
        columns = TUNED_CELLS if tuned else CELLS
        names = [f"`{criterion}`{SAID[router]}" for criterion, router in columns]
        print("\n| dropped of 8 | " + " | ".join(names) + " |")
        print("|---" * (len(names) + 1) + "|")
        for keep in [EXPERTS] + self.numbers("tune_keeps" if tuned else "keeps"):
            cells = [study.spread(self.percent(criterion, router, keep, tuned), 2) for criterion, router in columns]
            print(f"| {EXPERTS - keep} | " + " | ".join(cells) + " |")


def main():
    work = RouterNorm(arguments())
    study.run(work, work.all_seeds)
    work.write([figure for figure in map(work.figure, (False, True)) if figure["series"]])
    for tuned in (False, True):
        work.table(tuned)


if __name__ == "__main__":
    main()
