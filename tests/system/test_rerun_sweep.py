"""Power loss before any call of what a rerun needs: the run before, the retry, and the run that replaces."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.disk.disk import BEGUN
from fproc.spool.intake.requeue import put_back_all
from tests.support.helpers import plan_of
from tests.support.spool.crashes import inputs, look
from tests.support.spool.latecomers import KINDS, WITHOUT_JOURNAL, Place, break_at, breaking_disk, dies_at
from tests.unit.spool.job.test_reruns import LENIENT, STRICT

pytestmark = [pytest.mark.sweep, pytest.mark.usefixtures("names_of_the_model")]

TEXT = "a\nbad\n"
BEFORE = {"x.log": "a\n", "x.all": "a\n"}
AFTER = {"x.log": "A\nBAD\n", "x.all": "A\nBAD\n"}
INTAKE = {"ready": "rename"}


def drop(place: Place) -> None:
    place.path("unprocessed/x.log").write_text(TEXT)


def lose_lines(place: Place) -> None:
    """Process an input of which a line is set aside."""
    drop(place)
    place.turn()
    assert look(str(place.folder))["results"] == BEFORE


def relax(place: Place) -> None:
    """Go on with a pipeline that takes all lines."""
    place.plan = plan_of(LENIENT, watch_dir=str(place.folder), intake=INTAKE, durability="power")
    place.start()


def retry(place: Place) -> None:
    """Put the input back, if it does not wait already, and let the loop do it."""
    place.turn(100.0, turns=3)
    if look(str(place.folder))["results"] != AFTER:
        assert place.path("processed/x.log").exists()
        place.retry("x.log")


def check_replaced(place: Place, point: int) -> None:
    seen = look(str(place.folder))
    assert seen["results"] == AFTER, point
    assert (seen["processed"], seen["failed"], seen["litter"]) == ({"x.log": TEXT}, {}, []), point
    assert (seen["unprocessed"], seen["underprocess"]) == ({}, {}), point
    kept = [name for name in os.listdir(place.path(".fproc/published")) if not name.endswith(BEGUN)]
    assert kept == [], point


def sweep(memory_path: Path, how: str, prepare: Callable[[Place], Any], breaks: Callable[..., bool]) -> int:
    """Break before each call, and go on; gives how many calls there were."""
    for point in itertools.count():
        folder = memory_path / str(point)
        place = Place(folder, has_journal=how != WITHOUT_JOURNAL, nodes=STRICT, intake=INTAKE)
        prepare(place)
        came = breaks(place, how, point)
        assert inputs(str(folder)) == {TEXT: 1}, point
        place.start()
        place.turn(100.0, turns=3)
        relax(place)
        retry(place)
        check_replaced(place, point)
        if not came:
            return point
    raise AssertionError


@pytest.mark.parametrize("how", KINDS)
def test_what_was_published_is_known_through_any_crash_of_the_first_run(memory_path: Path, how: str) -> None:
    assert sweep(memory_path, how, drop, break_at) > 20


@pytest.mark.parametrize("how", KINDS)
def test_through_any_crash_of_a_retry_the_results_are_replaced(memory_path: Path, how: str) -> None:
    def prepare(place: Place) -> None:
        lose_lines(place)
        relax(place)

    def break_put_back(place: Place, how: str, point: int) -> bool:
        disk = breaking_disk(place, how, point)
        return dies_at(disk, lambda: put_back_all(place.plan.config, disk, ["x.log"]))

    assert sweep(memory_path, how, prepare, break_put_back) > 5


@pytest.mark.parametrize("how", KINDS)
def test_through_any_crash_of_the_run_the_results_are_replaced(memory_path: Path, how: str) -> None:
    def prepare(place: Place) -> None:
        lose_lines(place)
        relax(place)
        moved, refused = put_back_all(place.plan.config, place.disk(), ["x.log"])
        assert (moved, refused) == (["x.log"], {})

    assert sweep(memory_path, how, prepare, break_at) > 20
