"""What the crash sweep does not see: other processes, archives, and second files of a name."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.base.values import asdict
from fproc.run import attempt
from fproc.spool.disk.disk import Disk
from fproc.spool.job.attempts import Attempts
from fproc.spool.job.claim import Claim
from fproc.spool.job.job import RolledForward
from fproc.spool.spool import Spool
from tests.support.spool.crashes import CALLS, Crash, inputs, is_decided, look
from tests.support.spool.leases import hold_by_leases_of_the_dead
from tests.support.spool.places import Place, sweep
from tests.support.spool.power import PowerDisk
from tests.support.spool.scenarios import SCENARIOS, Scenario, inputs_of

pytestmark = pytest.mark.sweep


class BusyDisk(Disk):
    """Lets something else happen before call number `calls` (from 0)."""

    def __init__(self, calls: int, meanwhile: Callable[[], object]) -> None:
        super().__init__(power=True)
        self.calls_left = calls
        self._meanwhile = meanwhile

    def count(self, name: str, *arguments: Any) -> Any:
        self.calls_left -= 1
        if self.calls_left == -1:
            self._meanwhile()
        return getattr(Disk, name)(self, *arguments)


def _counted(name: str) -> Any:
    return lambda self, *arguments: self.count(name, *arguments)


for _name in CALLS:
    setattr(BusyDisk, _name, _counted(_name))


@pytest.mark.parametrize("name", ["two results", "checkpoints", "a marker", "a file that fails"])
def test_another_process_that_works_before_any_call_changes_nothing(memory_path: Path, name: str) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS[name])
        other = place.watcher(Disk(power=True))
        disk = BusyDisk(10**9, other.turn)
        watcher = place.watcher(disk)
        disk.calls_left = point
        watcher.turn()
        came = disk.calls_left < 0
        place.recover()
        place.check(point)
        if not came:
            break
    assert point > 10


def lose_power(place: Place, calls: int, kind: type[PowerDisk] = PowerDisk) -> bool:
    """Run until call number `calls`, then lose power; whether that came."""
    disk = kind(calls, place.folder)
    try:
        place.watcher(disk).turn()
    except Crash:
        return True
    finally:
        disk.lose_power()
    return False


@pytest.mark.parametrize("end", [Place.crash, lose_power], ids=["crash", "power loss"])
def test_an_input_is_archived_only_when_its_results_are_there(
    memory_path: Path, end: Callable[[Place, int], bool]
) -> None:
    archived = 0
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["two results"])
        came = end(place, point)
        seen = look(place.folder)
        if seen["processed"]:
            archived += 1
            assert seen["results"] == place.scenario.expected["results"], point
        if not came:
            break
    assert archived > 1


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases of owners that are known to be dead."""
    hold_by_leases_of_the_dead(monkeypatch)


def test_what_was_remembered_of_an_earlier_file_of_the_name_does_not_count(memory_path: Path) -> None:
    place = Place(memory_path / "w", SCENARIOS["two results"])
    earlier = Attempts(attempts=7, not_before=4e9, interrupted=7, offset_bytes=10**6)
    os.mkdir(f"{place.folder}/.fproc/jobs/x.log")
    place.put({".fproc/jobs/x.log/attempts.json": json.dumps(asdict(earlier))})
    first, second = (Spool(place.plan.config) for _ in range(2))
    claim = first.claim("x.log")
    assert claim is not None
    claim.release()
    taken = second.adopt("x.log")
    assert isinstance(taken, Claim)
    assert (taken.attempts, taken.interrupted) == (0, 0)
    taken.release()


def decided(folder: Path, scenario: Scenario) -> Place:
    """A spool whose process has died right after it had decided about a file."""
    for point in itertools.count():
        place = Place(folder / str(point), scenario)
        assert place.crash(point)
        if is_decided(place.folder):
            return place
    raise AssertionError


def test_results_are_told_by_the_names_that_they_got_whatever_crashed_in_between(memory_path: Path) -> None:
    told = 0
    for point in itertools.count():
        place = decided(memory_path / str(point), SCENARIOS["two results"])
        place.put({"results/x.log": "foreign"})
        came = place.crash(point)
        settled = Spool(place.plan.config, disk=Disk(power=True)).adopt("x.log")
        if isinstance(settled, RolledForward):
            told += 1
            assert sorted(settled.results) == ["x.count", "x~2.log"], point
            assert look(place.folder)["results"].keys() == {"x.log", "x.count", "x~2.log"}, point
        if not came:
            break
    assert told > 5


