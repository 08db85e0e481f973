"""Several hosts on one spool, played in one process: owners of other hosts, and a clock of the test's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fproc.pipeline.plan import Plan
from fproc.spool import layout
from fproc.spool.disk.disk import Disk
from fproc.spool.layout import Folders
from fproc.spool.locks.leases import LEASE_SECONDS, Leases
from fproc.spool.locks.owner import Owner
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of


def hold_by_leases_of_the_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process hold by leases, and be known to be dead to whoever comes after."""
    dead = Owner("here", "a namespace", "boot", os.getpid(), "an earlier process had this id")
    monkeypatch.setattr(Owner, "current", lambda: dead)
    monkeypatch.setattr(layout, "is_local", lambda _path: False)


class Seconds:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Told(Leases):
    """Leases that count when a test says so: what a thread of theirs does would come into other tests."""

    def _beat_on(self) -> None:
        """Not by themselves."""


class Shared:
    """A spool that several hosts share; `on_host` is a view of it from one of them."""

    def __init__(self, folder: Path, nodes: list[dict[str, Any]], **config: Any) -> None:
        self.folder = folder
        self.seconds = Seconds()
        self.plan: Plan = plan_of(nodes, watch_dir=str(folder), **{"intake": {"ready": "rename"}, **config})
        self.spools = 0
        self.on_host("first")

    def on_host(self, host: str, disk: Disk | None = None, *, boot: str = "", is_dead: bool = False) -> Spool:
        """The spool as a process of that host sees it; others may know that process to be dead."""
        disk = disk or Disk(power=False)
        folders = Folders(self.plan.config.watch_dir, self.plan.config.results_dir)
        began = "another process had this id" if is_dead else Owner.current().began
        owner = Owner(host, "a namespace", boot or f"a boot of {host}", os.getpid(), began)
        leases = Told(folders, disk, owner=owner, monotonic=self.seconds)
        return Spool(self.plan.config, disk=disk, lock_manager=leases, is_checked=True)

    def put(self, path: str, text: str = "a\n") -> None:
        (self.folder / path).write_text(text)

    def wait(self, spool: Spool) -> dict[str, str]:
        """Return what a host knows to be abandoned after it has looked for long enough."""
        spool.orphans([], deep=True)
        self.seconds.now += LEASE_SECONDS
        return spool.orphans([], deep=True)
