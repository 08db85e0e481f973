"""Every place to crash, one by one: before each call that changes the disk, and again in recovery."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path

import pytest

from fproc.spool.disk.disk import Disk
from tests.support.spool.crashes import HALVES, BrokenDisk, inputs
from tests.support.spool.places import Place, sweep
from tests.support.spool.scenarios import Named, Scenario, inputs_of

pytestmark = pytest.mark.usefixtures("names_of_the_model")


@Named
@pytest.mark.usefixtures("way_of_moving")
def test_a_crash_before_any_call_changes_nothing_of_what_comes_out(
    memory_path: Path, scenario: Scenario
) -> None:
    points = sweep(memory_path, scenario, Place.crash)
    print(f"{points} points")
    assert points > 20


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.long)])
@Named
@pytest.mark.sweep
def test_a_second_crash_in_recovery_changes_nothing_either(
    memory_path: Path, scenario: Scenario, stride: int
) -> None:
    points = 0
    for first in itertools.count(0, stride):
        reached_end = False
        for second in itertools.count(first % stride, stride):
            place = Place(memory_path / f"{first}-{second}", scenario)
            reached_end = not place.crash(first)
            if reached_end or not place.crash(second):
                break
            points += 1
            place.recover()
            place.check((first, second))
        if reached_end:
            break
    print(f"{points} points")
    assert points > 10


FAULTS = [
    errno.ENOSPC,
    *(pytest.param(number, marks=pytest.mark.sweep) for number in (errno.EIO, errno.EACCES)),
]


@Named
@pytest.mark.parametrize("error", FAULTS, ids=["ENOSPC", "EIO", "EACCES"])
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for a while"])
@pytest.mark.sweep
def test_a_disk_that_refuses_pauses_intake_and_costs_the_file_nothing(
    memory_path: Path, scenario: Scenario, error: int, *, for_good: bool
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), scenario)
        spool_calls = 40  # those of opening the spool; a disk that refuses then is a clear error at start
        disk = BrokenDisk(spool_calls, error=error, for_good=for_good)
        watcher = place.watcher(disk)
        disk.calls_left = point
        watcher.turn()
        if not disk.broke_at:
            place.check("undisturbed")
            break
        for _ in range(3):
            watcher.turn()
            place.now += 1000.0
        if for_good:
            assert watcher.health().trouble, disk.broke_at
        assert inputs(place.folder) == inputs_of(scenario), disk.broke_at
        disk.repair()
        for _ in range(4):
            place.now += 1000.0
            watcher.turn()
        assert watcher.health().trouble == ""
        place.check((point, disk.broke_at))
    assert point > 20


def test_the_sweep_breaks_every_kind_of_call() -> None:
    public = {name for name, value in vars(Disk).items() if callable(value) and not name.startswith("_")}
    assert public - {*HALVES} == set(vars(BrokenDisk)) & public
    assert os.strerror(errno.ENOSPC)
