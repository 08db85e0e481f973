"""The books of a running fproc: what each thing that happens becomes in figures, history and presence."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fproc.base.times import rfc3339
from fproc.base.values import replace
from fproc.config.model import AlertPolicy
from fproc.pipeline.failures import LineFailure
from fproc.pipeline.tracing.trace import Trace
from fproc.run.attempt import Outcome, WorkerDeath
from fproc.run.figures import Figures, Progress
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job.job import RolledForward
from fproc.spool.layout import Folders
from fproc.spool.locks.instance import Facts, InstanceFile, instances
from fproc.telemetry.events import Event
from fproc.telemetry.history import History
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.notify.alerts import Alerts
from fproc.telemetry.recorder import (
    FLUSH_EVENTS,
    FLUSH_LINE_ERRORS,
    FLUSH_SECONDS,
    KINDS,
    TELL_SECONDS,
    Recorder,
)
from fproc.telemetry.traces import Traces
from tests.support.helpers import line_failure

FIGURES = Figures(lines_in=10, lines_out=8, bytes_in=100, rejected=2)
WELL = Facts().to_json()
NONE_LOST = {"rejected": 0, "skipped": 0}
DONE = Outcome("x.log", Verdict.COMMIT, FIGURES, 1.5, job="j1", attempts=2, results=("x.log", "b.csv"))
BAD = Outcome("x.log", Verdict.FAIL, FIGURES, 1.5, "j2", 3, error="ValueError: bad", node="book", line_no=812)


class KeptHistory(History):
    """A history in memory; it remembers batches, and how often it was pruned and closed."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.pruned = self.closed = 0

    def record(self, events: Sequence[Event]) -> None:
        assert not self.closed
        self.batches.append(list(events))

    def prune(self, is_stopping: Callable[[], bool] = lambda: False) -> int:
        self.pruned += 1
        return 0

    def close(self) -> None:
        self.closed += 1

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]


class Books:
    """A journal with all it can have, and the times."""

    def __init__(self, folder: Path, history: History | None = None) -> None:
        (folder / ".fproc").mkdir()
        self.folders = Folders(str(folder), str(folder / "results"))
        self.now = 2_000_000_000.0
        self.monotonic = 100.0
        self.metrics = Metrics(lambda: self.monotonic)
        self.recorder = KeptHistory()
        self.history: History = history or self.recorder
        self.journal = Recorder(
            self.metrics,
            self.history,
            InstanceFile(self.folders, Disk(power=False)),
            clock=lambda: self.now,
            monotonic=lambda: self.monotonic,
        )

    def turn(self, seconds: float = 0.0, running: dict[str, Progress] | None = None, **health: Any) -> None:
        self.now += seconds
        self.monotonic += seconds
        self.journal.turn(lambda: running or {}, lambda: Facts(**health))

    def said(self) -> list[dict[str, Any]]:
        return [dict(instance.said) for instance in instances(self.folders)]

    def totals(self) -> dict[str, int]:
        return {name: count for name, count in self.metrics.snapshot().totals.items() if count}


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    books = Books(tmp_path)
    yield books
    books.journal.close()


def test_a_processed_file_is_recorded_with_all_its_figures(books: Books) -> None:
    books.journal.outcome(DONE)
    books.turn()
    assert books.recorder.events == [
        Event("j1", "x.log", "processed", books.now, 2, 1.5, 10, 8, 100, 2, ("x.log", "b.csv"))
    ]
    assert books.totals() == {
        "files_processed": 1,
        "lines_in": 10,
        "lines_out": 8,
        "bytes_in": 100,
        "lines_rejected": 2,
    }


def test_a_failed_file_is_recorded_with_why_and_where(books: Books) -> None:
    books.journal.outcome(BAD)
    books.turn()
    [event] = books.recorder.events
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
    ("fate", "kind", "totals"),
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
    books: Books, fate: Verdict, kind: str | None, totals: dict[str, int]
) -> None:
    books.journal.outcome(replace(BAD, fate=fate))
    books.turn()
    assert [event.kind for event in books.recorder.events] == ([kind] if kind else [])
    assert books.totals() == totals


def test_every_fate_is_thought_of() -> None:
    assert {*KINDS, Verdict.CHANGED, Verdict.WAIT, Verdict.PAUSE, Verdict.LOST} == set(Verdict)


@pytest.mark.parametrize("succeeded", [True, False])
def test_what_an_earlier_owner_had_decided_is_recorded_under_that_owner_s_claim(
    books: Books, *, succeeded: bool
) -> None:
    books.journal.settled(RolledForward("x.log", succeeded, ("r",), job="theirs"))
    books.turn()
    kind = "processed" if succeeded else "failed"
    assert books.recorder.events == [Event("theirs", "x.log", kind, books.now, results=("r",))]
    assert books.totals() == {f"files_{kind}": 1}


