#!/usr/bin/env python3
"""Speed of the small V-MoE: a training step against PyTorch's, both routers, and the forward pass before and after half of the experts go.

Expert choice is there twice: with the capacity factor of token choice, where its experts take 1.5 times the tokens that the choices of tokens come to, and
with a factor of 1, where both compute as many rows.

    benchmarks/vision/speed.py --images cifar10 --model models/mini-vmoe-tuned [--rounds 3]

Sides take turns, so that a machine which slows down slows all of them. Ours decode and augment, PyTorch's images are random numbers in
memory. `best` and `as-installed` are those of benchmarks/peers/run_pytorch.sh. Prints one JSON object. Only the standard library.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROUTERS = {"token_choice": {}, "expert_choice": {"router": "expert_choice"},
           "expert_choice_1": {"router": "expert_choice", "capacity_factor": 1.0}}
STEPS, LOG_EVERY = 45, 15


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", required=True)
    parser.add_argument("--model", required=True, help="8 experts a layer; for the forward pass")
    parser.add_argument("--classes", default="automobile,cat,dog,horse,truck", help="of the model")
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/espalier"))
    parser.add_argument("--config", default=str(ROOT / "models/recipe/mini-vmoe.json"))
    parser.add_argument("--batch", default="128")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


def measured(command, **more):
    """What a process printed, and its peak resident bytes."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, **more)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{command}: {text}")
    return text, usage.ru_maxrss * 1024


class Speed:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.configs = {}
        for router, changes in ROUTERS.items():
            config = json.loads(pathlib.Path(options.config).read_text()) | changes
            self.configs[router] = folder / f"{router}.json"
            self.configs[router].write_text(json.dumps(config))
        self.tokens = 1 + (config["image_size"] // config["patch_size"]) ** 2

    def espalier(self, *words):
        return measured([self.options.program, *words, "--threads", self.options.threads, "--quiet"])

    def training(self, router):
        run = self.folder / "run"
        self.espalier("pretrain", self.configs[router], "--images", self.options.images, "--steps", STEPS, "--image-batch",
                      self.options.batch, "--log-every", LOG_EVERY, "--validate-every", 10 * STEPS, "--save-every", 10 * STEPS, "--out", run,
                      "--overwrite")
        lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
        return statistics.median([line["tokens_per_second"] / self.tokens for line in lines][1:])

    def pytorch(self, mode, router):
        peer = [str(ROOT / "benchmarks/peers/run_pytorch.sh"), mode, self.configs[router], "--batch", self.options.batch,
                "--threads", self.options.threads, "--runs", 6]
        text, _ = measured(peer, env=os.environ | {"PEER": "../vision/pytorch_vmoe.py"})
        return json.loads(text)["training_images_per_second"]["median"]

    def pruned(self, router):
        plan, model, scores = (self.folder / f"{router}{ending}" for ending in (".plan.json", "", ".scores.json"))
        self.espalier("score", self.options.model, "--criterion", "magnitude", "--out", scores)
        self.espalier("plan", scores, "--keep", 4, "--router", router, "--out", plan)
        self.espalier("apply", self.options.model, plan, "--out", model)
        return model

    def forward(self, model):
        text, peak = self.espalier("eval", model, "--images", self.options.images, "--classes", self.options.classes)
        return float(re.search(r"([\d.]+) images/s", text).group(1)), peak


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        speed = Speed(options, pathlib.Path(folder))
        sides = {f"espalier {router}": lambda router=router: speed.training(router) for router in ROUTERS}
        for mode in ("best", "as-installed"):
            for router in ROUTERS:
                sides[f"pytorch {mode} {router}"] = lambda mode=mode, router=router: speed.pytorch(mode, router)
        models = {"all 8": options.model, "4, zero_output": speed.pruned("zero_output"), "4, reroute": speed.pruned("reroute")}
        rates, forward = {side: [] for side in sides}, {name: [] for name in models}
        for turn in range(options.rounds):
            for side, measure in sides.items():
                if turn > 0 and "as-installed" in side:
                    continue  # once is enough of what is slow
                rates[side].append(measure())
                print(f"{side}: {rates[side][-1]:.0f} images/s", file=sys.stderr, flush=True)
            for name, model in models.items():
                forward[name].append(speed.forward(model))
                print(f"{name}: {forward[name][-1][0]:.0f} images/s forward", file=sys.stderr, flush=True)
        weights = {name: sum(f.stat().st_size for f in pathlib.Path(model).glob("*.safetensors")) for name, model in models.items()}
    print(json.dumps({
        "training_images_per_second": {side: {"median": statistics.median(r), "all": r} for side, r in rates.items()},
        "forward": {name: {"images_per_second": statistics.median(r for r, _ in found), "peak_rss_bytes": max(p for _, p in found),
                           "weight_bytes": weights[name]} for name, found in forward.items()}}, indent=1))


if __name__ == "__main__":
    main()
