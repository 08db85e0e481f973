"""Every place to lose power, one by one: before each call that changes the disk, and again in recovery."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fproc.spool.job.decision import appended_text
from fproc.spool.output.direct import DirectOutput
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import is_decided, look
from tests.support.spool.inline import watcher
from tests.support.spool.places import PLAIN, Place, sweep
from tests.support.spool.power import PowerDisk
from tests.support.spool.scenarios import SCENARIOS, TWO_RESULTS, Named, Scenario

pytestmark = pytest.mark.usefixtures("names_of_the_model")


@Named
@pytest.mark.parametrize(
    "lose_power",
    [
        Place.lose_power,
        Place.lose_power_but_for_the_newest_name,
        Place.lose_power_after_others_fsynced,
        pytest.param(Place.lose_power_after_others_fsynced_what_is_left, marks=pytest.mark.sweep),
    ],
)
@pytest.mark.sweep
def test_power_loss_before_any_call_changes_nothing_of_what_comes_out(
    memory_path: Path, scenario: Scenario, lose_power: Callable[[Place, int], bool]
) -> None:
    points = sweep(memory_path, scenario, lose_power)
    print(f"{points} points")
    assert points > 20


WITHOUT_JOURNAL = {name: scenario for name, scenario in SCENARIOS.items() if not scenario.has_journal}


@pytest.mark.parametrize("scenario", WITHOUT_JOURNAL.values(), ids=WITHOUT_JOURNAL.keys())
@pytest.mark.sweep
def test_power_loss_after_another_job_fsynced_underprocess_changes_nothing_without_a_journal(
    memory_path: Path, scenario: Scenario
) -> None:
    assert sweep(memory_path, scenario, Place.lose_power_after_others_fsynced_underprocess) > 20


@Named
@pytest.mark.parametrize(
    "stride",
    [
        pytest.param(9, marks=pytest.mark.sweep),
        pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_power_loss_after_a_crash_changes_nothing_either(
    memory_path: Path, scenario: Scenario, stride: int
) -> None:
    points = 0
    for first in itertools.count(0, stride):
        if not Place(memory_path / str(first), scenario).crash(first):
            break
        points += lose_power_after(first, memory_path, scenario, stride)
    print(f"{points} points")
    assert points * stride**2 > 100


@pytest.mark.parametrize(
    "name",
    [
        "a file that fails",
        *(
            pytest.param(name, marks=pytest.mark.sweep)
            for name in ("two results", "two results, alone", "lines that are set aside")
        ),
    ],
)
@pytest.mark.sweep
def test_power_loss_while_a_commit_record_is_rolled_forward_after_a_crash_changes_nothing(
    memory_path: Path, name: str
) -> None:
    points = 0
    for first in itertools.count():
        place = Place(memory_path / str(first), SCENARIOS[name])
        if not place.crash(first):
            break
        if is_decided(place.folder):
            points += lose_power_after(first, memory_path, place.scenario)
    print(f"{points} points")
    assert points > 100


@pytest.mark.parametrize("way_of_moving", ["leases"], indirect=True)
@pytest.mark.usefixtures("way_of_moving")
@pytest.mark.sweep
def test_power_loss_while_a_decided_job_is_taken_over_by_a_lease_changes_nothing(memory_path: Path) -> None:
    points, scenario = 0, SCENARIOS["two results"]
    for first in itertools.count(0, 3):
        place = Place(memory_path / str(first), scenario)
        if not place.crash(first):
            break
        if is_decided(place.folder):
            points += lose_power_after(first, memory_path, scenario)
    print(f"{points} points")
    assert points > 100


def lose_power_after(first: int, memory_path: Path, scenario: Scenario, stride: int = 1) -> int:
    """Die at call `first`, then lose power at calls of the next process; gives at how many."""
    for points in itertools.count():
        second = first % stride + points * stride
        place = Place(memory_path / f"{first}-{second}", scenario)
        came = place.die_then_lose_power([first, second])
        place.recover()
        place.check((first, second))
        if not came:
            return points
    raise AssertionError


def test_what_is_done_at_the_very_first_start_survives_power_loss(memory_path: Path) -> None:
    folder = memory_path / "new" / "watch"
    plan = plan_of(TWO_RESULTS, watch_dir=str(folder), **PLAIN)
    disk = PowerDisk(10**9, str(memory_path))
    spool = Spool(plan.config, disk=disk)
    with (folder / "unprocessed" / "x.log").open("w") as file:
        file.write("a\n")
        disk.sync(file.fileno())
    disk.sync_folder(str(folder / "unprocessed"))
    watcher(spool, plan).turn()
    disk.lose_power()
    watcher(Spool(plan.config), plan).turn()
    seen = look(str(folder))
    assert seen["processed"].keys() == {"x.log"}
    assert seen["results"] == {"x.log": "a\n", "x.count": "1\n"}
    assert seen["litter"] == []
    assert len(os.listdir(folder / "results" / ".stage")) == 1, "the spool has forgotten its own name"


def test_a_result_that_was_published_beside_the_spool_survives_power_loss(memory_path: Path) -> None:
    disk = PowerDisk(10**9, str(memory_path))
    output = DirectOutput(disk, str(memory_path), rename={}, read_text=appended_text)
    output.staging.write("result", "line")
    output.staging.flush()
    output.publish([], set())
    disk.lose_power()
    assert (memory_path / "result").read_text() == "line\n"
