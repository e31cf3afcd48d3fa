#!/usr/bin/env python3
"""Kills the program at random moments in every verb that writes, and counts what was lost.

    tools/kill_campaign.py --program build/release/bin/espalier --kills 1500 --state build/kills.json

Each kill: a fresh folder, the verb is started, and SIGKILL comes after a random share of the time it takes. What is there
under the names of its results must be the older result or the new one, byte for byte; then the same command, or else the
same with --resume, must go on and end with the results of a run that nobody killed, with no temporary file or folder
left behind. The counts are kept in the state file after each kill: the same command goes on with them. Needs python3
alone; verbs that the program does not have (training, in a static one) are left out.
"""
import argparse, hashlib, json, os, pathlib, random, shutil, signal, subprocess, sys, tempfile, time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
CONFIG = {"model_type": "espalier_bert_moe", "vocab_size": 45, "hidden_size": 32, "num_hidden_layers": 1,
          "num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 32, "moe_layers": [0],
          "num_experts": 4}
GRID = """model = "model"
keep = [0.5]
seeds = [1]
[calibration]
a = "text.txt"
[evaluation]
b = "short.txt"
[observe]
samples = 2
seq-len = 16
[options]
eval-seq-len = 16
[methods.reap]
criterion = "reap"
"""
OBSERVE = "observe model --data ids.json --rows documents"
PRETRAIN = "pretrain moe.json --vocab vocab.txt --text text.txt --seq-len 32 --batch-tokens 128 --steps 4 --save-every 1 --log-every 1"
FINETUNE = ("finetune enc --task table --data train=task/train.tsv dev=task/dev.tsv --text-column sentence --label-column label"
            " --seq-len 16 --batch 8 --steps 4 --save-every 1 --log-every 1")

# name: command, results, files that are there before
VERBS = {
    "observe": (OBSERVE + " --out new.safetensors", ["new.safetensors"]),
    "observe in files": (OBSERVE + " --max-memory 0 --out new.safetensors", ["new.safetensors"]),
    "score": ("score obs.safetensors --criterion reap --out new.json", ["new.json"]),
    "plan": ("plan scores.json --keep 0.5 --out new.json", ["new.json"]),
    "apply": ("apply model plan.json --shard-size 40kB --out new", ["new"]),
    "apply --overwrite": ("apply model plan.json --shard-size 40kB --out older --overwrite", ["older"]),
    "logits": ("logits model --tokens ids.json --out new.safetensors", ["new.safetensors"]),
    "compare": ("compare model older --data short.txt --seq-len 16 --out new.json", ["new.json"]),
    "prune": ("prune model --criterion reap --data ids.json --rows documents --keep 0.5 --out run",
              ["run/plan.json", "run/model"]),
    "sweep": ("sweep grid.toml --out sweep", ["sweep/a/0.5/reap/seed-1/plan.json"]),
    "tokenizer train": ("tokenizer train --vocab-size 60 text.txt --out new.txt", ["new.txt"]),
    "pretrain": (PRETRAIN + " --out run", ["run/model"]),
    "pretrain --overwrite": (PRETRAIN + " --out older-run --overwrite", ["older-run/model"]),
    "finetune": (FINETUNE + " --out run", ["run/model"]),
    "finetune --prune": (FINETUNE + " --prune eager --out run", ["run/model"]),
    "export": ("export dense-run/model --to bert --out new", ["new"]),
    "export --overwrite": ("export dense-run/model --to bert --out older-bert --overwrite", ["older-bert"]),
}
TRAINING = {"pretrain", "pretrain --overwrite", "finetune", "finetune --prune", "export", "export --overwrite"}


def environment(folder):
    """Temporary files of the system lie in the folder too."""
    (folder / "tmp").mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(folder / "tmp")}


def run(program, folder, command):
    words = [program] + command.split() + ["--threads", "1", "--quiet"]
    return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, errors="replace", env=environment(folder))


def expect(program, folder, command):
    done = run(program, folder, command)
    if done.returncode != 0:
        sys.exit(f"cannot begin: {command}: {done.stderr}")


def text(documents, seed):
    draw = random.Random(seed)
    return "".join(" ".join(f"w{draw.randrange(40)}" for _ in range(draw.randrange(3, 40))) + "\n\n"
                   for _ in range(documents))


def rows(count, seed):
    draw = random.Random(seed)
    lines = ["sentence\tlabel"]
    for _ in range(count):
        words = [draw.randrange(12) for _ in range(draw.randrange(3, 11))]
        lines.append(" ".join(f"w{word}" for word in words) + "\t" + ("yes" if 1 in words else "no"))
    return "\n".join(lines) + "\n"


