"""A spool of one input that several instances claim, and what is committed of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fproc.spool.disk.disk import Disk
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp
from fproc.spool.job.job import RolledForward
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import look

NODES = [{"tag": "start", "type": "trim", "next": "end"}]


class Place:
    """A watched folder, seen by any number of instances, and the time there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1000.0
        self.spool = self.instance()

    def instance(self, disk: Disk | None = None, ready: str = "rename", **keys: Any) -> Spool:
        plan = plan_of(
            NODES, watch_dir=str(self.folder), intake={"ready": ready}, durability="process", **keys
        )
        return Spool(plan.config, disk=disk, clock=lambda: self.now)

    def put(self, path: str, text: str = "a\n") -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def has(self, path: str) -> bool:
        return os.path.lexists(self.folder / path)

    def look(self) -> dict[str, Any]:
        return look(str(self.folder))

    def jobs(self) -> list[str]:
        return sorted(os.listdir(self.folder / ".fproc" / "jobs"))


def owned(taken: Claim | RolledForward | NotYet | None) -> Claim:
    assert isinstance(taken, Claim)
    return taken


def commit(claim: Claim, text: str = "A", **options: Any) -> RolledForward:
    stamp = FileStamp.of(os.stat(claim.path))
    claim.staging.write(claim.name, text)
    claim.staging.flush()
    return claim.commit(stamp, **options)
