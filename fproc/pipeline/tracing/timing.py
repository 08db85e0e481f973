"""The time that nodes take, from a sample of lines: timing each line would take longer than most nodes do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from time import perf_counter

from fproc.pipeline.tracing.counts import NodeCounts

SAMPLE_LINES = 64
"""Lines that are timed one after the other."""

ONE_IN = 512
"""One line in this many is timed. Timing a line takes some three times as long as the line does."""


class Sampling:
    """The choice of lines to time, over all files of a process: its first ones, and some now and then."""

    def __init__(self) -> None:
        self._wait_lines = 0

    def is_due(self, lines: int) -> bool:
        """Return whether any of the next `lines` are to be timed."""
        return self._wait_lines < lines

    def take(self, lines: int) -> int:
        """Return how many of the next `lines` are to be timed."""
        self._wait_lines -= lines
        if self._wait_lines >= 0:
            return 0
        taken = min(lines, SAMPLE_LINES)
        self._wait_lines = taken * ONE_IN
        return taken


class Laps:
    """A clock that adds the time since the last lap to the node that has used it.

    The time that reading it takes is subtracted: many a node takes no longer.
    """

    def __init__(self, nodes: Mapping[str, NodeCounts], own_seconds: float = 0.0) -> None:
        self._nodes = nodes
        self._own_seconds = own_seconds
        self._last = 0.0
        self._received: dict[str, int] = {}

    def start(self) -> None:
        """Time from now on."""
        self._received = {name: at.received for name, at in self._nodes.items()}
        self._last = perf_counter()

    def lap(self, node: str) -> None:
        """Charge the time since the last lap to this node."""
        now = perf_counter()
        self._nodes[node].seconds += now - self._last - self._own_seconds
        self._last = now

    def stop(self) -> None:
        """Count what was received since the start as timed."""
        for name, at in self._nodes.items():
            at.timed += at.received - self._received[name]


@cache
def lap_seconds() -> float:
    """Return how long one lap takes by itself, on this host: the least of several means."""
    least = 1.0
    for _ in range(8):
        nothing = NodeCounts()
        laps = Laps({"": nothing})
        laps.start()
        for _ in range(50):
            laps.lap("")
        least = min(least, nothing.seconds / 50)
    return least
