"""Who owns an input is looked at where a group decides: late owners before it, and next ones after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.spool import Spool
from tests.support.spool.groups import NAMES, Place, check_done


class HookedDisk(Disk):
    """Lets something happen before a file gets a name for the first time, or a result its own."""

    def __init__(self) -> None:
        super().__init__(power=True)
        self.named: list[str] = []
        self.before_name: Callable[[str], None] = lambda _name: None
        self.before_results: Callable[[], None] = lambda: None

    def give_name(self, descriptor: int, path: str) -> None:
        name = os.path.basename(path)
        if name not in self.named:
            self.named.append(name)
            self.before_name(name)
        super().give_name(descriptor, path)

    def move(self, source: str, target: str) -> None:
        if "/results/" in target:
            self.before_results()
        super().move(source, target)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.with_inputs(tmp_path / "w")


@pytest.fixture
def disk(place: Place) -> HookedDisk:
    disk = HookedDisk()
    place.spool = Spool(place.plan.config, disk=disk)
    return disk


def test_a_commit_record_of_a_late_owner_is_gone_before_anything_is_published(
    place: Place, disk: HookedDisk
) -> None:
    record = place.folder / ".fproc/commits/b.log"
    found: list[str] = []

    def decide_late(name: str) -> None:
        if name == "b.log":
            record.write_text("of a late owner")

    disk.before_name = decide_late
    disk.before_results = lambda: found.append(record.read_text())
    assert set(place.verdicts(*NAMES).values()) == {Verdict.COMMIT}
    assert len(found) == len(NAMES)
    assert all("decisions" in text for text in found)
    check_done(place, *NAMES)


def test_a_commit_record_of_the_next_owner_stays(place: Place, disk: HookedDisk) -> None:
    record = place.folder / ".fproc/commits/b.log"

    def lose(name: str) -> None:
        if name == "b.log":
            os.rmdir(place.folder / ".fproc/jobs/b.log")
            record.write_text("of the next owner")

    disk.before_name = lose
    fates = place.verdicts(*NAMES)
    assert fates["a.log"] is fates["c.log"] is Verdict.COMMIT
    assert fates["b.log"] is not Verdict.COMMIT
    assert record.read_text() == "of the next owner"


def test_nothing_is_decided_about_an_input_that_was_lost_before(place: Place, disk: HookedDisk) -> None:
    disk.before_name = lambda name: os.rmdir(place.folder / ".fproc/jobs/b.log") if name == "a.log" else None
    fates = place.verdicts(*NAMES)
    assert fates["a.log"] is fates["c.log"] is Verdict.COMMIT
    assert disk.named == ["a.log", "c.log"]
