"""Inputs that are written to after they were processed: noticed for an hour, said, and through any crash."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from fproc.spool.job.late import LONGEST_SECONDS, LOOKS, WATCH_SECONDS
from tests.support.helpers import plan_of
from tests.support.spool.crashes import inputs, look
from tests.support.spool.latecomers import KINDS, NODES, REASON, WITHOUT_JOURNAL, Place, break_at


@pytest.fixture
def place(memory_path: Path) -> Place:
    return Place(memory_path / "w")


def test_an_input_that_grows_after_it_was_processed_goes_to_failed_with_its_results_named(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.process("x.log")
    place.append("processed/x.log")
    place.turn()
    seen = look(str(place.folder))
    assert (seen["processed"], seen["litter"]) == ({}, [])
    assert seen["failed"]["x.log"] == "a\nb\n"
    assert seen["results"] == {"x.log": "a\n", "x.count": "1\n"}, "results stay"
    report = place.report("x.log")
    assert (report["reason"], report["results"]) == (REASON, ["x.log", "x.count"])
    assert (report["node"], report["line_no"], report["attempts"]) == (None, None, 1)
    assert caplog.text.count(f"x.log: {REASON}") == 1
    assert place.late() == f"x.log: {REASON}"
    assert place.metrics.snapshot().totals["files_failed"] == 1
    assert place.watched() == []


@pytest.mark.parametrize("ready", ["rename", "marker", "stable", "auto"])
def test_only_files_are_watched_that_nobody_can_tell_to_be_whole(
    memory_path: Path, ready: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(
        memory_path / "w", intake={"ready": ready, "settle_seconds": 0, "settle_unknown_seconds": 0}
    )
    place.path("unprocessed/x.log").write_text("a\n")
    place.path("unprocessed/x.log.done").touch()
    place.turn()
    assert place.path("processed/x.log").exists()
    assert ("x.log" in place.watched()) is (ready == "stable")
    if ready == "auto":
        monkeypatch.setattr("fproc.spool.readiness.evidence._ask_for_lease", lambda _descriptor: 13)  # EACCES
        place.path("unprocessed/y.log").write_text("a\n")
        place.turn(turns=4)
        assert place.watched() == ["y.log"]


@pytest.mark.parametrize("seconds", [1, 60, 600, WATCH_SECONDS - LONGEST_SECONDS - 10])
def test_a_writer_is_noticed_for_an_hour(place: Place, seconds: float) -> None:
    place.process("x.log")
    while place.now < seconds:
        place.turn(10.0, turns=1)
    assert place.watched() == ["x.log"]
    place.append("processed/x.log")
    place.turn(LONGEST_SECONDS)
    assert place.late()


def test_after_an_hour_it_is_over(place: Place) -> None:
    place.process("x.log")
    while place.now < WATCH_SECONDS + 2 * LONGEST_SECONDS:
        place.turn(LONGEST_SECONDS, turns=1)
    assert (place.watched(), place.path("processed/x.log").exists()) == ([], True)


@pytest.mark.parametrize("seconds", [1, WATCH_SECONDS * 24])
def test_after_a_restart_it_is_looked_at_once_however_long_that_is_ago(place: Place, seconds: float) -> None:
    place.process("x.log", "y.log")
    place.append("processed/x.log")
    place.now += seconds
    place.start()
    place.turn()
    assert place.late() == f"x.log: {REASON}"
    assert place.watched() == (["y.log"] if seconds == 1 else [])
    place.start()
    place.turn()
    assert place.late() == f"x.log: {REASON}", "health remembers it over a restart"


@pytest.mark.parametrize("days", [365, -365])
@pytest.mark.parametrize("when", ["before it is processed", "while it is watched", "before a restart"])
def test_a_clock_that_leaps_does_not_end_the_hour(place: Place, days: float, when: str) -> None:
    place.process("y.log")
    if when == "before it is processed":
        place.leap_seconds = days * 86400
    place.process("x.log")
    place.leap_seconds = days * 86400
    if when == "before a restart":
        place.start()
    while place.now < WATCH_SECONDS / 2:
        place.turn(LONGEST_SECONDS, turns=1)
    assert place.watched() == ["x.log", "y.log"]
    place.append("processed/x.log")
    place.turn(LONGEST_SECONDS)
    assert place.late() == f"x.log: {REASON}"
    while place.now < WATCH_SECONDS * 2:
        place.turn(LONGEST_SECONDS, turns=1)
    assert place.watched() == [], "but it is over at last"


@pytest.mark.parametrize("how", ["appended", "the same size", "shortened"])
def test_a_writer_that_sets_the_time_back_is_noticed(place: Place, how: str) -> None:
    place.process("x.log")
    place.turn()
    path = place.path("processed/x.log")
    before = path.stat()
    text = {"appended": "a\nb\n", "the same size": "b\n", "shortened": ""}[how]
    with path.open("r+") as file:
        file.truncate(0)
        file.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    place.turn(LONGEST_SECONDS)
    assert place.late()
    assert place.path("failed/x.log").read_text() == text


def test_another_mode_or_owner_or_link_is_no_writing(place: Place) -> None:
    place.process("x.log")
    place.turn()
    path = place.path("processed/x.log")
    path.chmod(0o640)
    place.turn(LONGEST_SECONDS)
    os.link(path, place.path("elsewhere"))
    place.turn(LONGEST_SECONDS)
    assert (place.late(), place.watched()) == ("", ["x.log"])


@pytest.mark.parametrize("then", ["removed", "another in its place", "a folder"])
def test_an_input_that_is_no_longer_there_is_forgotten(place: Place, then: str) -> None:
    place.process("x.log")
    path = place.path("processed/x.log")
    path.rename(place.path("elsewhere"))
    if then == "another in its place":
        path.write_text("other\n")
    if then == "a folder":
        path.mkdir()
    place.turn()
    assert (place.watched(), place.late(), os.listdir(place.path("failed"))) == ([], "", [])


@pytest.mark.parametrize("is_alone", [False, True], ids=["together", "alone"])
def test_a_later_file_of_the_same_name_is_not_taken_for_the_first(place: Place, *, is_alone: bool) -> None:
    place.process("x.log")
    place.path("processed/x.log").unlink()
    for result in place.path("results").glob("*x*"):
        result.unlink()
    place.spool.late._rest.until = place.now + 1000  # nobody has looked meanwhile
    place.plan = plan_of(NODES, watch_dir=str(place.folder), intake={"ready": "rename"})
    place.start()
    if is_alone:
        place.spool._groups = None
    place.spool.late._rest.until = place.now + 1000
    place.process("x.log")
    assert place.watched() == []


def test_a_second_file_of_a_name_is_watched_under_its_own(place: Place) -> None:
    place.process("x.log")
    place.path("unprocessed/x.log").write_text("second\n")
    place.turn()
    assert place.watched() == ["x.log", "x~2.log"]
    place.append("processed/x~2.log")
    place.turn()
    assert place.late() == f"x~2.log: {REASON.replace('x.', 'x~2.')}"
    assert place.path("failed/x~2.log").exists()
    assert place.path("processed/x.log").exists()


def test_a_name_that_is_taken_in_failed_gets_a_number(place: Place) -> None:
    place.process("x.log")
    place.path("failed/x.log").write_text("earlier\n")
    place.append("processed/x.log")
    place.turn()
    assert place.late() == f"x~2.log: {REASON}"
    assert place.report("x~2.log")["reason"] == REASON
    assert place.path("failed/x.log").read_text() == "earlier\n"


def test_health_names_it_until_it_is_retried_or_removed(place: Place) -> None:
    place.process("x.log")
    place.append("processed/x.log")
    place.turn()
    assert place.late()
    place.path("failed/x.log").unlink()
    place.turn()
    assert (place.late(), os.listdir(place.path(".fproc/incomplete"))) == ("", [])


def test_while_a_file_of_its_name_is_worked_on_it_waits(place: Place) -> None:
    place.process("x.log")
    place.path("unprocessed/x.log").write_text("second\n")
    claim = place.spool.claim("x.log")
    assert claim is not None
    place.append("processed/x.log")
    place.turn(5.0)
    assert (place.late(), place.watched()) == ("", ["x.log"])
    claim.leave()
    place.turn(5.0, turns=4)
    assert place.late() == f"x.log: {REASON}"


def test_a_record_that_is_garbage_is_dropped(place: Place) -> None:
    place.path(".fproc/late/x.log").write_text("no record")
    place.path(".fproc/incomplete/y.log").write_text("no record")
    place.path("failed/y.log").write_text("a\n")
    place.turn()
    assert (place.watched(), place.late()) == ([], "y.log: was written to after it was processed")


def test_many_are_looked_at_in_turns(place: Place) -> None:
    names = [f"{number:04}" for number in range(LOOKS + 50)]
    place.process(*names)
    for name in names:
        place.append(f"processed/{name}")
    place.turn(0.0, turns=1)
    first = len(os.listdir(place.path("failed"))) // 2
    assert 0 < first <= LOOKS
    place.turn(2.0, turns=4)
    assert len(os.listdir(place.path("failed"))) // 2 == len(names)


@pytest.mark.sweep
@pytest.mark.usefixtures("names_of_the_model")
@pytest.mark.parametrize("names", [("x.log",), ("x.log", "y.log")], ids=["alone", "together"])
@pytest.mark.parametrize("how", KINDS)
def test_through_any_crash_what_is_processed_is_watched_and_a_late_writer_noticed(
    memory_path: Path, names: tuple[str, ...], how: str
) -> None:
    """The writer writes once the file is in `processed/`, or has been processed by the next start."""
    for point in itertools.count():
        place = Place(memory_path / str(point), has_journal=how != WITHOUT_JOURNAL)
        for name in names:
            place.path(f"unprocessed/{name}").write_text("a\n")
        is_over = not break_at(place, how, point)
        for name in names:
            if place.path(f"processed/{name}").exists():
                place.append(f"processed/{name}")
        place.start()
        if len(names) == 1:
            place.spool._groups = None
        place.turn(100.0, turns=4)
        for name in names:
            if place.path(f"processed/{name}").exists():
                place.append(f"processed/{name}")
        place.turn(100.0, turns=4)
        seen = look(str(place.folder))
        assert (seen["processed"], seen["litter"]) == ({}, []), point
        assert {name: seen["failed"].get(name) for name in names} == dict.fromkeys(names, "a\nb\n"), point
        assert all(place.report(name)["reason"].startswith("was written") for name in names), point
        assert len(os.listdir(place.path("results"))) == 2 * len(names) + 1, point
        if is_over:
            break
    assert point > 20


@pytest.mark.sweep
@pytest.mark.usefixtures("names_of_the_model")
@pytest.mark.parametrize("how", KINDS)
def test_the_move_of_a_late_one_to_failed_survives_any_crash(memory_path: Path, how: str) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), has_journal=how != WITHOUT_JOURNAL)
        place.process("x.log")
        place.append("processed/x.log")
        with place.path("processed/x.log").open() as file:
            os.fsync(file.fileno())
        is_over = not break_at(place, how, point)
        assert inputs(str(place.folder)) == {"a\nb\n": 1}, point
        place.start()
        place.turn(100.0, turns=4)
        seen = look(str(place.folder))
        assert (seen["processed"], seen["litter"]) == ({}, []), point
        assert set(seen["failed"]) == {"x.log", "x.log.error.json"}, point
        assert (place.report("x.log")["reason"], place.late()) == (REASON, f"x.log: {REASON}"), point
        assert place.watched() == [], point
        place.retry("x.log")
        assert look(str(place.folder))["results"] == {"x.log": "a\nb\n", "x.count": "2\n"}, point
        if is_over:
            break
    assert point > 10
