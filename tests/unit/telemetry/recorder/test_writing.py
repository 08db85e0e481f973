"""When events are written to the history, and what its trouble costs."""

from __future__ import annotations

import logging
import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fproc.base.values import replace
from fproc.config.retention import Retention
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.process.mark import Whereabouts
from fproc.run.attempt import WorkerDeath
from fproc.run.outcome import KINDS
from fproc.run.verdict import Verdict
from fproc.spool.job.job import RolledForward
from fproc.telemetry.history.history import History
from fproc.telemetry.history.node_steps import STEP_SECONDS, NodeStep
from fproc.telemetry.recorder import (
    FLUSH_EVENTS,
    FLUSH_SECONDS,
    SAMPLE_SECONDS,
    Recorder,
)
from tests.support.books import BAD, DONE, FIGURES, Books, changed


def real(folder: Path, **options: Any) -> History:
    def refuse(path: str) -> str:
        raise OSError(13, "no", path)

    return History(
        str(folder / "history.db"), retention=Retention(history_days=None), set_aside=refuse, **options
    )


def test_a_real_history_finds_all_of_it_again_and_one_claim_s_end_counts_once(tmp_path: Path) -> None:
    history = real(tmp_path)
    books = Books(tmp_path, history)
    books.recorder.outcome(changed(DONE, file="\udcff"))
    books.recorder.rolled_forward(RolledForward("\udcff", succeeded=True, results=(), job="j0"))
    books.recorder.rolled_forward(RolledForward("\udcff", succeeded=True, results=(), job="j0"))
    books.recorder.outcome(BAD)
    books.turn()
    kinds = [(row.event.file, row.event.kind) for row in history.recent(limit=9)]
    assert kinds == [("x.log", "failed"), ("\udcff", "processed"), ("\udcff", "processed")]
    assert history.totals()["files_processed"] == 2
    books.recorder.close()


