"""A loop over a spool, turn by turn, with a clock of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fproc.process.signals import Wait
from fproc.spool.spool import Spool
from fproc.telemetry.metrics import Metrics
from tests.support.clocks import Clock
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import BrokenDisk, look
from tests.support.spool.inline import watcher

NODES = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]


class Place:
    """A watched folder and one watcher over it."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.folder = folder
        self.disk = BrokenDisk(10**9)
        self.disk.power = False
        self.monotonic = Clock(50.0)
        self.clock = Clock(1000.0)
        config = {"intake": {"ready": "rename", "poll_seconds": 0.001}, "nodes": NODES, **config}
        self.plan = plan_of(config.pop("nodes"), watch_dir=str(folder), **config)
        self.metrics = Metrics(self.monotonic)
        self.spool = Spool(self.plan.config, disk=self.disk, monotonic=self.monotonic, clock=self.clock)
        self.watcher = watcher(self.spool, self.plan, self.metrics, monotonic=self.monotonic)

    @contextmanager
    def handled(self, *_calls: object) -> Iterator[Wait]:
        """A wait that takes no time, but lets it pass on both clocks; no signals are handled."""

        def wait(seconds: float, _descriptors: Sequence[int]) -> None:
            self.monotonic.seconds += seconds
            self.clock.seconds += seconds

        yield wait

    def touch(self, path: str, mtime: float) -> None:
        os.utime(self.folder / path, (mtime, mtime))

    def put(self, path: str, text: str = "a\n") -> None:
        (self.folder / path).write_text(text)

    def turn(self, after_seconds: float = 0.0) -> None:
        self.monotonic.seconds += after_seconds
        self.clock.seconds += after_seconds
        self.watcher.turn()

    def break_disk(self, number: int) -> None:
        self.disk._error, self.disk._for_good, self.disk.calls_left = number, True, 0

    def look(self) -> dict[str, Any]:
        return look(str(self.folder))

    def totals(self) -> dict[str, int]:
        return {name: count for name, count in self.metrics.snapshot().totals.items() if count}

    @property
    def trouble(self) -> str:
        return self.watcher.health().trouble


def in_trouble(place: Place, name: str) -> Path:
    """Put something in the way of a name's job folder."""
    place.put(f"unprocessed/{name}")
    place.put(f".fproc/jobs/{name}", "a file where a folder has to be")
    return place.folder / ".fproc" / "jobs" / name


def crash(place: Place, name: str) -> None:
    """Claim an input, and die."""
    place.put(f"unprocessed/{name}")
    claim = Spool(place.plan.config, monotonic=place.monotonic, clock=place.clock).claim(name)
    assert claim is not None
    claim.job._hold._disk.close(claim.job._hold.descriptor)  # type: ignore[union-attr]