def test_a_file_put_by_hand_where_a_decided_one_was_is_not_archived_for_it(memory_path: Path) -> None:
    place = decided(memory_path, SCENARIOS["two results"])
    os.unlink(f"{place.folder}/underprocess/x.log")
    place.put({"underprocess/x.log": "another\n"})
    place.recover()
    seen = look(place.folder)
    assert seen["results"] == {
        "x.log": "a\nb\n",
        "x.count": "2\n",
        "x~2.log": "another\n",
        "x~2.count": "1\n",
    }
    assert seen["processed"] == {"x~2.log": "another\n"}  # numbered as its results are
    assert seen["litter"] == []


class HollowDisk(PowerDisk):
    """All names and sizes survive; of contents that were not fsynced, zeros do. Many filesystems do that.

    What is still in `unprocessed/` survives as in any `PowerDisk`.
    """

    def lose_power(self) -> None:
        for folder, _, _ in os.walk(self._root):
            self._keep_names(folder)
        dropped = self._names[os.path.join(self._root, "unprocessed")].values()
        for entry in os.scandir(self._kept):
            if entry.inode() in dropped and entry.inode() not in self._contents:
                continue
            durable = self._contents.get(entry.inode(), b"")
            self._contents[entry.inode()] = durable.ljust(entry.stat().st_size, b"\0")
        super().lose_power()


@pytest.mark.parametrize("name", ["two results", "checkpoints", "a file that fails"])
def test_a_file_that_survives_power_loss_without_its_contents_deceives_nobody(
    memory_path: Path, name: str
) -> None:
    def end(place: Place, calls: int) -> bool:
        came = lose_power(place, calls, HollowDisk)
        if not came:
            place.recover()
        return came

    assert sweep(memory_path, SCENARIOS[name], end) > 20


def test_an_empty_folder_that_someone_removes_before_any_call_is_missed_until_it_is_back(
    memory_path: Path,
) -> None:
    was_missed = 0
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["lines that are set aside"])
        removed: list[Path] = []

        def remove() -> None:
            archives = [Path(place.folder, name) for name in ("processed", "failed")]  # noqa: B023 - called at once
            removed.extend(archive for archive in archives if not os.listdir(archive))  # noqa: B023
            for archive in removed:  # noqa: B023
                archive.rmdir()

        disk = BusyDisk(10**9, remove)
        watcher = place.watcher(disk)
        disk.power, disk.calls_left = False, point
        for _ in range(3):
            watcher.turn()
            place.now += 1000.0
        if removed:
            was_missed += 1
            assert "vanished" in watcher.health().trouble, point
            assert not any(archive.exists() for archive in removed), point
        for archive in removed:
            archive.mkdir()
        assert inputs(place.folder) == inputs_of(place.scenario), point
        for _ in range(3):
            watcher.turn()
            place.now += 1000.0
        assert watcher.health().trouble == "", point
        place.check(point)
        if disk.calls_left >= 0:
            break
    assert was_missed > 20


@pytest.fixture(params=["locks", "leases"])
def way_of_holding(request: pytest.FixtureRequest) -> None:
    """Both ways of holding a job, by owners that die when the test says so."""
    if request.param == "leases":
        request.getfixturevalue("leases")


@pytest.mark.usefixtures("way_of_holding")
@pytest.mark.parametrize("is_taken_away", [False, True], ids=["there", "taken away"])
def test_a_second_file_of_the_name_that_is_claimed_before_any_recovery_mixes_with_nothing(
    memory_path: Path, *, is_taken_away: bool
) -> None:
    scenario, points = SCENARIOS["checkpoints"], 0
    for point in itertools.count():
        place = Place(memory_path / str(point), scenario)
        if not place.crash(point):
            break
        taken = f"{place.folder}/underprocess/x.log"
        if os.path.exists(f"{place.folder}/unprocessed/x.log"):
            continue
        was_there = os.path.exists(taken)
        if is_taken_away:
            if not was_there or is_decided(place.folder):
                continue
            os.unlink(taken)
        points += 1
        place.put({"unprocessed/x.log": "second\n"})
        claim = Spool(place.plan.config).claim("x.log")
        assert claim is None or not was_there or is_taken_away, point
        if claim is not None:
            attempt.process_claim(claim, place.plan)
        place.recover()
        seen = look(place.folder)
        number = "" if is_taken_away else "~2"
        second = {f"x{number}.log": "second\n", f"x{number}.count": "1\n"}
        first = {} if is_taken_away else scenario.expected
        assert seen["results"] == {**first.get("results", {}), **second}, point
        assert seen["processed"] == {**first.get("processed", {}), f"x{number}.log": "second\n"}, point
        assert seen["failed"] == first.get("failed", {}), point
        assert seen["litter"] == [], point
    assert points > 10