def test_recoveries_and_deaths_are_recorded(books: Books) -> None:
    books.journal.recovered("x.log")
    death = WorkerDeath("the worker was killed by SIGSEGV", node="start", line_no=3)
    books.journal.died("y.log", death)
    books.turn()
    recovered, died = books.recorder.events
    assert (recovered.file, recovered.kind, recovered.error) == ("x.log", "recovered", "")
    assert (died.file, died.kind, died.error) == ("y.log", "died", "the worker was killed by SIGSEGV")
    assert books.totals() == {"recovered": 1}


def real(folder: Path, **options: Any) -> History:
    def refuse(path: str) -> str:
        raise OSError(13, "no", path)

    return History(str(folder / "history.db"), history_days=None, set_aside=refuse, **options)


def test_a_real_history_finds_all_of_it_again_and_one_claim_s_end_counts_once(tmp_path: Path) -> None:
    history = real(tmp_path)
    books = Books(tmp_path, history)
    books.journal.outcome(replace(DONE, file="\udcff"))
    books.journal.settled(RolledForward("\udcff", succeeded=True, results=(), job="j0"))
    books.journal.settled(RolledForward("\udcff", succeeded=True, results=(), job="j0"))
    books.journal.outcome(BAD)
    books.turn()
    kinds = [(row.event.file, row.event.kind) for row in history.recent(limit=9)]
    assert kinds == [("x.log", "failed"), ("\udcff", "processed"), ("\udcff", "processed")]
    assert history.totals()["files_processed"] == 2
    books.journal.close()


@pytest.mark.parametrize("kind", ["recovered", "died"])
def test_two_files_of_which_the_same_is_told_at_once_are_two_events(tmp_path: Path, kind: str) -> None:
    history = real(tmp_path)
    books = Books(tmp_path, history)
    for name in ("x", "y"):
        if kind == "recovered":
            books.journal.recovered(name)
        else:
            books.journal.died(name, WorkerDeath("killed"))
    books.turn()
    found = [row.event.file for row in history.recent(limit=9)]
    books.journal.close()
    assert found == ["y", "x"]


def test_events_are_written_together_and_never_too_late(books: Books) -> None:
    books.turn()
    for number in range(3):
        books.journal.outcome(replace(DONE, job=f"a{number}"))
    books.turn(FLUSH_SECONDS)
    books.journal.outcome(replace(DONE, job="b"))
    books.turn(FLUSH_SECONDS / 2)
    assert [len(batch) for batch in books.recorder.batches] == [3]
    books.turn(FLUSH_SECONDS / 2)
    books.turn(FLUSH_SECONDS)
    assert [len(batch) for batch in books.recorder.batches] == [3, 1]


def test_many_events_do_not_wait(books: Books) -> None:
    books.journal.outcome(DONE)
    books.turn()
    for number in range(FLUSH_EVENTS - 1):
        books.journal.outcome(replace(DONE, job=f"a{number}"))
    books.turn()
    assert len(books.recorder.events) == 1
    books.journal.outcome(DONE)
    books.turn()
    assert [len(batch) for batch in books.recorder.batches] == [1, FLUSH_EVENTS]


def test_the_end_writes_the_rest_and_closes_all(books: Books) -> None:
    books.turn()
    books.journal.outcome(DONE)
    books.journal.outcome(BAD)
    books.journal.close()
    assert [event.job for event in books.recorder.events] == ["j1", "j2"]
    assert books.recorder.closed == 1
    assert books.said() == []


def test_the_end_of_one_that_never_turned_writes_too(books: Books) -> None:
    books.journal.outcome(DONE)
    books.journal.close()
    assert len(books.recorder.events) == 1


def test_the_history_is_pruned_when_it_is_asked_for_and_never_by_a_turn(books: Books) -> None:
    books.turn()
    books.turn(1e6)
    assert books.recorder.pruned == 0
    books.journal.prune(lambda: False)
    assert books.recorder.pruned == 1
    Recorder(books.metrics).prune(lambda: False)


def test_a_file_that_lost_lines_is_told_with_both_counts(books: Books) -> None:
    figures = replace(FIGURES, rejected=2, skipped=3)
    books.journal.outcome(replace(DONE, figures=figures))
    books.journal.close()
    [event] = books.recorder.events
    assert (event.rejected, event.skipped) == (2, 3)
    totals = books.totals()
    assert (totals["lines_rejected"], totals["lines_skipped"]) == (2, 3)


