"""Turns of the loop: what each finds, gives out and tells; the clocks are the test's own."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any, cast

import pytest

from fproc.run.outcome import Outcome
from fproc.spool.intake.backlog import entry_of
from fproc.spool.intake.scanner import Scan
from fproc.spool.locks.instance import Facts
from fproc.watch.queue import PAUSE_MAX_SECONDS
from fproc.watch.workers.messages import NotBegun, Report, Task, Why
from tests.support.spool.turns import Place, crash, in_trouble


def test_a_name_that_is_found_twice_is_done_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("x", "y", "z"):
        place.put(f"unprocessed/{name}")
    runs = [[entry_of(f"{number}", name) for number, name in enumerate("xyxzy")]]
    monkeypatch.setattr(place.spool, "look", lambda _scan: runs)
    place.turn()
    seen = place.look()
    assert (seen["processed"], seen["failed"]) == ({"x": "a\n", "y": "a\n", "z": "a\n"}, {})
    assert seen["results"] == seen["processed"]
    assert place.totals()["files_processed"] == 3


def test_a_turn_processes_all_that_is_ready_and_tells_what_it_saw(place: Place) -> None:
    for name, text in (("x", "a\n"), ("y", "bad\n"), ("z", "c\n")):
        place.put(f"unprocessed/{name}", text)
    place.turn()
    place.turn()
    assert place.watcher.failed == 1
    assert place.look()["results"] == {"x": "a\n", "z": "c\n"}
    totals = place.totals()
    assert (totals["files_processed"], totals["files_failed"], totals["lines_out"]) == (2, 1, 2)
    assert place.watcher.health() == Facts()


def test_nothing_is_begun_once_the_loop_was_told_to_stop(place: Place) -> None:
    place.put("unprocessed/x")
    place.put("underprocess/y")
    place.watcher.stop()
    place.watcher.watch()  # returns at once
    place.turn()
    assert (place.look()["results"], place.watcher.health()) == ({}, Facts(stopping=True))


def test_a_signal_stops_the_loop_and_the_earlier_handlers_come_back(place: Place) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    place.put("unprocessed/x")
    add = place.metrics.add

    def add_and_interrupt(outcome: Any) -> None:
        add(outcome)
        signal.raise_signal(signal.SIGTERM)

    place.metrics.add = add_and_interrupt  # type: ignore[method-assign]
    place.watcher.watch()
    assert place.look()["results"] == {"x": "a\n"}
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def given_out(place: Place, *, file_seconds: float, size: int = 1) -> list[int]:
    """How many files are given out together, one number for each time, if files take so long."""
    numbers: list[int] = []
    workers, reports = place.watcher._workers, place.watcher._reports
    record = reports.outcome
    cast(Any, workers).size = size
    submit = workers.submit

    def submit_and_count(*tasks: Task) -> None:
        numbers.append(len(tasks))
        submit(*tasks)

    def record_as_if(outcome: Outcome) -> None:
        record(outcome)
        reports.file_seconds = file_seconds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "submit", submit_and_count)
        patch.setattr(reports, "outcome", record_as_if)
        reports.file_seconds = file_seconds
        place.turn()
    return numbers


def test_quick_files_are_given_out_together_and_slow_ones_alone(place: Place) -> None:
    for number in range(100):
        place.put(f"unprocessed/{number:02}")
    assert given_out(place, file_seconds=0.0001) == [64, 36]
    for number in range(5):
        place.put(f"unprocessed/{number:02}")
    assert given_out(place, file_seconds=0.02) == [2, 2, 1]
    for number in range(3):
        place.put(f"unprocessed/{number:02}")
    assert given_out(place, file_seconds=1.0) == [1, 1, 1]
    assert len(place.look()["processed"]) == 108


def test_no_worker_is_given_more_than_its_share(place: Place) -> None:
    for number in range(12):
        place.put(f"unprocessed/{number:02}")
    assert given_out(place, file_seconds=0.0001, size=3) == [4, 3, 2, 1, 1, 1]


def test_large_files_are_given_out_alone(place: Place) -> None:
    for name in ("a", "b", "c"):
        place.put(f"unprocessed/{name}", "line\n" * (60_000 if name == "b" else 1))
    assert given_out(place, file_seconds=0.0001) == [1, 1, 1]
    assert len(place.look()["processed"]) == 3


def test_what_was_given_back_by_a_worker_that_died_is_taken_up(place: Place) -> None:
    crash(place, "x")
    place.watcher._reports.take(Report(Task("x", Why.NEW), NotBegun(has_died=True)))
    place.watcher._work()
    assert place.look()["results"] == {"x": "a\n"}
    assert place.totals()["recovered"] == 1


def test_each_look_that_finds_an_input_tells_of_it_but_for_those_that_nothing_can_be_done_with(
    place: Place, told: list[str]
) -> None:
    place.turn()
    assert told == []
    place.put("unprocessed/x")
    place.turn()
    assert told == ["arrived"]
    in_trouble(place, "bad")
    place.turn()
    assert told == ["arrived"] * 2
    for _ in range(3):
        place.turn(PAUSE_MAX_SECONDS)
    assert told == ["arrived"] * 2


@pytest.mark.parametrize(("others", "looks"), [([], 1), (["unmarked"], 2)])
def test_nothing_is_looked_for_after_the_last_file_if_the_kernel_tells_of_the_next(
    tmp_path: Path, others: list[str], looks: int
) -> None:
    place = Place(tmp_path / "w", intake={"ready": "marker", "poll_seconds": 3600.0})
    for name in ("x", "x.done", *others):
        place.put(f"unprocessed/{name}")
    turn, turns, rounds = place.watcher.turn, [], []

    def turn_and_count() -> Scan:
        turns.append(turn())
        return turns[-1]

    def stop_in_third_round() -> float:
        rounds.append(len(turns))
        if len(rounds) == 3:
            place.watcher.stop()
        return 0.0

    cast(Any, place.watcher).turn = turn_and_count
    cast(Any, place.watcher)._workers.look_seconds = stop_in_third_round
    place.watcher.watch()
    assert (place.look()["results"], len(turns)) == ({"x": "a\n"}, looks)