def test_what_nodes_did_is_written_once_with_the_events(tmp_path: Path) -> None:
    history = real(tmp_path)
    books = Books(tmp_path, history)
    figures = replace(FIGURES, nodes={"start": NodeCounts(10, 8, 2)})
    step = int(books.now // STEP_SECONDS)
    for number in range(3):
        books.recorder.outcome(changed(DONE, job=f"j{number}", figures=figures))
        books.turn(FLUSH_SECONDS)
    assert history.nodes.by_step("start", step, STEP_SECONDS) == {step: NodeStep(NodeCounts(30, 24, 6), 0.0)}
    books.recorder.close()


def sampled(history: History, step: int) -> dict[str, float | None]:
    found = {tag: history.nodes.by_step(tag, step, STEP_SECONDS).get(step) for tag in ("start", "end")}
    return {tag: one.sampled_seconds for tag, one in found.items() if one}


def at_node(tag: str) -> Whereabouts:
    return Whereabouts("", node=tag)


def test_the_time_at_nodes_is_written_from_time_to_time_as_it_has_grown(tmp_path: Path) -> None:
    history = real(tmp_path)
    books = Books(tmp_path, history)
    step = int(books.now // STEP_SECONDS)
    books.turn()
    books.metrics.add_time(at_node("start"), 2.0)
    books.metrics.add_time(Whereabouts("at its commit"), 9.0)
    books.turn(SAMPLE_SECONDS / 2)
    assert sampled(history, step) == {}
    books.turn(SAMPLE_SECONDS / 2)
    assert sampled(history, step) == {"start": 2.0}
    books.turn(SAMPLE_SECONDS)
    books.metrics.add_time(at_node("start"), 0.5)
    books.metrics.add_time(at_node("end"), 4.0)
    books.turn(SAMPLE_SECONDS)
    assert sampled(history, step) == {"start": 2.5, "end": 4.0}
    books.metrics.add_time(at_node("end"), 8.0)
    books.turn(STEP_SECONDS)
    assert sampled(history, step) == {"start": 2.5, "end": 4.0}
    assert sampled(history, step + 1) == {"end": 8.0}
    books.recorder.close()


def test_the_time_at_nodes_goes_on_after_a_restart_whose_counters_begin_anew(tmp_path: Path) -> None:
    for run in range(3):
        own_folder = tmp_path / f"run-{run}"
        own_folder.mkdir()
        books = Books(own_folder, real(tmp_path))
        books.metrics.add_time(at_node("start"), 3.0 - run)
        if run == 1:
            books.turn()
            books.metrics.add_time(at_node("start"), 0.5)
        books.recorder.close()
    history = real(tmp_path)
    assert sampled(history, int(books.now // STEP_SECONDS)) == {"start": 6.5}
    history.close()


def test_what_is_left_is_written_from_time_to_time_if_it_has_changed_after_the_events(tmp_path: Path) -> None:
    history = real(tmp_path)
    books = Books(tmp_path, history)
    begin = books.now
    steps = [(0, 0.0), (5, 4.0), (3, 20.0), (0, 0.0), (0, 0.0)]
    for number, (files, oldest_seconds) in enumerate(steps):
        if number == 1:
            books.recorder.outcome(DONE)
        books.recorder.left(files, partial(float, oldest_seconds))
        books.recorder.left(99, lambda: 99.0)  # too soon
        books.turn(SAMPLE_SECONDS)
    found = [history.arrivals.at(begin + number * SAMPLE_SECONDS) for number in range(5)]
    assert [(one.files, one.ended) for one in found if one] == [(0, 0), (5, 1), (3, 1), (0, 1), (0, 1)]
    assert found[3] == found[4]
    assert history.arrivals.longest_wait(begin) == 20.0
    books.recorder.close()
    Recorder(books.metrics).left(1, lambda: 1.0)


@pytest.mark.parametrize("kind", ["recovered", "died"])
def test_two_files_of_which_the_same_is_told_at_once_are_two_events(tmp_path: Path, kind: str) -> None:
    history = real(tmp_path)
    books = Books(tmp_path, history)
    for name in ("x", "y"):
        if kind == "recovered":
            books.recorder.recovered(name)
        else:
            books.recorder.died(name, WorkerDeath("killed"))
    books.turn()
    found = [row.event.file for row in history.recent(limit=9)]
    books.recorder.close()
    assert found == ["y", "x"]


def test_events_are_written_together_and_never_too_late(books: Books) -> None:
    books.turn()
    for number in range(3):
        books.recorder.outcome(changed(DONE, job=f"a{number}"))
    books.turn(FLUSH_SECONDS)
    books.recorder.outcome(changed(DONE, job="b"))
    books.turn(FLUSH_SECONDS / 2)
    assert [len(batch) for batch in books.kept.batches] == [3]
    books.turn(FLUSH_SECONDS / 2)
    books.turn(FLUSH_SECONDS)
    assert [len(batch) for batch in books.kept.batches] == [3, 1]


def test_many_events_do_not_wait(books: Books) -> None:
    books.recorder.outcome(DONE)
    books.turn()
    for number in range(FLUSH_EVENTS - 1):
        books.recorder.outcome(changed(DONE, job=f"a{number}"))
    books.turn()
    assert len(books.kept.events) == 1
    books.recorder.outcome(DONE)
    books.turn()
    assert [len(batch) for batch in books.kept.batches] == [1, FLUSH_EVENTS]


def test_the_end_writes_the_rest_and_closes_all(books: Books) -> None:
    books.turn()
    books.recorder.outcome(DONE)
    books.recorder.outcome(BAD)
    books.recorder.close()
    assert [event.job for event in books.kept.events] == ["j1", "j2"]
    assert books.kept.closed == 1
    assert books.said() == []


def test_the_end_of_one_that_never_turned_writes_too(books: Books) -> None:
    books.recorder.outcome(DONE)
    books.recorder.close()
    assert len(books.kept.events) == 1


def test_the_history_is_pruned_when_it_is_asked_for_and_never_by_a_turn(books: Books) -> None:
    books.turn()
    books.turn(1e6)
    assert books.kept.pruned == 0
    books.recorder.prune(lambda: False)
    assert books.kept.pruned == 1
    Recorder(books.metrics).prune(lambda: False)


def everything(books: Books) -> None:
    """Let everything happen that can."""
    for number, verdict in enumerate(Verdict):
        books.recorder.outcome(changed(DONE, verdict=verdict, job=f"j{number}"))
    books.recorder.recovered("x")
    books.recorder.rolled_forward(RolledForward("x", succeeded=False, results=()))
    books.recorder.died("x", WorkerDeath("killed"))
    for _ in range(3):
        books.turn(3600)


def test_without_history_and_instance_file_there_are_the_figures(books: Books) -> None:
    books.recorder = Recorder(books.metrics)
    everything(books)
    assert books.recorder._events == []
    books.recorder.close()
    assert books.totals()["files_processed"] == 1
    assert os.listdir(books.folders.within(".fproc")) == []


@pytest.mark.parametrize("trouble", ["no folder", "a folder in its place", "garbage", "a newer one"])
def test_a_history_in_trouble_says_so_once_and_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    path = tmp_path / "history.db"
    if trouble == "a folder in its place":
        path.mkdir()
    elif trouble == "garbage":
        path.write_bytes(b"this was never a database\n" * 1000)
    elif trouble == "a newer one":
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 99")
        database.close()
    with caplog.at_level(logging.WARNING):
        books = Books(tmp_path, real(tmp_path / "gone" if trouble == "no folder" else tmp_path))
        for _ in range(3):
            everything(books)
        assert len(books.said()) == 1
        books.recorder.close()
    assert len(caplog.records) == 1
    assert "history" in caplog.text
    assert books.totals()["files_processed"] == 3


@pytest.mark.parametrize("what", ["folder", "file"])
def test_an_instance_file_in_trouble_costs_nothing_else(books: Books, what: str) -> None:
    os.rmdir(books.folders.within(".fproc"))
    if what == "file":
        Path(books.folders.within(".fproc")).touch()
    everything(books)
    books.recorder.close()
    assert len(books.kept.events) == len(KINDS) + 3
