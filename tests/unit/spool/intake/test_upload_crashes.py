"""Uploads through crashes, losses of power and disks that refuse, before each call."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.disk.disk import Disk
from tests.support.helpers import thinned
from tests.support.spool.crashes import BrokenDisk, Crash
from tests.support.spool.power import PowerDisk
from tests.support.spool.upload_places import READY, Place, grow

SENT = [("x.log", "one\n"), ("x.log", "two\n"), ("y.log", "three\n")]


EXPECTED = {"x.log": "foreign\n", "x~2.log": "one\n", "x~3.log": "two\n", "y.log": "three\n"}


LATE = {"x.log": "foreign\n", "x~3.log": "one\n", "x~2.log": "two\n", "y.log": "three\n"}
"""What waits in the end if a file of the name was there before the upload, or came during it."""


def upload_beside_another(place: Place, disk: Disk, *, is_late: bool) -> None:
    """Upload three files; `x.log` is taken by another one, durably, before or during the upload."""

    def drop() -> None:
        with (place.folder / "unprocessed/x.log").open("w") as file:
            file.write("foreign\n")
            file.flush()
            disk.sync(file.fileno())
        disk.sync_folder(str(place.folder / "unprocessed"))

    if not is_late:
        drop()
    with place.arrivals(disk).begin() as arrival:
        grow(arrival, *SENT)
        if is_late:
            drop()
        arrival.publish()


def check(place: Place, expected: dict[str, str], point: object, *, is_all: bool = False) -> None:
    """See that files are whole or absent, and own files alone have markers, once all is swept.

    Before that, someone else drops files of those names that are free.
    """
    for name in expected.keys() - place.waiting().keys():
        assert not is_all, point
        place.drop(name)
    place.sweep()
    texts = place.waiting()
    marked = {name.removesuffix(".done") for name in texts if name.endswith(".done")}
    texts = {name: text for name, text in texts.items() if not name.endswith(".done")}
    own = {name: text for name, text in texts.items() if text != "foreign\n"}
    assert marked == (own.keys() if place.config.intake.ready == "marker" else set()), point
    assert own.items() <= expected.items(), point
    assert texts.keys() == expected.keys(), point
    assert place.uploads() == [], point


def dies(calls: int, work: Callable[[Disk], None]) -> bool:
    """Do something with a disk that dies before call number `calls`; whether that came."""
    disk = BrokenDisk(calls)
    try:
        work(disk)
    except Crash:
        return True
    finally:
        disk.die()
    return False


Both = pytest.mark.parametrize("ready", READY)


Late = pytest.mark.parametrize("is_late", [False, True], ids=["before", "during"])


Strides = pytest.mark.parametrize(
    "stride", [3, pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]
)


@Both
@Late
@pytest.mark.usefixtures("way_of_moving")
def test_a_crash_before_any_call_leaves_files_whole_or_absent(
    memory_path: Path, ready: str, *, is_late: bool
) -> None:
    counts = set()
    for point in itertools.count():
        place = Place(memory_path / str(point), ready)
        if not dies(point, partial(upload_beside_another, place, is_late=is_late)):
            break
        counts.add(len(place.waiting()))
        check(place, LATE if is_late else EXPECTED, point)
    check(place, LATE if is_late else EXPECTED, "undisturbed", is_all=True)
    assert point > 30
    assert len(counts) >= 4, "it must have died between any two files"


def in_bad_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have folders listed with each file before its marker, as some filesystems do by chance."""
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: sorted(listdir(path)))


