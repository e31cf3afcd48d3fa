#!/usr/bin/env python3
"""Checks that the static program and the full program are one: every verb that both have leaves the same bytes.

    tools/check_same_results.py STATIC FULL

Runs the commands below with each program in a folder of its own, small models of the tree in, and compares exit
codes, what is printed and every file left behind. Left out of both: times, memory and library versions, numbers in
front of a unit of them, the numbers of a run's report page, and the inodes of finished folders (.espalier). Fails if a verb of docs/verbs.md has neither a command here nor a reason in TIMED or TRAINS.
"""

import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MIXTRAL = ROOT / "models/mini-mixtral"
ENCODER = ROOT / "models/mini-moe"
CLASSIFIER = ROOT / "tests/golden/bert-classifier"
VISION = ROOT / "models/mini-vmoe"
TUNED = ROOT / "models/mini-vmoe-tuned"
CLASSES = "automobile,cat,dog,horse,truck"
MERGE = ["plan", "--observations", "obs.safetensors", "--action", "merge"]

COMMANDS = [
    ["inspect", MIXTRAL],
    ["convert", MIXTRAL, "--to", "fp8", "--out", "in-fp8"],
    ["inspect", ROOT / "tests/golden/quant/fp8-qwen3-moe", "--json"],
    ["tokenize", MIXTRAL, "--text", "text.txt", "--out", "tokens.json"],
    ["tokenize", MIXTRAL, "--decode", "tokens.json", "--out", "texts.json"],
    ["tokenizer", "train", "text.txt", "--vocab-size", "300", "--out", "vocab.txt"],
    ["tokenizer", "train", "--kind", "bpe", "text.txt", "--vocab-size", "400", "--out", "bpe/tokenizer.json"],
    ["observe", MIXTRAL, "--data", "text.txt", "--samples", "4", "--seq-len", "64", "--similarity", "cka",
     "--keep-tokens", "32", "--out", "obs.safetensors"],
    ["observe", ROOT / "tests/golden/quant/fp8-deepseek-v3", "--data",
     ROOT / "tests/golden/quant/fp8-deepseek-v3/tokens.json", "--out", "fp8.safetensors"],
    ["observe", TUNED, "--images", "images", "--classes", CLASSES, "--out", "vision.safetensors"],
    ["score", "obs.safetensors", "--criterion", "reap", "--out", "scores.json"],
    ["score", TUNED, "--criterion", "router_norm_change", "--reference", VISION, "--out", "norms.json"],
    ["plan", "scores.json", "--keep", "4", "--out", "plan.json"],
    ["plan", "norms.json", "--keep", "0.5", "--router", "zero_output", "--out", "vision-plan.json"],
    [*MERGE, "--model", MIXTRAL, "--keep", "4", "--out", "merge.json"],
    [*MERGE, "--method", "hc_smoe", "--model", MIXTRAL, "--keep", "4", "--out", "linkage.json"],
    ["align", "merge.json", MIXTRAL, "--out", "aligned.json"],
    ["explain", "plan.json", "--scores", "scores.json", "--html", "plan.html"],
    ["check", "plan.json", MIXTRAL, "--json"],
    ["apply", MIXTRAL, "plan.json", "--out", "pruned"],
    ["apply", MIXTRAL, "aligned.json", "--out", "merged"],
    ["apply", TUNED, "vision-plan.json", "--out", "vision"],
    ["verify", MIXTRAL, "pruned", "--plan", "plan.json"],
    ["compare", MIXTRAL, "pruned", "--data", "text.txt", "--seq-len", "64", "--prompt", "The tree", "--json"],
    ["eval", "merged", "--task", "perplexity", "--data", "text.txt", "--seq-len", "64", "--json"],
    ["eval", MIXTRAL, "--task", "arc_easy", "--data", "test=questions/arc_easy.jsonl", "--json"],
    ["eval", ENCODER, "--task", "mlm", "--data", "text.txt", "--tokens", "500", "--json"],
    ["eval", "vision", "--images", "images", "--classes", CLASSES, "--json"],
    ["generate", "pruned", "--prompt", "The tree", "--tokens", "12", "--temperature", "0.8"],
    ["logits", "pruned", "--tokens", "tokens.json", "--out", "logits.safetensors"],
    ["logits", ENCODER, "--tokens", "tokens.json", "--out", "hidden.safetensors"],
    ["predict", "classifier", "words.txt"],
    ["plan", "scores.json", "--keep", "1", "--experts-per-token", "1", "--out", "one.json"],
    ["apply", MIXTRAL, "one.json", "--out", "one"],
    ["export", "one", "--to", "mistral", "--out", "mistral"],
    ["prune", MIXTRAL, "--criterion", "frequency", "--data", "text.txt", "--samples", "2", "--seq-len", "32",
     "--keep", "0.5", "--compare", "text.txt", "--eval-seq-len", "32", "--out", "run"],
    ["sweep", "grid.toml", "--out", "sweep"],
    ["report", "run", "--out", "report.html"],
    # What is refused is refused in the same words.
    ["apply", MIXTRAL, "vision-plan.json", "--out", "wrong"],
    ["logits", MIXTRAL, "--tokens", "far.json", "--out", "far.safetensors"],
]
TIMED = {"bench", "doctor", "version"}  # what they print is times, or the program itself
TRAINS = {"finetune", "pretrain"}  # the full program's alone

