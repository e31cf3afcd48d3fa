"""What the studies under benchmarks/ share: running `espalier`, results that survive a stop, figures that `espalier report` draws.

Only the standard library.
"""

import datetime
import json
import math
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def add_options(parser):
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/espalier"))
    parser.add_argument("--threads", default="2")
    parser.add_argument("--summary", action="store_true", help="only write the tables of what is finished")


class Study:
    """Runs of `espalier` in a folder, with numbers in results.json: what is there is not measured again."""

    def __init__(self, options):
        self.options = options
        self.out = options.out
        self.out.mkdir(parents=True, exist_ok=True)
        self.file = self.out / "results.json"
        self.results = json.loads(self.file.read_text()) if self.file.exists() else {}

    def espalier(self, *words):
        command = [self.options.program, *map(str, words), "--quiet", "--threads", self.options.threads]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        return done.stdout

    def train(self, verb, model, out, *more):
        """A run of `pretrain` or `finetune`: a finished one is left alone, a stopped one goes on. Its final model."""
        if not (out / "model").exists():
            start = ["--resume"] if (out / "manifest.json").exists() else []
            self.espalier(verb, model, "--out", out, *more, *start)
        return out / "model"

    def pruned(self, model, folder, name, plan_words, apply_options=()):
        """`model` after `plan` and `apply`, in `folder`."""
        plan, pruned = folder / f"plan-{name}.json", folder / f"pruned-{name}"
        if not (pruned / "config.json").exists():
            self.espalier("plan", *plan_words, "--out", plan)
            self.espalier("apply", model, plan, "--out", pruned, *apply_options)
        return pruned

    def held_out(self, text, characters):
        """The first documents of a text, so few that measuring them is quick."""
        file = self.out / "held-out.txt"
        if not file.exists():
            whole = text.read_text()
            file.write_text(whole[:whole.find("\n\n", characters)] + "\n\n")
        return file

    def perplexity(self, model, text, seq_len):
        found = self.espalier("eval", model, "--task", "perplexity", "--data", text, "--seq-len", seq_len, "--json")
        return json.loads(found)["metrics"]["perplexity"]

    def note_perplexities(self, run, key):
        """KEY/STEP for each step at which a run of `finetune` was validated."""
        for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
            if line.get("valid_loss") is not None:
                self.note(f"{key}/{line['step']}", math.exp(line["valid_loss"]))

    def values(self, cell):
        """Of all seeds: results have keys SEED/CELL."""
        return [value for key, value in self.results.items() if key.partition("/")[2] == cell]

    def note(self, key, value):
        self.results[key] = value
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(self.results, indent=1, sort_keys=True))
        partial.replace(self.file)
        print(f"{key}: {value:.4f}", flush=True)

    def write(self, figures):
        """figures.json, and manifest.json so that `espalier report` takes the folder."""
        (self.out / "figures.json").write_text(json.dumps({"format": "espalier.figures/1", "figures": figures}, indent=1))
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        chosen = {k: str(v) for k, v in vars(self.options).items()}
        machine = {"cpu": "", "threads": int(self.options.threads), "memory_bytes": 0}
        (self.out / "manifest.json").write_text(json.dumps(
            {"format": "espalier.run_manifest/1", "verb": "study", "command": sys.argv, "status": "finished", "started_at": now,
             "seed": 0, "options": chosen, "versions": {}, "machine": machine, "timings_seconds": {}, "peak_rss_bytes": 0}, indent=1))


def line(name, points):
    """A line of a figure from x -> values over the seeds: their mean, whiskers from the least to the largest."""
    points = {x: values for x, values in points.items() if values}
    return {"name": name, "marks": "line", "x": list(points), "y": [statistics.mean(v) for v in points.values()],
            "low": [min(v) for v in points.values()], "high": [max(v) for v in points.values()]}


def spread(values, decimals):
    """Mean ± sample standard deviation."""
    if not values:
        return ""
    mean = f"{statistics.mean(values):.{decimals}f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.{decimals}f}"


def run(study, work):
    """`work`, unless only the summary is asked for; Ctrl-C leaves what is finished."""
    try:
        if not study.options.summary:
            work()
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
