"""A spool whose files nobody can tell to be whole, for tests of what is written to late."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fproc.spool.disk.disk import Disk
from fproc.spool.intake.requeue import put_back_all
from fproc.spool.job.unjournaled import UnjournaledDisk
from fproc.spool.spool import Spool
from fproc.telemetry.metrics import Metrics
from tests.support.helpers import plan_of
from tests.support.spool.crashes import BrokenDisk, Crash
from tests.support.spool.inline import watcher
from tests.support.spool.power import PowerDisk, UnjournaledPowerDisk

NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "trim", "next": ["end", "count"]},
    {"tag": "count", "type": "count", "config": {"total": True}, "next": "counted"},
    {"tag": "counted", "type": "write", "config": {"file": "{stem}.count"}},
]
REASON = "was written to after it was processed; its results are incomplete: x.log, x.count"
WITHOUT_JOURNAL = "power loss without a journal"
STABLE = {"ready": "stable", "settle_seconds": 0}


class Place:
    """A spool whose files nobody can tell to be whole, and seconds that pass when told to."""

    def __init__(self, folder: Path, *, has_journal: bool = True, **config: Any) -> None:
        self.folder = folder
        self._has_journal = has_journal
        self.now = 0.0
        self.leap_seconds = 0.0
        self.metrics = Metrics()
        config = {"nodes": NODES, "intake": STABLE, "durability": "power", **config}
        self.plan = plan_of(config.pop("nodes"), watch_dir=str(folder), **config)
        self.start()

    def start(self, disk: Disk | None = None) -> None:
        """Begin as a new process does."""
        self.spool = Spool(
            self.plan.config,
            disk=disk or self.disk(),
            monotonic=lambda: self.now,
            clock=self.wall,
        )
        self.loop = watcher(self.spool, self.plan, self.metrics, monotonic=lambda: self.now)

    def disk(self) -> Disk:
        """Return one that does not break."""
        return Disk(power=False) if self._has_journal else UnjournaledDisk(power=False)

    def wall(self) -> float:
        """Seconds since 1970; the records' times are those of the filesystem."""
        records = [entry.stat().st_mtime for entry in os.scandir(self.folder / ".fproc/late")]
        return max(records, default=1e9) + self.now + self.leap_seconds

    def path(self, path: str) -> Path:
        return self.folder / path

    def process(self, *names: str, archived: str = "") -> None:
        for name in names:
            self.path(f"unprocessed/{name}").write_text("a\n")
        self.turn()
        assert all(self.path(f"processed/{archived or name}").exists() for name in names)

    def turn(self, seconds: float = 2.0, turns: int = 2) -> None:
        for _ in range(turns):
            self.loop.turn()
            self.now += seconds

    def watched(self) -> list[str]:
        return sorted(os.listdir(self.path(".fproc/late")))

    def report(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.path(f"failed/{name}.error.json").read_text())
        return value

    def late(self) -> str:
        """What `/health` says of late writers."""
        return self.loop.health().checks.get("late_writers", "")

    def retry(self, *names: str) -> None:
        """Put inputs back to work, and let the loop do them."""
        moved, refused = put_back_all(self.plan.config, self.disk(), names)
        assert (moved, refused) == ([*names], {})
        self.turn(turns=4)

    def append(self, path: str) -> None:
        with self.path(path).open("a") as file:
            file.write("b\n")


KINDS = ["crash", "power loss", "power loss but for the newest name", WITHOUT_JOURNAL]
"""How a run may break off."""


def break_at(place: Place, how: str, point: int) -> bool:
    """Turn until call number `point`, and crash there, or lose power; whether that came."""
    disk = breaking_disk(place, how, 10**9)
    place.start(disk)
    if len(os.listdir(place.path("unprocessed"))) == 1:
        place.spool._groups = None
    disk.calls_left = point
    return dies_at(disk, place.turn)


def breaking_disk(place: Place, how: str, calls: int) -> BrokenDisk:
    """A disk that breaks in one of these ways."""
    if how == "crash":
        return BrokenDisk(calls)
    kind = UnjournaledPowerDisk if how == WITHOUT_JOURNAL else PowerDisk
    return kind(calls, str(place.folder), newest_survives="newest" in how)


def dies_at(disk: BrokenDisk, work: Callable[[], object]) -> bool:
    """Do something until the disk breaks; whether it does."""
    try:
        work()
    except Crash:
        if isinstance(disk, PowerDisk):
            disk.lose_power()
        else:
            disk.die()
        return True
    disk.die()
    return False