GRID = f"""model = "{MIXTRAL}"
keep = [0.5]
seeds = [1]
[calibration]
a = "text.txt"
[evaluation]
a = "text.txt"
[observe]
samples = 2
seq-len = 32
[options]
eval-seq-len = 32
eval-limit = 2
[methods.reap]
criterion = "reap"
[methods.random]
criterion = "random"
"""
QUESTION = {"question": "What grows flat against a wall?", "choices": ["a stone", "an espalier"], "gold": 1}
# A field of these names, and a number before these units, is measured and not computed.
MEASURED = re.compile(r"stamps|seconds|started|finished_at|rss|memory|versions|per_second|machine|created|elapsed")
UNITS = re.compile(rb"\d[\d.,]*( ?(?:ms|s|min|h|[kMG]?i?B|tokens/s|images/s)\b)")
DRAWN_TIMES = re.compile(rb'id="timings"|aria-label="Headline figures"|id="machine"')
PAGE = re.compile(rb"(\.html: [^\n]*?)[\d,]+ bytes")  # times are drawn on it


def write_inputs(folder):
    text = (ROOT / "README.md").read_text()
    words = re.findall(r"[A-Za-z]+", text)
    (folder / "text.txt").write_text("\n".join(" ".join(words[i : i + 12]) for i in range(0, 600, 12)) + "\n")
    (folder / "words.txt").write_text("\n".join(words[:20]) + "\n")
    (folder / "far.json").write_text('{"sequences": [[1, 99999999]]}')
    (folder / "grid.toml").write_text(GRID)
    (folder / "bpe").mkdir()
    (folder / "questions").mkdir()
    (folder / "questions/arc_easy.jsonl").write_text(json.dumps(QUESTION) + "\n")
    (folder / "classifier").mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / "classifier" / name).write_bytes((CLASSIFIER / name).read_bytes())
    letters = [prefix + chr(letter) for prefix in ("", "##") for letter in range(ord("a"), ord("z") + 1)]
    (folder / "classifier/vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]) + "\n")
    (folder / "images").mkdir()
    draw = random.Random(1)
    for name in ("data_batch_1.bin", "test_batch.bin"):  # CIFAR-10's own layout: a class, then 3 x 32 x 32 bytes
        rows = (bytes([draw.choice([1, 3, 5, 7, 9])]) + draw.randbytes(3072) for _ in range(20))
        (folder / "images" / name).write_bytes(b"".join(rows))


def unmeasured(value):
    if isinstance(value, dict):
        return {key: unmeasured(item) for key, item in value.items() if not MEASURED.search(key)}
    if isinstance(value, list):
        return [unmeasured(item) for item in value]
    return value


def comparable(name, content):
    """The bytes without what is measured; weights and numbers stay as they are."""
    if name.endswith(".safetensors"):
        return content
    if name.endswith("report.html"):
        content = b"\n".join(line for line in content.split(b"\n") if not DRAWN_TIMES.search(line))
        return re.sub(rb"[\d.]+", b"#", content)
    if name.endswith((".json", ".jsonl")) or content[:1] in (b"{", b"["):
        try:
            return json.dumps([unmeasured(json.loads(line)) for line in content.splitlines()]).encode()
        except ValueError:
            try:
                return json.dumps(unmeasured(json.loads(content))).encode()
            except ValueError:
                pass
    content = re.sub(rb"\n## Cost\n.*?(?=\n## |\Z)", b"", content, flags=re.DOTALL)  # of a sweep: times
    return PAGE.sub(rb"\1# bytes", UNITS.sub(rb"#\1", content))


def run(program, command, folder):
    words = [str(word) for word in command]
    # Quiet, so that stderr has errors alone: what progress says is times.
    call = ["espalier", *words, "--threads", "2", "--quiet"]  # the command line is kept with what it made
    done = subprocess.run(call, executable=program, cwd=folder, capture_output=True, check=False)
    name = "stdout.json" if "--json" in words else "stdout"
    return done.returncode, comparable(name, done.stdout), done.stderr


def files_of(folder):
    # A finished folder's .espalier says which inode it replaced: no two folders have the same.
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".espalier")
    return {str(path.relative_to(folder)): path for path in paths}


def difference(first, second):
    ours, theirs = files_of(first), files_of(second)
    for name in sorted(set(ours) ^ set(theirs)):
        return f"{name} is left by one of them only"
    for name in ours:
        if comparable(name, ours[name].read_bytes()) != comparable(name, theirs[name].read_bytes()):
            return f"{name} differs"
    return None


def uncovered():
    verbs = set(re.findall(r"^\| \[`([a-z]+)`\]\(#", (ROOT / "docs/verbs.md").read_text(), re.MULTILINE))
    return verbs - {command[0] for command in COMMANDS} - TIMED - TRAINS


def main(programs):
    for verb in sorted(uncovered()):
        sys.exit(f"same results: no command tries {verb}")
    with tempfile.TemporaryDirectory() as work:
        folders = [pathlib.Path(work) / name for name in ("static", "full")]
        for folder in folders:
            folder.mkdir()
            write_inputs(folder)
        for command in COMMANDS:
            results = [run(program, command, folder) for program, folder in zip(programs, folders)]
            line = " ".join(str(word) for word in command)
            if results[0] != results[1]:
                sys.exit(f"same results: {line}:\n{results[0]}\n{results[1]}")
            expected = 2 if command[-1] in ("wrong", "far.safetensors") else 0
            if results[0][0] != expected:
                sys.exit(f"same results: {line}: exit code {results[0][0]}, expected {expected}: {results[0][2].decode()}")
            if found := difference(*folders):
                sys.exit(f"same results: after {line}: {found}")
    print(f"same results: {len(COMMANDS)} commands, every verb but {', '.join(sorted(TIMED | TRAINS))}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main([str(pathlib.Path(program).resolve()) for program in sys.argv[1:]])
