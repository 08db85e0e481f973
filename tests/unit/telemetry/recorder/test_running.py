"""What is known of files while they are worked on, and what alerts hear."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fproc.base.times import rfc3339
from fproc.base.values import replace
from fproc.config.model import AlertPolicy
from fproc.pipeline.tracing.trace import Trace
from fproc.run.attempt import WorkerDeath
from fproc.run.figures import Progress
from fproc.run.verdict import Verdict
from fproc.spool.job.job import RolledForward
from fproc.spool.locks.instance import Facts
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.notify.alerts import Alerts
from fproc.telemetry.recorder import (
    TELL_SECONDS,
    Recorder,
)
from fproc.telemetry.traces import Traces
from tests.support.books import BAD, DONE, FIGURES, NONE_LOST, Books, changed


def test_what_is_worked_on_now_is_known_with_how_long_it_has_been(books: Books) -> None:
    running = {"\udcff": Progress(5, 50, 412), "b": Progress()}
    books.turn(running=running)
    started = rfc3339(books.now)
    books.now += 2.5
    running["\udcff"] = Progress(9, 90, 412)
    counts = {"lines": 9, "bytes": 90, **NONE_LOST}
    first = {"file": "\udcff", "started": started, **counts, "worker": 412, "seconds": 2.5}
    assert books.recorder.current(running)[0] == first
    books.recorder.outcome(changed(DONE, file="\udcff"))
    assert [entry["file"] for entry in books.recorder.current({"b": Progress()})] == ["b"]
    assert books.recorder.current({}) == []


def test_a_file_that_was_begun_since_the_last_turn_is_known_and_keeps_its_start(books: Books) -> None:
    (first,) = books.recorder.current({"a": Progress()})
    books.now += 1
    books.turn(TELL_SECONDS, {"a": Progress(1)})
    (second,) = books.recorder.current({"a": Progress(2)})
    assert (first["started"], first["seconds"]) == (second["started"], 0.0)
    assert (second["seconds"], second["lines"]) == (1.0 + TELL_SECONDS, 2)


def test_threads_may_ask_what_is_worked_on_while_it_changes(books: Books) -> None:
    with ThreadPoolExecutor(2) as pool:
        some = {f"f{n}": Progress() for n in range(19)}
        looks = [pool.submit(books.recorder.current, some) for _ in range(200)]
        for number in range(200):
            books.turn(TELL_SECONDS, {f"f{n}": Progress() for n in range(number % 20)})
            books.recorder.outcome(changed(DONE, file=f"f{number % 20}"))
        assert all(len(look.result()) < 20 for look in looks)


def test_traces_are_known_while_a_file_is_worked_on_and_after() -> None:
    traces, seconds = Traces(), [0.0]
    recorder = Recorder(Metrics(), traces=traces, monotonic=lambda: seconds[0])
    one, two = (Trace(number, "a", [("start", "start", "a")], "written") for number in (1, 2))
    recorder.turn(lambda: {"x.log": Progress(1, 1, 1, (one,))}, Facts)
    assert traces.find(limit=9) == [("x.log", one)]
    recorder.outcome(changed(DONE, figures=replace(FIGURES, traces=(one, two))))
    assert traces.find(limit=9) == [("x.log", two), ("x.log", one)]
    seconds[0] += TELL_SECONDS
    recorder.turn(lambda: {"y.log": Progress(1, 1, 1, (one,))}, Facts)
    recorder.died("y.log", WorkerDeath("killed"))
    seconds[0] += TELL_SECONDS
    recorder.turn(dict, Facts)
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
    recorder = Recorder(Metrics(), alerts=called)
    for verdict in Verdict:
        recorder.outcome(changed(BAD, verdict=verdict))
    recorder.rolled_forward(RolledForward("old.log", succeeded=True, results=()))
    recorder.rolled_forward(RolledForward("older.log", succeeded=False, results=()))
    recorder.paused("the disk is full")
    recorder.resumed()
    recorder.arrived()
    recorder.turn(dict, Facts)
    recorder.close()
    assert called.calls == [
        ("failed", "x.log", "ValueError: bad", {"node": "book", "line_no": 812, "attempts": 3}),
        ("failed", "older.log", "as was decided before fproc crashed", {}),
        *(("paused", "the disk is full"), ("resumed",), ("arrived",), ("progress",)),
    ]