def test_how_many_lines_a_running_file_has_lost_is_told(books: Books) -> None:
    books.turn(running={"a": Progress(9, 90, 412, rejected=4, skipped=1)})
    [current] = books.said()[0]["current"]
    assert (current["rejected"], current["skipped"]) == (4, 1)


def test_how_things_stand_is_told_at_once_and_then_once_a_second(books: Books) -> None:
    started = rfc3339(books.now)
    books.turn()
    assert books.said() == [{"started": started, "current": [], "health": WELL}]
    books.turn(TELL_SECONDS / 2, paused="the disk is full")
    assert books.said()[0]["health"] == WELL
    books.turn(TELL_SECONDS / 2, paused="the disk is full", stopping=True)
    assert books.said() == [
        {
            "started": started,
            "current": [],
            "health": {**WELL, "paused": "the disk is full", "stopping": True},
        }
    ]
    books.journal.close()


def test_what_is_worked_on_is_told_with_its_own_start(books: Books) -> None:
    books.turn(running={"a\n": Progress(5, 50, 412)})
    first = {
        "file": "a\n",
        "started": rfc3339(books.now),
        "lines": 5,
        "bytes": 50,
        **NONE_LOST,
        "worker": 412,
    }
    assert books.said()[0]["current"] == [first]
    books.turn(3, {"a\n": Progress(9, 90, 412), "b": Progress()})
    second = {"file": "b", "started": rfc3339(books.now), "lines": 0, "bytes": 0, **NONE_LOST, "worker": None}
    assert books.said()[0]["current"] == [{**first, "lines": 9, "bytes": 90}, second]
    books.turn(3, {"b": Progress()})
    books.turn(3, {"a\n": Progress(1, 1, 413)})  # a second file of that name
    assert books.said()[0]["current"][0]["started"] == rfc3339(books.now)
    books.journal.close()


def everything(books: Books) -> None:
    """Let everything happen that can."""
    for number, fate in enumerate(Verdict):
        books.journal.outcome(replace(DONE, fate=fate, job=f"j{number}"))
    books.journal.recovered("x")
    books.journal.settled(RolledForward("x", succeeded=False, results=()))
    books.journal.died("x", WorkerDeath("killed"))
    for _ in range(3):
        books.turn(3600)


def test_without_history_and_presence_there_are_the_figures(books: Books) -> None:
    books.journal = Recorder(books.metrics)
    everything(books)
    assert books.journal._events == []
    books.journal.close()
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
        books.journal.close()
    assert len(caplog.records) == 1
    assert "history" in caplog.text
    assert books.totals()["files_processed"] == 3


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_presence_in_trouble_costs_nothing_else(books: Books, what: str) -> None:
    os.rmdir(books.folders.within(".fproc"))
    if what == "file":
        Path(books.folders.within(".fproc")).touch()
    everything(books)
    books.journal.close()
    assert len(books.recorder.events) == len(KINDS) + 3


def test_what_is_told_is_json_that_others_can_read(books: Books) -> None:
    books.turn(running={"\udcff\n": Progress()}, paused="\udcff")
    [name] = os.listdir(books.folders.instances)
    value = json.loads(Path(books.folders.instances, name).read_bytes())
    assert value["current"][0]["file"] == "\udcff\n"
    assert value["pid"] == os.getpid()


def line_errors(count: int) -> tuple[LineFailure, ...]:
    return tuple(line_failure("rejected", "book", n, f"line {n}", "bad") for n in range(1, count + 1))


def test_the_line_that_failed_a_file_and_those_that_were_left_out_are_recorded(books: Books) -> None:
    left_out = line_errors(3)
    failed = line_failure("failed", "book", 812, "the line", "ValueError: bad")
    books.journal.outcome(replace(BAD, figures=replace(FIGURES, line_errors=(*left_out, failed))))
    books.journal.outcome(replace(DONE, figures=replace(FIGURES, line_errors=left_out)))
    books.journal.outcome(DONE)
    books.turn()
    found = [(event.line, event.line_errors) for event in books.recorder.events]
    assert found == [("the line", left_out), (None, left_out), (None, ())]


def test_a_file_that_was_left_at_a_checkpoint_tells_of_its_lines_in_the_end(books: Books) -> None:
    figures = replace(FIGURES, line_errors=line_errors(3))
    books.journal.outcome(replace(DONE, fate=Verdict.STOP, figures=figures))
    books.turn()
    assert [event.line_errors for event in books.recorder.events] == [()]


