"""Disks that refuse calls, or write in parts, before and without a crash."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.disk.disk import Disk
from tests.support.spool.crashes import BrokenDisk, Crash, inputs
from tests.support.spool.places import Place
from tests.support.spool.scenarios import SCENARIOS, inputs_of

pytestmark = pytest.mark.sweep


@pytest.mark.parametrize("name", ["two results", "checkpoints"])
def test_an_fsync_that_fails_is_noticed_and_costs_the_file_nothing(
    memory_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS[name])
        watcher = place.watcher(Disk(power=True))
        number = itertools.count()

        def fail_once(descriptor: int) -> None:
            if next(number) == point:  # noqa: B023 - called at once
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            fsync(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail_once)
            watcher.turn()
        if next(number) <= point:
            break
        assert watcher.health().trouble, point
        for _ in range(3):
            place.now += 1000.0
            watcher.turn()
        place.check(point)
    assert point > 5


def test_writes_that_the_kernel_takes_in_parts_are_whole_in_the_end(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    place = Place(memory_path / "w", SCENARIOS["checkpoints"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:1])))
        place.watcher(Disk(power=True)).turn()
    place.check("taken byte by byte")


class OnceMoreDisk(BrokenDisk):
    """Refuses call number `calls`, and dies `later` calls after that."""

    def __init__(self, calls: int, later: int) -> None:
        super().__init__(calls, error=errno.EIO)
        self._later = later

    def count(self, name: str, *arguments: Any) -> Any:
        try:
            return super().count(name, *arguments)
        except OSError as error:
            if self._error and error.errno == self._error:
                self._error, self.calls_left = None, self._later
            raise


@pytest.mark.parametrize("name", ["two results", "two results, alone"])
def test_a_disk_that_refuses_before_a_crash_costs_the_file_nothing(memory_path: Path, name: str) -> None:
    scenario, points = SCENARIOS[name], 0
    for first in itertools.count():
        for later in itertools.count():
            place = Place(memory_path / f"{first}-{later}", scenario)
            disk = OnceMoreDisk(10**9, later)
            watcher = place.watcher(disk)
            disk.calls_left = first
            try:
                watcher.turn()
            except Crash:
                points += 1
            else:
                break
            finally:
                disk.die()
            assert inputs(place.folder) == inputs_of(scenario), (first, later)
            place.recover()
            place.check((first, later))
        if not disk.broke_at:
            break
    assert points > 50
