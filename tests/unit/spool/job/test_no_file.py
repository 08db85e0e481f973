"""What is put in the place of a file just before that is taken: it is given back, and holds up nobody."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.spool import Spool
from tests.support.helpers import plan_of, thinned
from tests.support.spool.crashes import BrokenDisk, Crash, look
from tests.support.spool.inline import watcher

NODES = [{"tag": "start", "type": "trim", "next": "end"}]
KINDS: dict[str, Callable[[str], None]] = {
    "folder": os.mkdir,
    "link": lambda path: os.symlink("/etc/hostname", path),
    "fifo": os.mkfifo,
}
Kind = pytest.mark.parametrize("kind", KINDS)


class SwappingDisk(BrokenDisk):
    """Just before a file is taken, someone puts something else in its place."""

    def __init__(self, calls: int, kind: str) -> None:
        super().__init__(calls)
        self._put: Callable[[str], None] | None = KINDS[kind]

    def count(self, name: str, *arguments: Any) -> Any:
        if name in {"move", "take"} and self._put and "/unprocessed/" in arguments[0]:
            os.unlink(arguments[0])
            self._put(arguments[0])
            self._put = None
        return super().count(name, *arguments)


class Place:
    """A spool with one file; `is_alone` has it claimed alone."""

    def __init__(self, folder: Path, *, is_alone: bool) -> None:
        self.folder = folder
        self.now = 0.0
        self.is_alone = is_alone
        self.plan = plan_of(NODES, watch_dir=str(folder), intake={"ready": "rename"})
        Spool(self.plan.config)
        (folder / "unprocessed/x").write_text("a\n")

    def turn(self, disk: BrokenDisk) -> None:
        spool = Spool(self.plan.config, disk=disk, monotonic=lambda: self.now)
        if self.is_alone:
            spool._groups = None
        loop = watcher(spool, self.plan, monotonic=lambda: self.now)
        for _ in range(3):
            loop.turn()
            self.now += 100.0


@Kind
@pytest.mark.parametrize("is_alone", thinned({"together": False, "alone": True}, "together"))
def test_what_is_no_file_is_given_back_through_any_crash_and_a_later_file_of_its_name_is_done(
    memory_path: Path, kind: str, *, is_alone: bool
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), is_alone=is_alone)
        disk = SwappingDisk(point, kind)
        try:
            place.turn(disk)
        except Crash:
            disk.die()
        path = place.folder / "unprocessed/x"
        is_swapped = disk._put is None
        place.turn(BrokenDisk(10**9))
        seen = look(str(place.folder))
        if is_swapped:
            assert os.path.lexists(path), point
            assert not path.is_file() or path.is_symlink(), point
            assert (seen["processed"], seen["failed"], seen["results"]) == ({}, {}, {}), point
            os.rmdir(path) if kind == "folder" else path.unlink()
            path.write_text("later\n")
            place.turn(BrokenDisk(10**9))
            seen = look(str(place.folder))
            assert seen["results"] == {"x": "later\n"}, point
        assert seen["litter"] == [], point
        if not disk.broke_at:
            break
    assert point > 5


@Kind
def test_where_a_file_waits_by_then_it_is_put_out_of_the_way_and_said(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path / "w", is_alone=True)
    KINDS[kind](str(place.folder / "underprocess/x"))
    place.turn(BrokenDisk(10**9))
    seen = look(str(place.folder))
    assert (seen["results"], seen["litter"]) == ({"x": "a\n"}, [])
    assert caplog.text.count("and a file waits there; it is now ") == 1
    assert len(list((place.folder / ".fproc").glob("aside-*"))) == 1


def test_with_leases_it_is_given_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fproc.spool.layout.is_local", lambda _path: False)
    place = Place(tmp_path / "w", is_alone=False)
    place.turn(SwappingDisk(10**9, "folder"))
    assert os.listdir(place.folder / "unprocessed") == ["x"]
    assert os.listdir(place.folder / "underprocess") == []
