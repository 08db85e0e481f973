"""The files that ended lately, in steps of time, and how long they took. The memory for it is fixed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from fproc.base.times import rfc3339
from fproc.base.values import dataclass
from fproc.pipeline.tracing.counts import NodeCounts

STEPS = 60
WINDOWS = (60, 900, 3600)
"""The windows in seconds; each has `STEPS` steps."""

PAST_WINDOWS = (86_400, 604_800, 2_592_000)
"""Longer ones, a day, a week and 30 days, which the history knows."""

SERIES_PERCENTILES = {"p50": 50, "p95": 95}
PERCENTILES = {**SERIES_PERCENTILES, "p99": 99, "max": 100}
"""Percentiles of processing times by name: in `/series` for each step, in `/stats` for a window."""

BINS_PER_DOUBLING = 8
"""How fine the bins are: a percentile is at most 2**(1/16), 4.5 %, away from the exact one."""

LEAST_SECONDS, MOST_SECONDS = 1e-6, 1e7
"""Times outside of these bounds count as the bounds; only the longest time is kept exactly."""


def bin_of(seconds: float) -> int:
    """Return the number of the bin that a time falls into."""
    return math.floor(math.log2(min(max(seconds, LEAST_SECONDS), MOST_SECONDS)) * BINS_PER_DOUBLING)


def _middle(number: int) -> float:
    return float(2.0 ** ((number + 0.5) / BINS_PER_DOUBLING))


@dataclass(frozen=True, slots=True)
class Ended:
    """A file that was processed or failed: when, in seconds since 1970, and its figures."""

    time: float
    seconds: float
    lines: int
    bytes: int
    has_failed: bool


@dataclass(frozen=True, slots=True)
class Binned:
    """Files that ended in one step of time, counted from its window's begin, and took about as long."""

    step: int
    bin: int
    files: int
    failed: int
    lines: int
    bytes: int
    longest_seconds: float


