"""A folder into which files are dropped, and a scanner over it with clocks that are the test's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fproc.config.model import Intake
from fproc.spool.intake.scanner import Scan, Scanner

LONG_AGO, NOW = 1_000_000.0, 2_000_000.0


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

    def scan_after(self, seconds: float = 0.0) -> Scan:
        self.monotonic += seconds
        self.clock += seconds
        return self.scanner.scan()
