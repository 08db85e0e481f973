"""The counters that the loop adds to and the dashboard reads.

A reader gets a snapshot that never changes afterwards. Figures that are not measured are left out.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from types import MappingProxyType
from typing import Any

from fproc.base.values import dataclass, replace
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.process.mark import WORDS, Doing, Whereabouts
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.telemetry.history.schema import TOTALS
from fproc.telemetry.rolling import PERCENTILES, WINDOWS, Ended, Step, Window, rounded

BOUNDS_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)
"""The upper bounds of the histogram of processing times, in seconds."""

OUTSIDE_NODES = {
    doing.name.lower(): WORDS.get(doing, "between nodes")
    for doing in Doing
    if doing is not Doing.FEEDING_PART
}
"""What workers may be seen at, apart from nodes, each with its words."""

_NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Histogram:
    """Processing times since the start: how many were within each of `BOUNDS_SECONDS`, and all of them."""

    counts: tuple[int, ...]
    count: int
    sum_seconds: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Figures at one moment, under their names in `/stats`.

    `totals` go on over restarts, `own_totals` are of this run alone. `lately` is of the longest window.
    `throughput` and `processing_seconds`
    are of the requested window, everything else since the start. `last_success` is when a file was last
    processed, in seconds since 1970, or None.
    """

    totals: dict[str, int]
    own_totals: dict[str, int]
    success_rate: float | None
    lately: dict[str, int]
    throughput: dict[str, float]
    processing_seconds: dict[str, float]
    histogram: Histogram
    last_success: float | None
    nodes: dict[str, dict[str, float]]
    edges: list[dict[str, Any]]
    outside_nodes: dict[str, float]


