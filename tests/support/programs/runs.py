"""Runs of a processor that marks when it begins and ends, and what fproc took for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

PLUGIN = """
import os, time
marks = os.open("marks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
parent = os.getppid()

class Step:
    def __init__(self, pause=0.0, gate=""):
        self.pause, self.gate, self.run, self.lines, self.file = pause, gate, os.urandom(6).hex(), 0, ""
    def mark(self, number):
        place = f"{self.file} {self.run} {os.getpid()} {parent} {number} {time.monotonic_ns()}"
        os.write(marks, f"\\n{place};".encode())
    def process(self, line):
        self.file, number, _ = line.split(" ", 2)
        self.mark(number)
        while self.gate and not os.path.exists(self.gate):
            time.sleep(0.005)
        time.sleep(self.pause)
        self.lines += 1
        return f"{self.lines} {line}"
    def finish(self):
        self.mark(0)
        return ()
    def snapshot(self):
        return {"lines": self.lines}
    def restore(self, value):
        self.lines = value["lines"]

class Total:
    def __init__(self):
        self.total = 0
    def process(self, line):
        self.total += len(line)
        return f"{line.split(' ', 2)[1]} {self.total}"
"""


@dataclass
class Run:
    """One run over a file, or over the rest of it from a checkpoint: what its marks say. Times in ns."""

    file: str
    pid: int
    parent: int
    began: int
    last: int = 0
    lines: list[int] = field(default_factory=list)
    has_finished: bool = False


def runs_of(folder: Path) -> list[Run]:
    """All runs, in the order in which they began. A mark that a kill has cut off counts for nothing."""
    runs: dict[str, Run] = {}
    for mark in (folder / "marks").read_text().split("\n"):
        if mark.endswith(";"):
            file, token, pid, parent, number, at = mark[:-1].split(" ")
            run = runs.setdefault(token, Run(file, int(pid), int(parent), int(at)))
            run.last = int(at)
            run.has_finished = number == "0"
            if not run.has_finished:
                run.lines.append(int(number))
    return list(runs.values())


def peak_memory_mb(pid: int) -> float:
    """The most memory that a process has ever had resident."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024