@Strides
@Both
@pytest.mark.usefixtures("way_of_moving")
def test_a_second_crash_in_the_sweep_changes_nothing_either(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, ready: str, stride: int
) -> None:
    in_bad_order(monkeypatch)
    points = 0
    for first in itertools.count(0, stride):
        is_over = False
        for second in itertools.count(first // stride % stride, stride):
            place = Place(memory_path / f"{first}-{second}", ready)
            is_over = not dies(first, partial(upload_beside_another, place, is_late=True))
            if is_over or not dies(second, place.sweep):
                break
            points += 1
            check(place, LATE, (first, second))
        if is_over:
            break
    assert points * stride**2 > 100


class Losing(PowerDisk):
    """Loses power; of the unlinks and renames that were not fsynced, the last one is durable by chance."""

    def __init__(self, calls: int, root: str, earlier: PowerDisk | None = None) -> None:
        super().__init__(calls, root, earlier=earlier)
        self._last: tuple[str, ...] = ()

    def count(self, name: str, *arguments: Any) -> Any:
        given = super().count(name, *arguments)
        if name in {"unlink", "replace", "rename_noreplace"}:
            self._last = arguments
        return given

    def lose_power(self) -> None:
        for path in self._last[:1]:
            folder, name = os.path.split(path)
            self._names.get(folder, {}).pop(name, None)
        for path in self._last[1:]:
            folder, name = os.path.split(path)
            if os.path.lexists(path):
                self._names.setdefault(folder, {})[name] = self._listed(folder)[name]
        super().lose_power()


HOW = {
    "none": PowerDisk,
    "the newest name": partial(PowerDisk, newest_survives=True),
    "the newest change": Losing,
}
"""What that was not fsynced survives by chance."""


ByChance = pytest.mark.parametrize("disk_of", thinned(HOW, "the newest change"))


@Both
@Late
@ByChance
def test_power_loss_before_any_call_leaves_files_whole_or_absent(
    memory_path: Path, ready: str, disk_of: Callable[[int, str], PowerDisk], *, is_late: bool
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), ready)
        disk = disk_of(point, str(place.folder))
        is_over = False
        try:
            upload_beside_another(place, disk, is_late=is_late)
            is_over = True
            disk.calls_left = 1
            disk.sync_folder(place.config.watch_dir + "/.fproc/uploads")  # as the next upload does
        except Crash:
            pass
        disk.lose_power()
        check(place, LATE if is_late else EXPECTED, point, is_all=is_over)
        if is_over:
            break
    assert point > 30


@Strides
@ByChance
@pytest.mark.sweep
def test_power_loss_in_the_sweep_after_a_crash_changes_nothing_either(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, disk_of: Callable[..., PowerDisk], stride: int
) -> None:
    in_bad_order(monkeypatch)
    points = 0
    for first in itertools.count(0, stride):
        is_over = False
        for second in itertools.count(first // stride % stride, stride):
            place = Place(memory_path / f"{first}-{second}", "marker")
            earlier = PowerDisk(first, str(place.folder))
            try:
                upload_beside_another(place, earlier, is_late=True)
                is_over = True
                break
            except Crash:
                earlier.die()
            disk = disk_of(second, str(place.folder), earlier=earlier)
            has_died = False
            try:
                place.sweep(disk)
            except Crash:
                has_died = True
            disk.lose_power()
            points += 1
            check(place, LATE, (first, second))
            if not has_died:
                break
        if is_over:
            break
    assert points * stride**2 > 100


FAULTS = {"ENOSPC": errno.ENOSPC, "EDQUOT": errno.EDQUOT, "EIO": errno.EIO}


@Both
@pytest.mark.parametrize("error", thinned(FAULTS, "ENOSPC"))
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_a_disk_that_refuses_is_an_error_and_leaves_no_traces(
    memory_path: Path, ready: str, error: int, *, for_good: bool
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), ready)
        disk = BrokenDisk(point, error=error, for_good=for_good)
        was_refused = is_refused(partial(upload_beside_another, place, disk, is_late=True))
        if was_refused and not for_good:
            assert place.uploads() == [], disk.broke_at
        check(place, LATE, disk.broke_at, is_all=not was_refused)
        if not disk.broke_at:
            break
    assert point > 30


def is_refused(step: Callable[[], None]) -> bool:
    try:
        step()
    except OSError:
        return True
    return False
