"""A crash before any call, and someone who hands in files, takes names or edits the pipeline meanwhile."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.helpers import plan_of
from tests.support.spool.crashes import Crash, is_decided, look
from tests.support.spool.places import PLAIN, Place
from tests.support.spool.power import PowerDisk
from tests.support.spool.scenarios import SCENARIOS

pytestmark = pytest.mark.usefixtures("names_of_the_model")


@pytest.mark.parametrize("name", ["two results", "two results, alone"])
@pytest.mark.sweep
def test_a_file_that_is_handed_in_again_is_processed_again_whatever_was_left_of_it(
    memory_path: Path, name: str
) -> None:
    points = 0
    for first in itertools.count():
        if not Place(memory_path / str(first), SCENARIOS[name]).crash(first):
            break
        for second in itertools.count(first % 3, 3):
            place = Place(memory_path / f"{first}-{second}", SCENARIOS[name])
            place.crash(first)
            archived, again = (f"{place.folder}/{folder}/x.log" for folder in ("processed", "unprocessed"))
            if not os.path.exists(archived):
                break
            os.rename(archived, again)
            came = place.lose_power(second)
            place.recover()
            results = look(place.folder)["results"]
            assert sorted(results) == ["x.count", "x.log", "x~2.count", "x~2.log"], (first, second)
            if not came:
                break
            points += 1
    print(f"{points} points")
    assert points > 20


def test_a_file_that_is_handed_in_again_at_once_is_processed_again_after_power_loss(
    memory_path: Path,
) -> None:
    points = 0
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["two results"])
        disk = PowerDisk(10**9, place.folder)
        running = place.watcher(disk)
        running.turn()
        os.rename(f"{place.folder}/processed/x.log", f"{place.folder}/unprocessed/x.log")
        for folder in ("unprocessed", "processed"):
            disk.sync_folder(f"{place.folder}/{folder}")
        disk.calls_left = point
        try:
            running.turn()
            break
        except Crash:
            points += 1
        disk.lose_power()
        place.recover()
        seen = look(place.folder)
        assert sorted(seen["results"]) == ["x.count", "x.log", "x~2.count", "x~2.log"], point
        assert (seen["processed"], seen["litter"]) == ({"x~2.log": "a\nb\n"}, []), point
    assert points > 20


@pytest.mark.usefixtures("way_of_moving")
@pytest.mark.sweep
def test_a_file_that_takes_a_result_s_name_before_recovery_is_not_replaced(memory_path: Path) -> None:
    scenario = SCENARIOS["two results"]
    numbered = set()
    for first in itertools.count():
        if not Place(memory_path / str(first), scenario).crash(first):
            break
        for second in itertools.count(first % 3, 3):
            place = Place(memory_path / f"{first}-{second}", scenario)
            place.crash(first)
            own = look(place.folder)["results"]
            foreign = {name: "foreign" for name in ("x.log", "x.count") if name not in own}
            place.put({f"results/{name}": text for name, text in foreign.items()})
            came = place.crash(second)
            place.recover()
            results = look(place.folder)["results"]
            assert foreign.items() <= results.items(), (first, second)
            own = {name: text for name, text in results.items() if text != "foreign"}
            assert {name.replace("~2", ""): text for name, text in own.items()} == scenario.expected[
                "results"
            ]
            assert len(own) == 2, (first, second)
            numbered |= {name for name in results if "~2" in name}
            if not came:
                break
    assert numbered == {"x~2.log", "x~2.count"}


@pytest.mark.parametrize(
    "crash",
    [
        pytest.param(Place.crash, marks=pytest.mark.sweep),
        Place.lose_power,
        pytest.param(Place.lose_power_but_for_the_newest_name, marks=pytest.mark.sweep),
    ],
)
def test_a_second_file_of_the_name_that_comes_before_recovery_waits_its_turn(
    memory_path: Path, crash: Callable[[Place, int], bool]
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["two results"])
        if not crash(place, point):
            break
        is_first_taken = "x.log" not in look(place.folder)["unprocessed"]
        if is_first_taken:
            place.put({"unprocessed/x.log": "second\n"})
        place.recover()
        seen = look(place.folder)
        second = {"x~2.log": "second\n"} if is_first_taken else {}
        assert seen["processed"] == {"x.log": "a\nb\n", **second}, point
        counts = {"x~2.count": "1\n"} if is_first_taken else {}
        assert seen["results"] == {"x.log": "a\nb\n", "x.count": "2\n", **second, **counts}, point
        assert seen["litter"] == [], point


def test_a_pipeline_that_changed_over_a_crash_leaves_no_part_of_the_old_one(memory_path: Path) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), SCENARIOS["two results"])
        if not place.crash(point):
            break
        was_decided = look(place.folder)["results"] or is_decided(place.folder)
        place.plan = plan_of(
            [{"tag": "start", "type": "uppercase", "next": "end"}], **PLAIN, watch_dir=place.folder
        )
        place.recover()
        seen = look(place.folder)
        old = {"x.log": "a\nb\n", "x.count": "2\n"}
        assert seen["results"] == (old if was_decided else {"x.log": "A\nB\n"}), point
        assert seen["litter"] == [], point
