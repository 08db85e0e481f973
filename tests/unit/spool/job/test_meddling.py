"""Others who come between two steps: they change what waits, take a lock or take a name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import ConservationError
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.paths import is_locked
from fproc.spool.layout import Folders
from fproc.spool.locks.locks import JobLock, Locks
from tests.support.spool.claims import Place, commit, owned


class WatchedDisk(Disk):
    """Lets someone else act before a call, as long as there is something for them to do."""

    def __init__(self) -> None:
        super().__init__(power=False)
        self.meanwhile: dict[str, Callable[..., object]] = {}

    def close(self, descriptor: int) -> None:
        self._let_others("close")
        super().close(descriptor)
        self._let_others("closed")

    def replace(self, source: str, target: str) -> None:
        self._let_others("replace", target)
        super().replace(source, target)

    def remove_folder(self, path: str) -> None:
        self._let_others("remove_folder")
        super().remove_folder(path)

    def _let_others(self, when: str, *arguments: Any) -> None:
        if when in self.meanwhile:
            self.meanwhile[when](*arguments)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "w")
    place.put("unprocessed/x.log")
    return place


def cut(path: Path) -> None:
    os.truncate(path, 3)


def lengthen(path: Path) -> None:
    with path.open("a") as file:
        file.write("mine\n")


@pytest.mark.parametrize("meddle", [cut, lengthen, os.unlink])
def test_set_aside_lines_that_someone_changed_are_not_decided_about(
    place: Place, meddle: Callable[[Path], None]
) -> None:
    claim = owned(place.spool.claim("x.log"))
    claim.reject(b'{"line": "bad"}\n')
    meddle(place.folder / ".fproc/jobs/x.log/rejected.jsonl")
    with pytest.raises(ConservationError, match="the lines that were set aside"):
        commit(claim)
    claim.release()
    seen = place.look()
    assert (seen["underprocess"], seen["processed"], seen["failed"]) == ({"x.log": "a\n"}, {}, {})


@pytest.mark.parametrize("when", ["remove_folder", "close", "closed"])
def test_a_lock_that_is_let_go_of_leaves_whoever_holds_the_job_next_its_folder(
    tmp_path: Path, when: str
) -> None:
    folders = Folders(str(tmp_path), str(tmp_path / "results"))
    os.makedirs(folders.jobs)
    disk, taken = WatchedDisk(), list[JobLock]()
    hold = Locks(folders, disk).hold("x")
    assert hold is not None

    def take() -> None:
        if not taken and (other := Locks(folders, Disk(power=False)).hold("x")):
            taken.append(other)

    disk.meanwhile[when] = take
    hold.release()
    disk.meanwhile.clear()
    if when != "remove_folder":
        assert len(taken) == 1
    assert all(other.is_owner() for other in taken)
    for other in taken:
        other.release()
    assert os.listdir(folders.jobs) == []
    assert not is_locked(f"{folders.jobs}/x")


def test_a_result_that_got_another_number_replaces_nothing(place: Place) -> None:
    disk = WatchedDisk()
    claim = owned(place.instance(disk, on_conflict="replace").claim("x.log"))
    (place.folder / "results/x.log").mkdir()
    decisions = 0

    def take_the_next_name(target: str) -> None:
        nonlocal decisions
        if target.endswith("commit.json"):
            decisions += 1
            if decisions == 2:
                place.put("results/x~2.log", "foreign")

    disk.meanwhile["replace"] = take_the_next_name
    assert commit(claim, replace_results=True).results == ("x~3.log",)
    seen = place.look()
    assert seen["results"] == {"x~2.log": "foreign", "x~3.log": "A\n"}
    assert (seen["processed"], seen["litter"]) == ({"x.log": "a\n"}, [])
