"""Throughput of one worker against awk, on this machine, in this run: `python -m bench.throughput [LINES]`.

Both read the same file of log lines and write `[LEVEL] message` for each; the ratio is what counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINES = 300_000
RUNS = 3
AWK = '{ level = $1; sub(/^start:/, "", level); sub(/:$/, "", level); $1 = "[" level "]"; print }'


def write_input(path: Path, lines: int) -> None:
    levels = ("INFO", "INFO", "INFO", "WARNING", "ERROR")
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            file.write(f"start:{levels[number % 5]}: request {number} took {number % 97} ms\n")


def best_seconds(command: list[str], folder: Path) -> float:
    seconds = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        subprocess.run(
            command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **PATHS}
        )
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


PATHS = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    awk = shutil.which("mawk") or shutil.which("awk")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_input(folder / "in.log", lines)
        ours = best_seconds(
            [sys.executable, "-m", "fproc", "--input", "in.log", "--output", "-", "--quiet"], folder
        )
        print(f"fproc, built-in pipeline: {ours:.2f} s for {lines:,} lines, {lines / ours:,.0f} lines/s")
        if awk is None:
            print("no awk to compare with")
            return
        theirs = best_seconds([awk, AWK, "in.log"], folder)
        print(f"{Path(awk).name}: {theirs:.2f} s; fproc takes {ours / theirs:.1f} times as long")


if __name__ == "__main__":
    main()