class Step:
    """What ended in one step of time, or in several together; `number` counts steps since 1970.

    `node_seconds` is the time that workers were seen at nodes meanwhile.
    """

    __slots__ = ("bins", "bytes", "failed", "files", "lines", "longest_seconds", "node_seconds", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.files = self.failed = self.lines = self.bytes = 0
        self.bins: Counter[int] = Counter()
        self.longest_seconds = 0.0
        self.node_seconds: dict[str, float] = {}

    def add(self, ended: Ended) -> None:
        """Count a file."""
        self.files += 1
        self.failed += ended.has_failed
        self.lines += ended.lines
        self.bytes += ended.bytes
        self.bins[bin_of(ended.seconds)] += 1
        if ended.seconds > self.longest_seconds:  # noqa: PLR1730 - a call of max() takes longer
            self.longest_seconds = ended.seconds

    def add_time(self, node: str, seconds: float) -> None:
        """Count time at a node."""
        self.node_seconds[node] = self.node_seconds.get(node, 0.0) + seconds

    def merge(self, other: Step) -> None:
        """Count all that another step has counted."""
        self.files += other.files
        self.failed += other.failed
        self.lines += other.lines
        self.bytes += other.bytes
        self.bins.update(other.bins)
        self.longest_seconds = max(self.longest_seconds, other.longest_seconds)
        for node, seconds in other.node_seconds.items():
            self.add_time(node, seconds)

    def add_binned(self, binned: Binned) -> None:
        """Count files that are alike."""
        self.files += binned.files
        self.failed += binned.failed
        self.lines += binned.lines
        self.bytes += binned.bytes
        self.bins[binned.bin] += binned.files
        self.longest_seconds = max(self.longest_seconds, binned.longest_seconds)

    def point(self, began_at: float) -> dict[str, Any]:
        """Return the step, which began then, as `/series` shows it; `files` includes the failed ones."""
        return {
            "timestamp": rfc3339(began_at),
            "files": self.files,
            "failed": self.failed,
            "lines": self.lines,
            "bytes": self.bytes,
            **{name: rounded(self.percentile(percent)) for name, percent in SERIES_PERCENTILES.items()},
        }

    def percentile(self, percent: int) -> float | None:
        """Return the time that `percent` of the files did not exceed; None if no file has ended."""
        rank = -(-percent * self.files // 100)
        if rank == self.files:
            return self.longest_seconds if self.files else None
        for number in sorted(self.bins):
            rank -= self.bins[number]
            if rank <= 0:
                return min(_middle(number), self.longest_seconds)
        raise AssertionError("the bins hold fewer files than were counted")


class NodeWindow:
    """What nodes did in the last `STEPS` steps, from their sums at the begin of each in which a file ended.

    Args:
        number: returns the number of the current step.
    """

    def __init__(self, number: Callable[[], int]) -> None:
        self._number = number
        self._first = number()
        self._begins: dict[int, dict[str, NodeCounts]] = {}

    def begin_step(self, sums: Callable[[], dict[str, NodeCounts]]) -> None:
        """Note the sums if they are the first of a step; called before a file is added to them."""
        number = self._number()
        if number not in self._begins:
            self._begins[number] = sums()
            for old in [step for step in self._begins if step <= number - STEPS]:
                del self._begins[old]

    def points(self, tag: str, sums: dict[str, NodeCounts]) -> list[dict[str, Any]]:
        """Return what a node did step by step, oldest first, from the sums now."""
        last, after = self._number(), sums.get(tag, NodeCounts())
        points = []
        for number in range(last, last - STEPS, -1):
            before = self._begins[number].get(tag, NodeCounts()) if number in self._begins else after
            points.append(node_point(after.since(before) if number >= self._first else None, None))
            after = before
        return points[::-1]


def node_point(counts: NodeCounts | None, sampled_seconds: float | None) -> dict[str, Any]:
    """Return what a node did in a step, and for how long it was seen, as `/series` shows it.

    None is not known.
    """
    if counts is None:
        return dict.fromkeys(("received", "emitted", "failed", "seconds_each", "sampled_seconds"))
    each = counts.seconds / counts.timed if counts.timed else None
    return {
        "received": counts.received,
        "emitted": counts.emitted,
        "failed": counts.failed,
        "seconds_each": None if each is None else round(max(each, 0.0), 9),
        "sampled_seconds": None if sampled_seconds is None else round(sampled_seconds, 3),
    }


class Window:
    """The last `STEPS` steps of a window.

    Args:
        window_seconds: one of `WINDOWS`.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970.

    Attributes:
        nodes: what nodes did in the same steps.
    """

    def __init__(
        self, window_seconds: int, monotonic: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self.window_seconds = window_seconds
        self.step_seconds = window_seconds // STEPS
        self._monotonic = monotonic
        self._clock = clock
        self._began = monotonic()
        self._offset_seconds = clock() - self._began
        self._steps = [Step(-1) for _ in range(STEPS)]
        self.nodes = NodeWindow(self._number)

    def add(self, ended: Ended) -> None:
        """Count a file that has ended now."""
        self._step(self._number()).add(ended)

    def add_time(self, node: str, seconds: float) -> None:
        """Count time at a node, up to now, in the steps that it has taken."""
        number, here_seconds = self._number(), self._in_step()
        for earlier in range(STEPS):
            self._step(number - earlier).add_time(node, min(seconds, here_seconds))
            seconds -= here_seconds
            if seconds <= 0:
                return
            here_seconds = float(self.step_seconds)

    def node_points(self, tag: str, sums: dict[str, NodeCounts]) -> list[dict[str, Any]]:
        """Return what a node did in each step as `/series` shows it, from the sums now."""
        points = self.nodes.points(tag, sums)
        for point, step in zip(points, self._lately(), strict=True):
            if point["received"] is not None:
                point["sampled_seconds"] = round(step.node_seconds.get(tag, 0.0), 3)
        return points

    def add_earlier(self, ended: Ended, seconds_ago: float) -> None:
        """Count a file that ended before fproc started; from then on, the window is complete."""
        self._began = min(self._began, self._monotonic() - self.window_seconds)
        number = self._number() - max(math.ceil((seconds_ago - self._in_step()) / self.step_seconds), 0)
        if number <= self._number() - STEPS:
            return
        self._step(number).add(ended)

    def _step(self, number: int) -> Step:
        """Return the step of this number, which replaces the one that is a window older."""
        step = self._steps[number % STEPS]
        if step.number != number:
            step = self._steps[number % STEPS] = Step(number)
        return step

    def whole(self) -> Step:
        """Return the sum of all steps."""
        whole = Step(self._number())
        for step in self._lately():
            whole.merge(step)
        return whole

    def lately(self) -> dict[str, int]:
        """Return how many files ended in the window, and how many of them failed, as `/stats` shows it."""
        steps = list(self._lately())
        files, failed = sum(step.files for step in steps), sum(step.failed for step in steps)
        return {"files": files, "failed": failed, "window_seconds": self.window_seconds}

    def span_seconds(self) -> float:
        """Return the time that the steps cover: the last one has only begun, and fproc may have, too."""
        covered_seconds = self.window_seconds - self.step_seconds + self._in_step()
        return max(min(covered_seconds, self._monotonic() - self._began), 0.001)

    def points(self) -> list[dict[str, Any]]:
        """Return the steps as `/series` shows them, oldest first; `files` includes the failed ones."""
        shift = round((self._clock() - self._monotonic() - self._offset_seconds) / self.step_seconds)
        return [step.point((step.number + shift) * self.step_seconds) for step in self._lately()]

    def _in_step(self) -> float:
        """Return how many seconds of the current step have passed."""
        return (self._monotonic() + self._offset_seconds) % self.step_seconds

    def _number(self) -> int:
        return int((self._monotonic() + self._offset_seconds) // self.step_seconds)

    def _lately(self) -> Iterator[Step]:
        """Yield the steps from the oldest to the current one; those in which no file ended are empty."""
        last = self._number()
        for number in range(last - STEPS + 1, last + 1):
            step = self._steps[number % STEPS]
            yield step if step.number == number else Step(number)


def rounded(seconds: float | None) -> float | None:
    """Return a time rounded to the microsecond, for display."""
    return None if seconds is None else round(seconds, 6)
