"""A folder into which files are dropped, and a scanner over it with clocks that are the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from fproc.config.model import Intake
from fproc.spool.intake import scanner as scanner_module
from fproc.spool.intake.backlog import RunOfNames, name_in
from fproc.spool.intake.scanner import Scan, Scanner
from fproc.spool.readiness.looks import Needs

LONG_AGO, NOW = 1_000_000.0, 2_000_000.0


class Seen(NamedTuple):
    """What a look has found: which names are ready, in order, what the others wait for, and more of these."""

    ready: list[str]
    waiting: dict[str, str]
    settling: list[str]
    unknown: AbstractSet[str] = frozenset()
    unreadable: Mapping[str, str] = MappingProxyType({})


def seen_by(look: Callable[[Scan], Iterable[RunOfNames]]) -> Seen:
    """Look at a folder of few files."""
    scan = Scan()
    ready = list(dict.fromkeys(name_in(entry) for run in look(scan) for entry in run))
    waiting = {name: wait.why for name, wait in scan.waits.items()}
    unknown = frozenset(name for name, wait in scan.waits.items() if wait.needs is Needs.LONG_TIME)
    settling = [name for name, wait in scan.waits.items() if wait.needs is Needs.TIME or name in unknown]
    return Seen(ready, waiting, settling, unknown, scan.unreadable)


def look_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a look take two files in a step, and sort four names together."""
    monkeypatch.setattr(scanner_module, "STEP_FILES", 2)
    monkeypatch.setattr(scanner_module, "RUN_NAMES", 4)


class Place:
    """A folder, a scanner over it, and two clocks."""

    def __init__(self, folder: Path, **intake: Any) -> None:
        self.folder = folder
        self.monotonic = 100.0
        self.clock = NOW
        self.intake = Intake(**intake)
        self.scanner = Scanner(
            str(folder), self.intake, monotonic=lambda: self.monotonic, clock=lambda: self.clock
        )

    def put(self, name: str, text: str = "a\n", mtime: float | None = None) -> None:
        (self.folder / name).write_text(text)
        self.touch(name, self.clock if mtime is None else mtime)

    def touch(self, name: str, mtime: float) -> None:
        os.utime(self.folder / name, (mtime, mtime))

    def scan_after(self, seconds: float = 0.0) -> Seen:
        self.monotonic += seconds
        self.clock += seconds
        return seen_by(self.scanner.look)
