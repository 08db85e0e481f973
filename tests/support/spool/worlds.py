"""A spool with whatever lies in it, and what is asked about that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fproc.spool.disk.disk import Disk
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.job.claim import Claim
from fproc.spool.locks.instance import InstanceFile
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of

NODES = [{"tag": "start", "type": "trim", "next": "end"}]


NOW = 2_000_000_000.0


STRANGE = ["not \udcff UTF-8", "new\nline.log", "tab\there", "x~2.log", "~2", "a b.log", "\u00e9.log"]


class World:
    """A spool without a process, and the times there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.intake: dict[str, Any] = {"ready": "rename"}
        self.more: dict[str, Any] = {}
        self.spool = self.a_spool()
        self.folders = self.spool.folders

    def config(self) -> Any:
        keys = {"watch_dir": str(self.folder), "durability": "process", "intake": self.intake}
        return plan_of(NODES, **keys, **self.more).config

    def a_spool(self) -> Spool:
        return Spool(self.config(), clock=lambda: self.now)

    def status(self) -> SpoolStatus:
        return SpoolStatus(self.config(), clock=lambda: self.now)

    def why(self, name: str) -> dict[str, str]:
        """What is said, by place and name; the place alone where the name is the one that was asked for."""
        found = self.status().why(name)
        return {
            f"{entry.place}/{entry.name}" if entry.name != name else entry.place: entry.why for entry in found
        }

    def put(self, path: str, text: str = "a\n") -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        os.utime(target, (self.now, self.now))
        return target

    def claim(self, name: str) -> Claim:
        self.put(f"unprocessed/{name}")
        claim = self.spool.claim(name)
        assert isinstance(claim, Claim)
        return claim

    @contextmanager
    def running(self, **said: Any) -> Iterator[None]:
        """As if this process were an fproc."""
        instance = InstanceFile(self.folders, Disk(power=False))
        instance.say(said)
        yield
        instance.close()
