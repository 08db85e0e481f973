"""A recorder with a history that is kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fproc.pipeline.tracing.counts import NodeCounts
from fproc.run.figures import Figures, Progress
from fproc.run.outcome import FileEvent, Outcome, outcome_of
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.layout import Folders
from fproc.spool.locks.instance import Facts, InstanceFile, instances
from fproc.telemetry.history.history import History
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.recorder import (
    Recorder,
)

FIGURES = Figures(lines_in=10, lines_out=8, bytes_in=100, rejected=2)


NONE_LOST = {"rejected": 0, "skipped": 0}


DONE = outcome_of("x.log", Verdict.COMMIT, FIGURES, 1.5, job="j1", attempt=2, results=("x.log", "b.csv"))


BAD = outcome_of(
    "x.log",
    Verdict.FAIL,
    FIGURES,
    1.5,
    job="j2",
    attempt=3,
    error="ValueError: bad",
    node="book",
    line_no=812,
)


def changed(outcome: Outcome, **changes: Any) -> Outcome:
    """The same outcome but for what is named."""
    event = outcome.event
    of_event = ("file", "seconds", "job", "attempt", "results", "error", "node", "line_no")
    values: dict[str, Any] = {name: getattr(event, name) for name in of_event}
    values |= {"verdict": outcome.verdict, "figures": outcome.figures, **changes}
    return outcome_of(**values)


class KeptHistory(History):
    """A history in memory; it remembers batches, and how often it was pruned and closed."""

    def __init__(self) -> None:
        self.batches: list[list[FileEvent]] = []
        self.pruned = self.closed = 0
        self.upkeep: Any = None

    def record(
        self, events: Sequence[FileEvent], nodes: Mapping[str, NodeCounts] = MappingProxyType({})
    ) -> None:
        assert not self.closed
        self.batches.append(list(events))

    def prune(self, is_stopping: Callable[[], bool] = lambda: False) -> int:
        self.pruned += 1
        return 0

    def close(self) -> None:
        self.closed += 1

    @property
    def events(self) -> list[FileEvent]:
        return [event for batch in self.batches for event in batch]


class Books:
    """A recorder with all it can have, and the times."""

    def __init__(self, folder: Path, history: History | None = None) -> None:
        (folder / ".fproc").mkdir()
        self.folders = Folders(str(folder), str(folder / "results"))
        self.now = 2_000_000_000.0
        self.monotonic = 100.0
        self.metrics = Metrics(lambda: self.monotonic)
        self.kept = KeptHistory()
        self.history: History = history or self.kept
        self.recorder = Recorder(
            self.metrics,
            self.history,
            InstanceFile(self.folders, Disk(power=False)),
            clock=lambda: self.now,
            monotonic=lambda: self.monotonic,
        )

    def turn(self, seconds: float = 0.0, running: dict[str, Progress] | None = None, **health: Any) -> None:
        self.now += seconds
        self.monotonic += seconds
        self.recorder.turn(lambda: running or {}, lambda: Facts(**health))

    def said(self) -> list[dict[str, Any]]:
        return [dict(instance.state) for instance in instances(self.folders)]

    def totals(self) -> dict[str, int]:
        return {name: count for name, count in self.metrics.snapshot().totals.items() if count}