def make_inputs(program, folder):
    shutil.copytree(SOURCE / "tests/golden/qwen3-moe", folder / "model")
    shutil.copy(folder / "model/tokens.json", folder / "ids.json")
    (folder / "text.txt").write_text(text(200, 1))
    (folder / "short.txt").write_text(text(3, 2))
    (folder / "grid.toml").write_text(GRID)
    expect(program, folder, "tokenizer train --kind bpe text.txt --vocab-size 300 --out model/tokenizer.json")
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n" + "".join(f"w{i}\n" for i in range(40)))
    expect(program, folder, OBSERVE + " --out obs.safetensors")
    expect(program, folder, "score obs.safetensors --criterion reap --out scores.json")
    expect(program, folder, "plan scores.json --keep 0.5 --out plan.json")
    expect(program, folder, "plan scores.json --keep 3 --out other.json")
    expect(program, folder, "apply model other.json --out older")
    if run(program, folder, "pretrain --help").stderr or "needs the full build" in run(program, folder, PRETRAIN).stderr:
        return False
    shutil.rmtree(folder / "run", ignore_errors=True)
    (folder / "task").mkdir()
    (folder / "task/train.tsv").write_text(rows(100, 1))
    (folder / "task/dev.tsv").write_text(rows(30, 2))
    (folder / "moe.json").write_text(json.dumps(CONFIG))
    (folder / "dense.json").write_text(json.dumps({**CONFIG, "moe_layers": []}))
    expect(program, folder, PRETRAIN + " --seed 7 --out older-run")
    shutil.copytree(folder / "older-run/model", folder / "enc")
    expect(program, folder, PRETRAIN.replace("moe.json", "dense.json") + " --out dense-run")
    expect(program, folder, PRETRAIN.replace("moe.json", "dense.json") + " --seed 7 --out other-run")
    expect(program, folder, "export other-run/model --to bert --out older-bert")
    shutil.rmtree(folder / "other-run")
    return True


def digest(folder, names):
    """File -> hash, of files and of all below folders, but for hidden ones."""
    found = {}
    for name in names:
        path = folder / name
        files = [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []
        for file in files:
            if file.is_file() and not file.name.startswith("."):
                found[str(file.relative_to(folder))] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def left_behind(folder):
    """Temporary files and folders of writers that are gone."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")
                  if (path.name.startswith(".") and path.name.endswith(".tmp"))
                  or path.name.endswith((".partial", ".replaced", ".state")) or path.parent == folder / "tmp")


class Campaign:
    def __init__(self, program, scratch, state_file):
        self.program, self.scratch, self.state_file = program, scratch, state_file
        self.inputs = scratch / "inputs"
        self.inputs.mkdir()
        trains = make_inputs(program, self.inputs)
        self.state = {"kills": {}, "ended first": 0, "lost": []}
        if state_file.exists():
            self.state = json.loads(state_file.read_text())
        self.whole = {}
        for verb in VERBS:
            if trains or verb not in TRAINING:
                self.whole[verb] = self.measure(verb)

    def fresh(self):
        folder = self.scratch / "work"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.inputs, folder, symlinks=True)
        return folder

    def measure(self, verb):
        """Seconds and results of a run that nobody kills."""
        folder, (command, results) = self.fresh(), VERBS[verb]
        before, begun = digest(folder, results), time.monotonic()
        expect(self.program, folder, command)
        return time.monotonic() - begun, before, digest(folder, results)

    def kill_once(self, verb):
        folder, (command, results) = self.fresh(), VERBS[verb]
        seconds, before, whole = self.whole[verb]
        words = [self.program] + command.split() + ["--threads", "1", "--quiet"]
        process = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True, env=environment(folder))
        try:
            process.wait(random.uniform(0, 1.05) * seconds)
            return None
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        found = digest(folder, results)
        wrong = [name for name, value in found.items() if value not in (before.get(name), whole.get(name))]
        if set(before) - set(found) and found.keys() != whole.keys():
            wrong += sorted(set(before) - set(found))
        if wrong:
            return f"after the kill, neither old nor new: {wrong}"
        again = run(self.program, folder, command)
        resumed = run(self.program, folder, command + " --resume") if again.returncode else again
        if resumed.returncode:
            return f"does not go on: {again.stderr.strip()} / {resumed.stderr.strip()}"
        if digest(folder, results) != whole:
            return "ended with other results"
        left = left_behind(folder)
        return f"left behind: {left}" if left else ""

    def run(self, kills):
        verbs = list(self.whole)
        while sum(self.state["kills"].values()) < kills:
            verb = verbs[sum(self.state["kills"].values()) % len(verbs)]
            lost = self.kill_once(verb)
            if lost is None:
                self.state["ended first"] += 1
                continue
            self.state["kills"][verb] = self.state["kills"].get(verb, 0) + 1
            if lost:
                self.state["lost"].append(f"{verb}: {lost}")
                print(self.state["lost"][-1], flush=True)
            temporary = self.state_file.with_suffix(".tmp")
            temporary.write_text(json.dumps(self.state, indent=1))
            os.replace(temporary, self.state_file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--kills", type=int, default=1500, help="in all, those of earlier runs counted")
    parser.add_argument("--state", type=pathlib.Path, default=pathlib.Path("kills.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="espalier-kills-") as scratch:
        campaign = Campaign(os.path.abspath(options.program), pathlib.Path(scratch), options.state.absolute())
        try:
            campaign.run(options.kills)
        except KeyboardInterrupt:
            pass
        for verb, count in sorted(campaign.state["kills"].items()):
            print(f"{count:6} {verb}")
        total = sum(campaign.state["kills"].values())
        print(f"{total:6} kills, {len(campaign.state['lost'])} lost something "
              f"({campaign.state['ended first']} runs had ended before they could be killed)")
        return 1 if campaign.state["lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
