"""Inputs that were written to late run again, and what comes out takes the place of what was incomplete."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.disk.disk import Disk
from fproc.spool.intake.requeue import put_back_all
from tests.support.helpers import plan_of, user
from tests.support.spool.crashes import inputs, look
from tests.support.spool.latecomers import (
    KINDS,
    NODES,
    STABLE,
    WITHOUT_JOURNAL,
    Place,
    break_at,
    breaking_disk,
    dies_at,
)

WHOLE = {"x.log": "a\nb\n", "x.count": "2\n"}
FAILING: list[dict[str, Any]] = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]


@pytest.fixture
def place(memory_path: Path) -> Place:
    return Place(memory_path / "w")


def make_late(place: Place, name: str = "x.log", text: str = "b\n") -> None:
    """Write to an input that was processed, until that is noticed."""
    with place.path(f"processed/{name}").open("a") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    place.turn()
    assert place.path(f"failed/{name}").exists()


def use(place: Place, nodes: list[dict[str, Any]]) -> None:
    """Go on with another pipeline."""
    place.plan = plan_of(nodes, watch_dir=str(place.folder), intake=STABLE, retry={"max_attempts": 1})
    place.start()


def check_replaced(place: Place, point: int = 0) -> None:
    seen = look(str(place.folder))
    assert seen["results"] == WHOLE, point
    assert (seen["processed"], seen["failed"], seen["litter"]) == ({"x.log": "a\nb\n"}, {}, []), point
    assert (seen["unprocessed"], seen["underprocess"], place.late()) == ({}, {}, ""), point
    assert os.listdir(place.path(".fproc/published")) == [], point


def test_a_retry_replaces_the_incomplete_results(place: Place) -> None:
    place.process("x.log")
    make_late(place)
    place.retry("x.log")
    check_replaced(place)
    assert place.watched() == ["x.log"], "it may still be written to"


def test_an_input_that_is_late_again_is_replaced_again(place: Place) -> None:
    place.process("x.log")
    make_late(place)
    place.retry("x.log")
    make_late(place, text="c\n")
    place.retry("x.log")
    seen = look(str(place.folder))
    assert seen["results"] == {"x.log": "a\nb\nc\n", "x.count": "3\n"}
    assert os.listdir(place.path(".fproc/published")) == []


def test_the_second_file_of_a_name_replaces_its_own_results(place: Place) -> None:
    place.process("x.log")
    place.process("x.log")
    make_late(place, "x~2.log")
    place.retry("x~2.log")
    seen = look(str(place.folder))
    assert seen["results"] == {"x.log": "a\n", "x.count": "1\n", "x~2.log": "a\nb\n", "x~2.count": "2\n"}
    assert seen["processed"] == {"x.log": "a\n", "x~2.log": "a\nb\n"}


def test_a_later_file_of_the_name_keeps_its_results(place: Place) -> None:
    place.process("x.log")
    make_late(place)
    place.process("x.log", archived="x~2.log")
    assert look(str(place.folder))["results"]["x~2.log"] == "a\n"
    place.retry("x.log")
    seen = look(str(place.folder))
    assert seen["results"] == {**WHOLE, "x~2.log": "a\n", "x~2.count": "1\n"}


def test_a_result_that_someone_has_put_in_the_place_is_left_alone(place: Place) -> None:
    place.process("x.log")
    make_late(place)
    place.path("results/x.log").unlink()
    place.path("results/x.log").write_text("somebody's")
    place.retry("x.log")
    seen = look(str(place.folder))
    assert seen["results"] == {"x.log": "somebody's", "x~2.log": "a\nb\n", "x.count": "2\n"}


def test_a_run_that_fails_replaces_nothing_and_its_retry_replaces_still(place: Place) -> None:
    place.process("x.log")
    make_late(place, text="bad\n")
    use(place, FAILING)
    place.retry("x.log")
    assert sorted(os.listdir(place.path("failed"))) == ["x.log", "x.log.error.json"]
    assert look(str(place.folder))["results"] == {"x.log": "a\n", "x.count": "1\n"}
    use(place, NODES)
    place.process("x.log", archived="x~2.log")
    place.retry("x.log")
    assert look(str(place.folder))["results"] == {
        "x.log": "a\nbad\n",
        "x.count": "2\n",
        "x~2.log": "a\n",
        "x~2.count": "1\n",
    }
    assert os.listdir(place.path(".fproc/published")) == []


def test_while_another_of_its_name_waits_to_be_run_again_a_late_one_waits(place: Place) -> None:
    place.process("x.log")
    place.process("x.log")
    make_late(place, "x~2.log")
    put_back_all(place.plan.config, Disk(power=False), ["x~2.log"])
    place.append("processed/x.log")
    place.now += 10.0
    assert place.spool.late.look() == []
    place.turn(10.0, turns=4)
    seen = look(str(place.folder))
    assert (seen["results"]["x~2.log"], list(seen["processed"])) == ("a\nb\n", ["x~2.log"])
    assert seen["failed"]["x.log"] == "a\nb\n"
    place.retry("x.log")
    assert look(str(place.folder))["results"] == {**WHOLE, "x~2.log": "a\nb\n", "x~2.count": "2\n"}


def break_put_back(place: Place, how: str, point: int) -> bool:
    """Put an input back until call number `point`, and crash there, or lose power; whether that came."""
    disk = breaking_disk(place, how, point)
    return dies_at(disk, lambda: put_back_all(place.plan.config, disk, ["x.log"]))


@pytest.mark.sweep
@pytest.mark.usefixtures("names_of_the_model")
@pytest.mark.parametrize("how", KINDS)
def test_through_any_crash_of_a_retry_the_results_are_replaced(memory_path: Path, how: str) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), has_journal=how != WITHOUT_JOURNAL)
        place.process("x.log")
        make_late(place)
        is_over = not break_put_back(place, how, point)
        assert inputs(str(place.folder)) == {"a\nb\n": 1}, point
        place.start()
        if not place.path("unprocessed/x.log").exists():
            place.turn()
            place.retry("x.log")
        place.turn(turns=4)
        for name in ("x.log", "x.log.error.json"):  # after a loss of power, a second name of the same file
            place.path(f"failed/{name}").unlink(missing_ok=True)
        place.turn()
        check_replaced(place, point)
        if is_over:
            break
    assert point > 5


@pytest.mark.sweep
@pytest.mark.usefixtures("names_of_the_model")
@pytest.mark.parametrize("how", KINDS)
def test_through_any_crash_of_the_run_the_results_are_replaced(memory_path: Path, how: str) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), has_journal=how != WITHOUT_JOURNAL)
        place.process("x.log")
        make_late(place)
        put_back_all(place.plan.config, place.disk(), ["x.log"])
        is_over = not break_at(place, how, point)
        assert inputs(str(place.folder)) == {"a\nb\n": 1}, point
        place.start()
        place.turn(100.0, turns=4)
        if "power" in how:  # what nobody needs may come back
            for name in os.listdir(place.path(".fproc/published")):
                place.path(f".fproc/published/{name}").unlink()
        check_replaced(place, point)
        if is_over:
            break
    assert point > 20


def test_a_late_writer_s_report_names_what_was_appended_and_its_retry_does_not_append_again(
    tmp_path: Path,
) -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "trim", "next": "all"},
        {"tag": "all", "type": "write", "config": {"file": "all.log", "append": True}},
    ]
    place = Place(tmp_path / "w", nodes=nodes)
    place.process("x.log")
    make_late(place)
    assert "its results are incomplete: all.log (appended, 2 bytes)" in place.report("x.log")["reason"]
    place.retry("x.log")
    assert look(str(place.folder))["results"] == {"all.log": "a\n"}
