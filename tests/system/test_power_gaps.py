"""What the sweep of power loss does not see: what people put somewhere meanwhile, and what is remembered."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.job import checkpoint
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.claim import Claim
from fproc.spool.spool import Spool
from tests.support.spool.crashes import inputs, look
from tests.support.spool.places import Place
from tests.support.spool.power import PowerDisk
from tests.support.spool.scenarios import SCENARIOS

pytestmark = [pytest.mark.sweep, pytest.mark.usefixtures("names_of_the_model")]

NEW = "new\n"


class SwappingDisk(PowerDisk):
    """Just before an input is taken, someone moves another file into its place."""

    swaps = 1

    def count(self, name: str, *arguments: Any) -> Any:
        if self.swaps and name == "rename_noreplace" and "/unprocessed/" in arguments[0]:
            self.swaps = 0
            dropping = Path(self._root + ".dropping")
            dropping.write_text(NEW)
            dropping.replace(arguments[0])
        return super().count(name, *arguments)


def check_whole(place: Place, point: int, *texts: str) -> None:
    """See that every input that is there is one of these, and was processed as it is."""
    seen = look(place.folder)
    assert {*seen["processed"].values()} <= {*texts}, point
    results = [text for name, text in seen["results"].items() if name.endswith(".log")]
    assert sorted(results) == sorted(seen["processed"].values()), point
    assert (seen["unprocessed"], seen["underprocess"], seen["failed"], seen["litter"]) == ({}, {}, {}, [])


@pytest.mark.parametrize("name", ["two results", "two results, alone"])
def test_a_file_that_comes_in_the_place_of_one_that_is_being_taken_survives_whole(
    memory_path: Path, name: str
) -> None:
    old = SCENARIOS[name].dropped["unprocessed/x.log"]
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS[name])
        disk = SwappingDisk(point, place.folder)
        if not place.loses_power(disk):
            break
        assert {*inputs(place.folder)} <= {old, NEW}, point
        place.recover()
        assert look(place.folder)["processed"], point
        check_whole(place, point, old, NEW)
    assert not disk.swaps
    assert point > 20


def test_a_file_that_someone_puts_into_underprocess_is_archived_whole_or_not_at_all(
    memory_path: Path,
) -> None:
    text = "by hand\n"
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["two results"])
        os.unlink(f"{place.folder}/unprocessed/x.log")
        disk = PowerDisk(point, place.folder)
        place.put({"underprocess/x.log": text})
        if not place.loses_power(disk):
            break
        place.recover()
        check_whole(place, point, text)
    assert point > 20


def test_a_checkpoint_that_was_made_survives(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[object] = []
    write = checkpoint.write_checkpoint

    def count(*arguments: Any) -> None:
        write(*arguments)
        saved.append(arguments)

    monkeypatch.setattr(checkpoint, "write_checkpoint", count)
    survived = 0
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["checkpoints"])
        saved.clear()
        if not place.lose_power(point):
            break
        if saved and os.listdir(f"{place.folder}/underprocess"):
            survived += 1
            records = os.listdir(f"{place.folder}/.fproc/jobs/x.log")
            assert "checkpoint.json" in records, point
    assert survived > 10


def test_an_attempt_that_was_counted_survives(memory_path: Path) -> None:
    place = Place(memory_path / "w", SCENARIOS["two results, alone"])
    disk = PowerDisk(10**9, place.folder)
    taken = Spool(place.plan.config, disk=disk, clock=lambda: 0.0).claim("x.log")
    assert isinstance(taken, Claim)
    taken.retry(5.0)
    disk.lose_power()
    spool = Spool(place.plan.config, clock=lambda: 0.0)
    assert spool.adopt("x.log", is_orphan=True) == NotYet(5.0)
