"""What is recorded in the history is found again, whatever characters and numbers it has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from fproc.base.ids import new_id
from fproc.run.outcome import FileEvent
from tests.support.histories import NOW, Opener, asked_aside, event, jobs
from tests.support.programs.running import environment


def test_an_event_comes_back_as_it_was_recorded(opened: Opener) -> None:
    whole = FileEvent(
        job="0a1b",
        file="a.log",
        kind="failed",
        time=NOW + 0.25,
        attempt=3,
        seconds=1.5,
        lines_in=10,
        lines_out=8,
        bytes_in=2**40,
        rejected=2,
        results=("a.out", "b, c.out"),
        error="ValueError: bad date",
        node="parse",
        line_no=7,
        line="the line",
    )
    history = opened()
    history.record([whole, event()])
    assert [row.event for row in history.timeline("a.log")] == [whole, event()]


def test_what_is_recorded_survives_reopening(opened: Opener) -> None:
    history = opened()
    history.record([event()])
    totals = history.totals()
    history.close()
    again = opened()
    assert jobs(again) == ["j1"]
    assert again.totals() == totals


def test_at_first_there_is_nothing(opened: Opener, warnings: Callable[[], list[str]]) -> None:
    history = opened()
    history.record([])
    assert set(history.totals().values()) == {0}
    assert history.recent(limit=10) == history.timeline("a.log") == history.failures(["a.log"]) == []
    assert history.errors(10) == []
    assert history.last("processed") is None
    assert warnings() == []


def test_each_kind_adds_to_its_own_totals(opened: Opener) -> None:
    history = opened()
    kinds = ("processed", "processed", "failed", "retry", "recovered", "interrupted")
    history.record(
        [
            event(str(n), kind=kind, lines_in=10, lines_out=8, bytes_in=100, rejected=1)
            for n, kind in enumerate(kinds)
        ]
    )
    assert history.totals() == {
        "files_processed": 2,
        "files_failed": 1,
        "lines_in": 30,
        "lines_out": 24,
        "bytes_in": 300,
        "retries": 1,
        "recovered": 1,
        "lines_rejected": 3,
        "lines_skipped": 0,
    }


def test_an_event_that_is_recorded_twice_counts_once(opened: Opener) -> None:
    history = opened()
    history.record([event(lines_in=10)])
    history.record([event(lines_in=10), event("j2", lines_in=5), event("j2", lines_in=5)])
    assert jobs(history) == ["j2", "j1"]
    assert (history.totals()["files_processed"], history.totals()["lines_in"]) == (2, 15)


def test_another_kind_or_attempt_of_a_job_is_another_event(opened: Opener) -> None:
    history = opened()
    history.record([event(kind="retry"), event(kind="retry", attempt=2), event(attempt=2)])
    assert (history.totals()["retries"], history.totals()["files_processed"]) == (2, 1)


def test_names_that_are_not_utf_8_come_back(opened: Opener) -> None:
    name = os.fsdecode(b"caf\xe9 \xff.log")
    strange = event(file=name, results=(name, "ä.out"), error=f"{name}: bad", node=name)
    history = opened()
    history.record([strange, event("j2", file="caf.log")])
    assert [row.event for row in history.timeline(name)] == [strange]
    assert jobs(history, query="\udcff") == ["j1"]


def test_text_that_cannot_be_written_at_all_stops_nothing(
    opened: Opener, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event(error="\ud800"), event("j2", kind="\ud800")])
    assert jobs(history, kinds=["\ud800"]) == ["j2"]
    assert history.errors(1)[0].error == "\\ud800"
    assert warnings() == []


def test_numbers_that_do_not_fit_stop_nothing(opened: Opener, warnings: Callable[[], list[str]]) -> None:
    history = opened()
    history.record([event(bytes_in=2**70)])
    assert history.recent(limit=2**70) == history.recent(limit=1, after=2**70) == []
    history.record([event("j2")])
    assert jobs(history) == ["j2"]
    assert len(warnings()) == 1


def test_the_module_does_not_import_sqlite3_by_itself() -> None:
    code = "import sys, fproc.telemetry.history.history; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=environment(), check=False).returncode == 0


def test_after_closing_nothing_is_recorded_and_nothing_found(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event()])
    history.close()
    history.close()
    history.record([event("j2")])
    assert history.recent(limit=1) == []
    assert asked_aside(path, "SELECT count(*) FROM events") == 1
    assert warnings() == []


def test_lines_that_were_left_out_add_up_over_restarts(opened: Opener) -> None:
    history = opened()
    history.record([event("1", rejected=2, skipped=3), event("2", kind="failed", rejected=1)])
    history.record([event("3", kind="retry", rejected=7, skipped=7)])
    totals = history.totals()
    assert (totals["lines_rejected"], totals["lines_skipped"]) == (3, 3)
    assert [(row.event.rejected, row.event.skipped) for row in history.recent(limit=9)][::-1] == [
        (2, 3),
        (1, 0),
        (7, 7),
    ]


def test_two_inputs_with_one_id_are_noticed(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    history = opened()
    history.record([event("j", file="a.log"), event("j", file="a.log")])
    assert "the same id" not in caplog.text
    history.record([event("j", file="b\n.log"), event("k", file="c.log")])
    assert "the history has a.log for processed of b\\n.log, which has the same id j" in caplog.text
    assert [row.event.file for row in history.recent(limit=9)] == ["c.log", "a.log"]


def test_ids_are_long_enough_for_a_million_events() -> None:
    assert {len(new_id()) for _ in range(100)} == {16}
    assert len({new_id() for _ in range(200_000)}) == 200_000
