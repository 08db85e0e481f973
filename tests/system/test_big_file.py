"""A big file through every kind of node: the same lines as one by one, in bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fproc.records import Block
from tests.helpers import SAMPLES, SOURCE, Memory, plan_of, stop, user

pytestmark = pytest.mark.sweep

PROJECT = Path(__file__).parents[2]
LINES = 300_000
MEMORY_MB = 60

NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": user("countdown"), "next": {"again": "start", "done": ["class", "number"]}},
    {
        "tag": "class",
        "type": user("by_length"),
        "config": {"classes": 5},
        "next": {"t0": "both", "t1": ["loud", "both"], "t2": "stream", "*": "drop"},
    },
    {"tag": "loud", "type": "uppercase", "next": "both"},
    {"tag": "both", "type": "write", "config": {"file": "both"}},
    {"tag": "number", "type": user("Numbered"), "next": "end"},
    {"tag": "stream", "type": user("pairs"), "stream": True, "next": ["paired", "tally"]},
    {"tag": "paired", "type": "write", "config": {"file": "paired"}},
    {"tag": "tally", "type": "tally", "config": {"pattern": "^.{9}"}, "next": "counts"},
    {"tag": "counts", "type": "write", "config": {"file": "counts"}},
]


def lines() -> Iterator[str]:
    for number in range(LINES):
        yield f"{number % 3} request {number % 1000:3} took {'x' * (number % 5)}"


MEASURE = """
import resource, subprocess, sys
status = subprocess.run([sys.executable, "-m", "fproc", *sys.argv[1:]]).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def peak_memory_mb(arguments: list[str], folder: Path) -> float:
    """Run fproc; gives the most memory it had resident, as the kernel counted it.

    A small process starts it: the kernel counts what the parent had before `exec` as the child's.
    """
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", MEASURE, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    status, memory_mb = done.stdout.split()
    assert status == "0", done.stderr
    return float(memory_mb)


def test_300_000_lines_give_what_they_give_one_by_one_in_60_mb(tmp_path: Path) -> None:
    with (tmp_path / SOURCE.name).open("w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines())
    (tmp_path / "pipeline.json").write_text(json.dumps({"plugins_dir": SAMPLES, "nodes": NODES}))
    memory_mb = peak_memory_mb(["--input", SOURCE.name, "--output", "out/", "--quiet"], tmp_path)

    expected = Memory()
    run = plan_of(NODES).run(SOURCE, expected, entry="start", on_error=stop)
    for line_no, line in enumerate(lines(), 1):
        run.feed(Block([line], line_no, 0, b""))
    run.finish()
    run.close()

    got = {path.name: path.read_text(encoding="utf-8").splitlines() for path in (tmp_path / "out").iterdir()}
    assert got == expected.results
    assert got.keys() == {"both", "paired", "counts", SOURCE.name}
    print(f"peak memory {memory_mb:.1f} MB")
    assert memory_mb < MEMORY_MB
