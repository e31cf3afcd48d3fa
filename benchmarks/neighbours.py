#!/usr/bin/env python3
"""How much of its speed a command keeps beside busy programs: alone and beside them, in turns.

  benchmarks/neighbours.py [--busy 2] [--pairs 5] NAME -- COMMAND ..

`{out}` in the command becomes a path that is not there yet. The busy loops have the command's own priority, so on two
processors two of them leave it half. Prints a row of the table in docs/results/performance.md: the medians of the
seconds alone and beside, and of the pairs' shares.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def seconds(command: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        words = [word.replace("{out}", str(pathlib.Path(folder) / "out")) for word in command]
        begin = time.monotonic()
        done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)}\n{done.stderr}")
        return time.monotonic() - begin


def seconds_beside(busy: int, command: list[str]) -> float:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        time.sleep(0.5)  # until they run
        return seconds(command)
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--busy", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("name")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    pairs = [(seconds(options.command), seconds_beside(options.busy, options.command)) for _ in range(options.pairs)]
    alone, beside = (statistics.median(column) for column in zip(*pairs))
    shares = sorted(100 * a / b for a, b in pairs)
    print(f"| {options.name} | {alone:.1f} | {beside:.1f} | {statistics.median(shares):.0f}% | "
          f"{shares[0]:.0f}-{shares[-1]:.0f}% |", flush=True)


main()
