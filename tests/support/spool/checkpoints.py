"""A spool and a pipeline that makes a checkpoint before each line, and processors that take notes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

import fproc
from fproc.pipeline.plan import Plan
from fproc.run import attempt
from fproc.run.attempt import RunContext, WorkerDeath
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job.claim import Claim
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import BrokenDisk, Crash, look

NOW = 1795341600.0


SEEN: list[str] = []
"""The lines that `note` was given, in all runs of a test."""


def mine(name: str) -> str:
    return f"{__name__}.{name}"


def stateful(name: str) -> str:
    return f"stateful_processors.{name}"


def note(line: str, more: str = "") -> str:
    SEEN.append(line)
    if "bad" in line:
        raise ValueError("a bad line")
    if line == "retry" and SEEN.count("retry") == 1:
        raise fproc.Retry("the database is away")
    return line + more


def grow_once(line: str, path: str) -> str:
    if line == "5" and SEEN.count("5") == 1:
        with open(path, "a", encoding="utf-8") as file:
            file.write("more\n")
    return line


LINES = ["0", "1", "2 bad", "3", "4", "5", "6 bad", "7", "8", "9"]


NOTE: dict[str, Any] = {"tag": "start", "type": mine("note"), "next": "number"}


NODES: list[dict[str, Any]] = [
    NOTE,
    {"tag": "number", "type": "count", "next": ["end", "total"]},
    {"tag": "total", "type": "count", "config": {"total": True}, "next": "sum"},
    {"tag": "sum", "type": "write", "config": {"file": "{stem}.sum"}},
]


GOOD = {"x.log": "1 0\n2 1\n3 3\n4 4\n5 5\n6 7\n7 8\n8 9\n", "x.sum": "8\n"}


REJECTED = [(3, 4, "2 bad"), (7, 16, "6 bad")]


class Site:
    """A spool and a pipeline that makes a checkpoint before each line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.nodes = list(NODES)
        self.config: dict[str, Any] = {"on_error": "reject", "checkpoint": {"seconds": 1e-9}}

    def plan(self) -> Plan:
        return plan_of(self.nodes, watch_dir=str(self.folder), intake={"ready": "rename"}, **self.config)

    def spool(self, disk: Disk | None = None) -> Spool:
        return Spool(self.plan().config, disk=disk or Disk(power=False), clock=lambda: self.now)

    def drop(self, lines: list[str] = LINES) -> None:
        self.spool()
        Path(self.folder, "unprocessed", "x.log").write_text("".join(line + "\n" for line in lines))

    def take(self, disk: Disk | None = None, *, is_orphan: bool = False, has_died: bool = False) -> Claim:
        spool = self.spool(disk)
        taken = spool.claim("x.log") or spool.adopt("x.log", is_orphan=is_orphan, has_died=has_died)
        assert isinstance(taken, Claim), taken
        return taken

    def run(self, *, death: WorkerDeath | None = None, **around: Any) -> Outcome:
        surroundings = RunContext(clock=lambda: self.now, **around)
        return attempt.process_claim(
            self.take(has_died=death is not None), self.plan(), surroundings, death=death
        )

    def stop_before(self, line: int, lines: list[str] = LINES) -> None:
        """Drop the file, run it, and leave it at a checkpoint before this line, from 0."""
        self.drop(lines)
        asked = itertools.count()
        assert self.run(is_stopping=lambda: next(asked) >= line).verdict is Verdict.STOP
        SEEN.clear()

    def crash_after(self, lines: int, *, is_orphan: bool = False) -> None:
        """Run until `lines` of the file are done, then die with no chance to clean up."""
        disk = BrokenDisk(10**9)
        disk.power = False

        def die(_position: int, done: int, _rejected: int, _skipped: int) -> None:
            if done >= lines:
                disk.calls_left = 0
                raise Crash

        with pytest.raises(Crash):
            attempt.process_claim(self.take(disk, is_orphan=is_orphan), self.plan(), RunContext(progress=die))
        disk.die()

    @property
    def job(self) -> Path:
        return self.folder / ".fproc" / "jobs" / "x.log"

    @property
    def record(self) -> Path:
        return self.job / "checkpoint.json"

    def parts(self) -> dict[str, Path]:
        """The parts that the checkpoint knows, by result."""
        saved = checkpoints.read_checkpoint(str(self.job))
        assert saved is not None
        return {part.result: self.folder / part.path for part in saved.parts}

    def stage(self) -> Path:
        [stage] = (self.folder / "results" / ".stage").iterdir()
        return stage

    def look(self) -> dict[str, Any]:
        return look(str(self.folder))

    def check_done(self, *, seen: list[str] | None = None) -> None:
        """See that the file came out right and nothing is left, and (from `seen`) where it began."""
        found = self.look()
        assert (found["results"], found["litter"], found["underprocess"]) == (GOOD, [], {})
        entries = map(json.loads, found["failed"]["x.log.rejected.jsonl"].splitlines())
        assert [(told["line_no"], told["byte_offset"], told["line"]) for told in entries] == REJECTED
        if seen is not None:
            assert seen == SEEN
