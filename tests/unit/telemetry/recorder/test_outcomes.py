"""What each thing that happens to a file becomes in figures and events."""

from __future__ import annotations

import pytest

from fproc.base.values import replace
from fproc.pipeline.failures import LineFailure
from fproc.run.attempt import WorkerDeath
from fproc.run.figures import Progress
from fproc.run.outcome import KINDS, FileEvent
from fproc.run.verdict import Verdict
from fproc.spool.job.job import RolledForward
from fproc.telemetry.recorder import (
    FLUSH_LINE_ERRORS,
    FLUSH_SECONDS,
)
from tests.support.books import BAD, DONE, FIGURES, Books, changed
from tests.support.helpers import line_failure


def test_a_processed_file_is_recorded_with_all_its_figures(books: Books) -> None:
    books.recorder.outcome(DONE)
    books.turn()
    assert books.kept.events == [
        FileEvent("j1", "x.log", "processed", books.now, 2, 1.5, 10, 8, 100, 2, ("x.log", "b.csv"))
    ]
    assert books.totals() == {
        "files_processed": 1,
        "lines_in": 10,
        "lines_out": 8,
        "bytes_in": 100,
        "lines_rejected": 2,
    }


def test_a_failed_file_is_recorded_with_why_and_where(books: Books) -> None:
    books.recorder.outcome(BAD)
    books.turn()
    [event] = books.kept.events
    assert (event.kind, event.attempt, event.job) == ("failed", 3, "j2")
    assert (event.error, event.node, event.line_no) == ("ValueError: bad", "book", 812)
    assert books.totals() == {
        "files_failed": 1,
        "lines_in": 10,
        "lines_out": 8,
        "bytes_in": 100,
        "lines_rejected": 2,
    }


@pytest.mark.parametrize(
    ("verdict", "kind", "totals"),
    [
        (Verdict.RETRY, "retry", {"retries": 1}),
        (Verdict.STOP, "stopped", {}),
        (Verdict.CHANGED, None, {}),
        (Verdict.WAIT, None, {}),
        (Verdict.PAUSE, None, {}),
        (Verdict.LOST, None, {}),
    ],
)
def test_what_does_not_end_a_file_counts_for_no_figure_but_retries(
    books: Books, verdict: Verdict, kind: str | None, totals: dict[str, int]
) -> None:
    books.recorder.outcome(changed(BAD, verdict=verdict))
    books.turn()
    assert [event.kind for event in books.kept.events] == ([kind] if kind else [])
    assert books.totals() == totals


def test_every_fate_is_thought_of() -> None:
    assert {*KINDS, Verdict.CHANGED, Verdict.WAIT, Verdict.PAUSE, Verdict.LOST} == set(Verdict)


@pytest.mark.parametrize("succeeded", [True, False])
def test_what_an_earlier_owner_had_decided_is_recorded_under_that_owner_s_claim(
    books: Books, *, succeeded: bool
) -> None:
    books.recorder.rolled_forward(RolledForward("x.log", succeeded, ("r",), job="theirs"))
    books.turn()
    kind = "processed" if succeeded else "failed"
    assert books.kept.events == [FileEvent("theirs", "x.log", kind, books.now, results=("r",))]
    assert books.totals() == {f"files_{kind}": 1}


def test_recoveries_and_deaths_are_recorded(books: Books) -> None:
    books.recorder.recovered("x.log")
    death = WorkerDeath("the worker was killed by SIGSEGV", node="start", line_no=3)
    books.recorder.died("y.log", death)
    books.turn()
    recovered, died = books.kept.events
    assert (recovered.file, recovered.kind, recovered.error) == ("x.log", "recovered", "")
    assert (died.file, died.kind, died.error) == ("y.log", "died", "the worker was killed by SIGSEGV")
    assert books.totals() == {"recovered": 1}


def test_a_file_that_lost_lines_is_told_with_both_counts(books: Books) -> None:
    figures = replace(FIGURES, rejected=2, skipped=3)
    books.recorder.outcome(changed(DONE, figures=figures))
    books.recorder.close()
    [event] = books.kept.events
    assert (event.rejected, event.skipped) == (2, 3)
    totals = books.totals()
    assert (totals["lines_rejected"], totals["lines_skipped"]) == (2, 3)


def test_how_many_lines_a_running_file_has_lost_is_told(books: Books) -> None:
    books.turn(running={"a": Progress(9, 90, 412, rejected=4, skipped=1)})
    [current] = books.said()[0]["current"]
    assert (current["rejected"], current["skipped"]) == (4, 1)


def line_errors(count: int) -> tuple[LineFailure, ...]:
    return tuple(line_failure("rejected", "book", n, f"line {n}", "bad") for n in range(1, count + 1))


def test_the_line_that_failed_a_file_and_those_that_were_left_out_are_recorded(books: Books) -> None:
    left_out = line_errors(3)
    failed = line_failure("failed", "book", 812, "the line", "ValueError: bad")
    books.recorder.outcome(changed(BAD, figures=replace(FIGURES, line_errors=(*left_out, failed))))
    books.recorder.outcome(changed(DONE, figures=replace(FIGURES, line_errors=left_out)))
    books.recorder.outcome(DONE)
    books.turn()
    found = [(event.line, event.line_errors) for event in books.kept.events]
    assert found == [("the line", left_out), (None, left_out), (None, ())]


def test_a_file_that_was_left_at_a_checkpoint_tells_of_its_lines_in_the_end(books: Books) -> None:
    figures = replace(FIGURES, line_errors=line_errors(3))
    books.recorder.outcome(changed(DONE, verdict=Verdict.STOP, figures=figures))
    books.turn()
    assert [event.line_errors for event in books.kept.events] == [()]


def test_of_very_many_lines_at_once_the_first_of_each_file_are_recorded(books: Books) -> None:
    figures = replace(FIGURES, line_errors=line_errors(20))
    for number in range(100):
        books.recorder.outcome(changed(DONE, job=str(number), figures=figures))
    books.turn()
    counts = [len(event.line_errors) for event in books.kept.events]
    assert counts == [20] * (FLUSH_LINE_ERRORS // 20) + [1] * (100 - FLUSH_LINE_ERRORS // 20)
    books.recorder.outcome(changed(DONE, figures=figures))
    books.turn(FLUSH_SECONDS)
    assert len(books.kept.events[-1].line_errors) == 20