def test_of_very_many_lines_at_once_the_first_of_each_file_are_recorded(books: Books) -> None:
    figures = replace(FIGURES, line_errors=line_errors(20))
    for number in range(100):
        books.journal.outcome(replace(DONE, job=str(number), figures=figures))
    books.turn()
    counts = [len(event.line_errors) for event in books.recorder.events]
    assert counts == [20] * (FLUSH_LINE_ERRORS // 20) + [1] * (100 - FLUSH_LINE_ERRORS // 20)
    books.journal.outcome(replace(DONE, figures=figures))
    books.turn(FLUSH_SECONDS)
    assert len(books.recorder.events[-1].line_errors) == 20


def test_what_is_worked_on_now_is_known_with_how_long_it_has_been(books: Books) -> None:
    running = {"\udcff": Progress(5, 50, 412), "b": Progress()}
    books.turn(running=running)
    started = rfc3339(books.now)
    books.now += 2.5
    running["\udcff"] = Progress(9, 90, 412)
    counts = {"lines": 9, "bytes": 90, **NONE_LOST}
    first = {"file": "\udcff", "started": started, **counts, "worker": 412, "seconds": 2.5}
    assert books.journal.current(running)[0] == first
    books.journal.outcome(replace(DONE, file="\udcff"))
    assert [entry["file"] for entry in books.journal.current({"b": Progress()})] == ["b"]
    assert books.journal.current({}) == []


def test_a_file_that_was_begun_since_the_last_turn_is_known_and_keeps_its_start(books: Books) -> None:
    (first,) = books.journal.current({"a": Progress()})
    books.now += 1
    books.turn(TELL_SECONDS, {"a": Progress(1)})
    (second,) = books.journal.current({"a": Progress(2)})
    assert (first["started"], first["seconds"]) == (second["started"], 0.0)
    assert (second["seconds"], second["lines"]) == (1.0 + TELL_SECONDS, 2)


def test_threads_may_ask_what_is_worked_on_while_it_changes(books: Books) -> None:
    with ThreadPoolExecutor(2) as pool:
        some = {f"f{n}": Progress() for n in range(19)}
        looks = [pool.submit(books.journal.current, some) for _ in range(200)]
        for number in range(200):
            books.turn(TELL_SECONDS, {f"f{n}": Progress() for n in range(number % 20)})
            books.journal.outcome(replace(DONE, file=f"f{number % 20}"))
        assert all(len(look.result()) < 20 for look in looks)


def test_traces_are_known_while_a_file_is_worked_on_and_after() -> None:
    traces, seconds = Traces(), [0.0]
    journal = Recorder(Metrics(), traces=traces, monotonic=lambda: seconds[0])
    one, two = (Trace(number, "a", [("start", "start", "a")], "written") for number in (1, 2))
    journal.turn(lambda: {"x.log": Progress(1, 1, 1, (one,))}, Facts)
    assert traces.find(limit=9) == [("x.log", one)]
    journal.outcome(replace(DONE, figures=replace(FIGURES, traces=(one, two))))
    assert traces.find(limit=9) == [("x.log", two), ("x.log", one)]
    seconds[0] += TELL_SECONDS
    journal.turn(lambda: {"y.log": Progress(1, 1, 1, (one,))}, Facts)
    journal.died("y.log", WorkerDeath("killed"))
    seconds[0] += TELL_SECONDS
    journal.turn(dict, Facts)
    assert traces.find(file="y.log", limit=9) == [("y.log", one)]


class Called(Alerts):
    """Alerts that remember what they were told, and tell nobody."""

    def __init__(self) -> None:
        super().__init__(AlertPolicy(), "")
        self.calls: list[tuple[Any, ...]] = []

    def failed(self, file: str, error: str, **details: Any) -> None:
        self.calls.append(("failed", file, error, details))

    def paused(self, reason: str) -> None:
        self.calls.append(("paused", reason))

    def resumed(self) -> None:
        self.calls.append(("resumed",))

    def arrived(self) -> None:
        self.calls.append(("arrived",))

    def progress(self) -> None:
        self.calls.append(("progress",))


def test_alerts_hear_of_failures_alone_and_of_what_the_loop_tells() -> None:
    called = Called()
    journal = Recorder(Metrics(), alerts=called)
    for fate in Verdict:
        journal.outcome(replace(BAD, fate=fate))
    journal.settled(RolledForward("old.log", succeeded=True, results=()))
    journal.settled(RolledForward("older.log", succeeded=False, results=()))
    journal.paused("the disk is full")
    journal.resumed()
    journal.arrived()
    journal.turn(dict, Facts)
    journal.close()
    assert called.calls == [
        ("failed", "x.log", "ValueError: bad", {"node": "book", "line_no": 812, "attempts": 3}),
        ("failed", "older.log", "as was decided before fproc crashed", {}),
        *(("paused", "the disk is full"), ("resumed",), ("arrived",), ("progress",)),
    ]
