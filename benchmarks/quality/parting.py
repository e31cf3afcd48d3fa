#!/usr/bin/env python3
"""What parts the experts that upcycling copies from one network: short runs of each way, their CKA, routing and loss.

    benchmarks/quality/parting.py --text TEXT_DIR --glue GLUE_DIR --base WORK/head/model --out runs/parting

The base is the dense model with a head of masked words that models/recipe/minilm-moe/train.sh leaves after its first stage.
Each way trains the same tokens with the same seed; the dense twin too. A cell's numbers go to --cells/NAME.json; a cell that is
there is not run again. The table is made from those files (--summary makes it alone).
"""

import argparse
import csv
import gzip
import io
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import study  # noqa: E402

MOE = ["--upcycle", 8, "--moe-layers", "1,3"]
WAYS = {
    "dense": [],
    "copies": MOE,
    "router": [*MOE, "--upcycle-router", 2],
    "router-sure": [*MOE, "--upcycle-router", 4],
    "noise": [*MOE, "--upcycle-router", 2, "--upcycle-noise", 0.5],
    "redraw": [*MOE, "--upcycle-router", 2, "--upcycle-redraw", 0.5],
    "rate": [*MOE, "--upcycle-router", 2, "--expert-rate", 3],
    "both": [*MOE, "--upcycle-router", 2, "--upcycle-redraw", 0.25, "--expert-rate", 3],
    "jitter": [*MOE, "--upcycle-router", 2, "--router-jitter", 0.3],
}
# The columns of a task's training split that hold text.
TASKS = {"CoLA": [3], "STS-B": ["sentence1", "sentence2"], "RTE": ["sentence1", "sentence2"], "MRPC": ["#1 String", "#2 String"], "SST-2": ["sentence"]}
ROWS = 1500  # of a task


def rows_of(folder):
    """The training split as lists of columns, and its header's names where it has one."""
    (file,) = [f for f in folder.glob("train.tsv*")]
    content = gzip.open(file).read() if file.suffix == ".gz" else file.read_bytes()
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter="\t", quoting=csv.QUOTE_NONE))


def task_text(glue, task, out):
    """JSON Lines of the texts of a task's training split."""
    file = out / f"{task}.jsonl"
    if not file.exists():
        rows, columns = rows_of(glue / task), TASKS[task]
        if isinstance(columns[0], str):
            columns, rows = [rows[0].index(c) for c in columns], rows[1:]
        texts = [" ".join(row[c] for c in columns) for row in rows[:ROWS] if len(row) > max(columns)]
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return file


def train(one, options, name):
    text = options.text
    start = [options.base, options.out / name, "--train", "head,ffn.1,ffn.3", "--cache", options.out / "cache"]
    return one.train("pretrain", *start, "--text", text / "enwiki/train-1.txt.zst", text / "enwikinews/wikinews.txt.zst",
                     "--valid-text", text / "enwiki/valid.txt", "--batch-tokens", options.batch, "--seq-len", 128, "--dropout", 0,
                     "--steps", options.steps, "--learning-rate", options.rate, "--warmup", 0.1, "--seed", 42, "--log-every", 10,
                     "--validate-every", options.steps, "--validation-tokens", 50000, "--save-every", 50, *WAYS[name])


def observe(one, options, model, data, *more):
    out = options.out / "last.observations"
    found = json.loads(one.espalier("observe", model, "--data", data, "--seq-len", 128, "--json", "--out", out, *more))
    return {str(layer["layer"]): layer for layer in found["routing"]}


def measure(one, options, name):
    model = train(one, options, name)
    lines = [json.loads(line) for line in (options.out / name / "metrics.jsonl").read_text().splitlines()]
    cell = {"way": name, "options": [str(word) for word in WAYS[name]], "steps": options.steps, "tokens": lines[-1]["tokens"],
            "learning_rate": options.rate, "valid_loss": lines[-1]["valid_loss"], "seconds": lines[-1]["seconds"]}
    if WAYS[name]:
        held_out = options.text / "enwiki/valid.txt"
        cell["text"] = observe(one, options, model, held_out, "--samples", 100, "--similarity", "cka")
        cell["tasks"] = {task: observe(one, options, model, task_text(options.glue, task, options.out), "--rows", "documents",
                                       "--samples", ROWS) for task in TASKS}
    return cell


def table(cells):
    dense = cells.get("dense", {}).get("valid_loss")
    yield "| way | loss | - dense | CKA 1 | CKA 3 | router entropy 1 | 3 | load entropy, tasks 1 | 3 |"
    yield "| --- | --: | --: | --: | --: | --: | --: | --: | --: |"
    for name in [way for way in WAYS if way in cells]:
        cell, numbers = cells[name], []
        if "text" in cell:
            numbers = [cell["text"][layer]["mean_similarity"]["cka"] for layer in "13"]
            numbers += [cell["text"][layer]["router_entropy"] for layer in "13"]
            numbers += [sum(task[layer]["load_entropy"] for task in cell["tasks"].values()) / len(TASKS) for layer in "13"]
        shown = [f"{n:.3f}" for n in numbers] or [""] * 6
        gain = f"{cell['valid_loss'] - dense:+.3f}" if dense else ""
        yield "| " + " | ".join([name, f"{cell['valid_loss']:.3f}", gain, *shown]) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    study.add_options(parser)
    parser.add_argument("--text", type=pathlib.Path)
    parser.add_argument("--glue", type=pathlib.Path)
    parser.add_argument("--base", type=pathlib.Path)
    parser.add_argument("--cells", type=pathlib.Path, default=study.ROOT / "docs/results/tsep/parting")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--rate", default="1e-3")
    options = parser.parse_args()
    one = study.Study(options)
    options.cells.mkdir(parents=True, exist_ok=True)

    def work():
        for name in options.ways:
            file = options.cells / f"{name}.json"
            if not file.exists():
                file.write_text(json.dumps(measure(one, options, name), indent=1) + "\n")
                print(f"{name}: done", flush=True)

    study.run(one, work)
    cells = {file.stem: json.loads(file.read_text()) for file in options.cells.glob("*.json")}
    print("\n".join(table(cells)))


if __name__ == "__main__":
    main()
