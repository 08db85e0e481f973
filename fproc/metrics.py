"""What has happened since the start: counters that the loop adds to and the dashboard reads.

A reader gets a snapshot that is never changed afterwards. Figures that nobody measures are left out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fproc.job import Outcome
from fproc.lifecycle import Fate
from fproc.run import NodeFigures

WINDOW_SECONDS = 60.0
"""The time over which throughput is measured."""

REMEMBERED_SECONDS = 1000
"""How many of the last processing times the percentiles are taken from."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Figures at one moment, under the names that `/stats` gives them."""

    totals: dict[str, int]
    success_rate: float | None
    throughput: dict[str, float]
    processing_seconds: dict[str, float]
    nodes: dict[str, dict[str, float]]
    edges: list[dict[str, Any]]


class Metrics:
    """The counters. `monotonic` gives seconds on a clock that is never set."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._totals = dict.fromkeys(
            ("files_processed", "files_failed", "lines_in", "lines_out", "bytes_in", "retries", "recovered"),
            0,
        )
        self._began = monotonic()
        self._window: deque[tuple[float, int, int]] = deque()
        self._seconds: deque[float] = deque(maxlen=REMEMBERED_SECONDS)
        self._nodes: dict[str, _Node] = {}
        self._edges: Counter[tuple[str, str]] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count what became of a file. A run that is tried again counts only as a retry."""
        with self._lock:
            if outcome.fate is Fate.RETRY:
                self._totals["retries"] += 1
            if outcome.fate not in {Fate.COMMIT, Fate.FAIL}:
                return
            figures = outcome.figures
            self._totals["files_processed" if outcome.fate is Fate.COMMIT else "files_failed"] += 1
            self._totals["lines_in"] += figures.lines_in
            self._totals["lines_out"] += figures.lines_out
            self._totals["bytes_in"] += figures.bytes_in
            self._window.append((self._monotonic(), figures.lines_in, figures.bytes_in))
            self._seconds.append(outcome.seconds)
            for name, node in figures.nodes.items():
                self._nodes.setdefault(name, _Node()).add(node)
            self._edges.update(figures.edges)

    def add_recovered(self) -> None:
        """Count a file that was taken up after its owner had died."""
        with self._lock:
            self._totals["recovered"] += 1

    def add_settled(self, *, succeeded: bool) -> None:
        """Count a file whose decision an earlier owner had made."""
        with self._lock:
            self._totals["files_processed" if succeeded else "files_failed"] += 1

    def snapshot(self) -> Snapshot:
        """The figures now."""
        with self._lock:
            totals = dict(self._totals)
            ended = totals["files_processed"] + totals["files_failed"]
            return Snapshot(
                totals=totals,
                success_rate=totals["files_processed"] / ended if ended else None,
                throughput=self._throughput(),
                processing_seconds=_percentiles(sorted(self._seconds)),
                nodes={name: node.figures() for name, node in self._nodes.items()},
                edges=[
                    {"from": source, "to": target, "count": count}
                    for (source, target), count in self._edges.items()
                ],
            )

    def _throughput(self) -> dict[str, float]:
        now = self._monotonic()
        while self._window and self._window[0][0] < now - WINDOW_SECONDS:
            self._window.popleft()
        span_seconds = min(WINDOW_SECONDS, max(now - self._began, 0.001))
        return {
            "files_per_second": len(self._window) / span_seconds,
            "lines_per_second": sum(lines for _, lines, _ in self._window) / span_seconds,
            "bytes_per_second": sum(size_bytes for _, _, size_bytes in self._window) / span_seconds,
            "window_seconds": WINDOW_SECONDS,
        }


class _Node:
    """The sums of one node. Its time is reckoned from the records that were timed; it never goes back."""

    def __init__(self) -> None:
        self._count = self._emitted = self._errors = 0
        self._timed = 0
        self._timed_seconds = 0.0
        self._unreckoned = 0
        self._seconds = 0.0

    def add(self, figures: NodeFigures) -> None:
        """Add what happened in one run."""
        self._count += figures.count
        self._emitted += figures.emitted
        self._errors += figures.errors
        self._timed += figures.timed
        self._timed_seconds += figures.seconds
        self._unreckoned += figures.count
        if self._timed:
            self._seconds += self._unreckoned * max(self._timed_seconds / self._timed, 0.0)
            self._unreckoned = 0

    def figures(self) -> dict[str, float]:
        """Under the names that `/stats` gives them."""
        return {
            "count": self._count,
            "emitted": self._emitted,
            "errors": self._errors,
            "seconds": round(self._seconds, 6),
        }


def _percentiles(ordered: list[float]) -> dict[str, float]:
    """Percentiles by the nearest-rank method: the smallest value that so many percent do not exceed."""
    if not ordered:
        return {}
    named = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    return {name: ordered[max(0, -(-percent * len(ordered) // 100) - 1)] for name, percent in named.items()}