class Metrics:
    """The counters.

    Args:
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970.
        base: totals of earlier runs.
        last_success: when an earlier run last processed a file, in seconds since 1970, or None.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        clock: Callable[[], float] = time.time,
        base: Mapping[str, int] = _NOTHING,
        last_success: float | None = None,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._base = {name: base.get(name, 0) for name in TOTALS}
        self._totals = dict.fromkeys(TOTALS, 0)
        self._windows = {seconds: Window(seconds, monotonic, clock) for seconds in WINDOWS}
        self._buckets = [0] * (len(BOUNDS_SECONDS) + 1)
        self._sum_seconds = 0.0
        self._last_success = last_success
        self._nodes: dict[str, _Node] = {}
        self._edges: Counter[tuple[str, str]] = Counter()
        self._outside_nodes: dict[str, float] = {}

    def add(self, outcome: Outcome) -> None:
        """Count the outcome of a file. A run that is retried counts only as a retry."""
        with self._lock:
            if outcome.verdict is Verdict.RETRY:
                self._totals["retries"] += 1
            succeeded, has_failed = outcome.verdict is Verdict.COMMIT, outcome.verdict is Verdict.FAIL
            if not (succeeded or has_failed):
                return
            self._count_end(succeeded=succeeded)
            event = outcome.event
            self._totals["lines_in"] += event.lines_in
            self._totals["lines_out"] += event.lines_out
            self._totals["bytes_in"] += event.bytes_in
            self._totals["lines_rejected"] += event.rejected
            self._totals["lines_skipped"] += event.skipped
            ended = Ended(event.time, event.seconds, event.lines_in, event.bytes_in, has_failed)
            for window in self._windows.values():
                window.add(ended)
                window.nodes.begin_step(self._node_sums)
            self._buckets[bisect_left(BOUNDS_SECONDS, event.seconds)] += 1
            self._sum_seconds += event.seconds
            for name, counts in outcome.figures.nodes.items():
                self._node(name).add(counts)
            self._edges.update(outcome.figures.edges)

    def add_time(self, where: Whereabouts, seconds: float) -> None:
        """Count time that a worker has spent somewhere: at a node, or with something else."""
        with self._lock:
            if where.node is None:
                name = where.doing.name.lower()
                self._outside_nodes[name] = self._outside_nodes.get(name, 0.0) + seconds
                return
            self._node(where.node).sampled_seconds += seconds
            for window in self._windows.values():
                window.add_time(where.node, seconds)

    def add_recovered(self) -> None:
        """Count a file that was recovered after its owner had died."""
        with self._lock:
            self._totals["recovered"] += 1

    def add_rolled_forward(self, *, succeeded: bool) -> None:
        """Count a file that was finished from the commit record of an earlier owner."""
        with self._lock:
            self._count_end(succeeded=succeeded)

    def add_earlier(self, files: Iterable[Ended]) -> None:
        """Count files that ended before fproc started, in the windows."""
        now = self._clock()
        for ended in files:
            with self._lock:  # one by one, so that the work does not wait
                for window in self._windows.values():
                    window.add_earlier(ended, now - ended.time)

    def snapshot(self, window_seconds: int = WINDOWS[0]) -> Snapshot:
        """Return the figures now, with those of one of the `WINDOWS`.

        Raises:
            ValueError: there is no such window.
        """
        window = self._window(window_seconds)
        with self._lock:
            whole, span_seconds = window.whole(), window.span_seconds()
            totals = {name: self._base[name] + count for name, count in self._totals.items()}
            files = totals["files_processed"] + totals["files_failed"]
            *counts, count = accumulate(self._buckets)
            return Snapshot(
                totals=totals,
                own_totals=dict(self._totals),
                success_rate=totals["files_processed"] / files if files else None,
                lately=self._windows[WINDOWS[-1]].lately(),
                throughput={
                    "files_per_second": whole.files / span_seconds,
                    "lines_per_second": whole.lines / span_seconds,
                    "bytes_per_second": whole.bytes / span_seconds,
                    "window_seconds": window_seconds,
                },
                processing_seconds=_percentiles(whole),
                histogram=Histogram(tuple(counts), count, self._sum_seconds),
                last_success=self._last_success,
                nodes={
                    name: node.figures(whole.node_seconds.get(name, 0.0))
                    for name, node in self._nodes.items()
                },
                edges=[
                    {"from": source, "to": target, "count": count}
                    for (source, target), count in self._edges.items()
                ],
                outside_nodes={name: round(seconds, 3) for name, seconds in self._outside_nodes.items()},
            )

    def count_ended(self) -> int:
        """Return how many files have ended since the start."""
        with self._lock:
            return self._totals["files_processed"] + self._totals["files_failed"]

    def node_sums(self) -> dict[str, NodeCounts]:
        """Return what each node did since the start."""
        with self._lock:
            return self._node_sums()

    def sampled_sums(self) -> dict[str, float]:
        """Return for how long workers were seen at each node since the start, in seconds."""
        with self._lock:
            return {tag: node.sampled_seconds for tag, node in self._nodes.items()}

    def _node_sums(self) -> dict[str, NodeCounts]:
        return {tag: node.sums() for tag, node in self._nodes.items()}

    def series(self, window_seconds: int, node: str = "") -> dict[str, Any]:
        """Return one of the `WINDOWS` step by step, as `/series` shows it; with what a node did, if asked.

        Raises:
            ValueError: there is no such window.
        """
        window = self._window(window_seconds)
        with self._lock:
            points = window.points()
            of_node = window.node_points(node, self._node_sums()) if node else None
        series = {"window_seconds": window_seconds, "step_seconds": window.step_seconds, "points": points}
        return series if of_node is None else {**series, "node": {"tag": node, "points": of_node}}

    def _window(self, window_seconds: int) -> Window:
        if window_seconds not in self._windows:
            known = ", ".join(map(str, WINDOWS))
            raise ValueError(f"there is no window of {window_seconds} seconds; there are {known}")
        return self._windows[window_seconds]

    def _node(self, name: str) -> _Node:
        return self._nodes.get(name) or self._nodes.setdefault(name, _Node())

    def _count_end(self, *, succeeded: bool) -> None:
        self._totals["files_processed" if succeeded else "files_failed"] += 1
        if succeeded:
            self._last_success = self._clock()


class _Node:
    """The sums of one node. Its time is estimated from the records that were timed; it never decreases.

    `sampled_seconds` is the time that workers were seen at it.
    """

    def __init__(self) -> None:
        self.sampled_seconds = 0.0
        self._all = NodeCounts()
        self._not_estimated = 0
        self._seconds = 0.0

    def add(self, counts: NodeCounts) -> None:
        """Add the counts of one run."""
        whole = self._all
        whole.add(counts)
        self._not_estimated += counts.received
        if whole.timed:
            self._seconds += self._not_estimated * max(whole.seconds / whole.timed, 0.0)
            self._not_estimated = 0

    def sums(self) -> NodeCounts:
        """Return a copy of the sums."""
        return replace(self._all)

    def figures(self, in_window_seconds: float) -> dict[str, float]:
        """Return the sums under their names in `/stats`, with the time it was seen at in a window."""
        return {
            "count": self._all.received,
            "emitted": self._all.emitted,
            "errors": self._all.failed,
            "seconds": round(self._seconds, 6),
            "sampled_seconds": round(self.sampled_seconds, 3),
            "sampled_in_window_seconds": round(in_window_seconds, 3),
        }


def _percentiles(whole: Step) -> dict[str, float]:
    """Return percentiles by the nearest-rank method; none if no file has ended."""
    percentiles = {name: rounded(whole.percentile(percent)) for name, percent in PERCENTILES.items()}
    return {name: seconds for name, seconds in percentiles.items() if seconds is not None}
