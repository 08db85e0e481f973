"""Samples of where workers spend their time: about once a second, each busy one is asked which node it is at.

    pool: SampleClock.is_due --> TimeSampler.ask   --- a signal -->   worker
                                 TimeSampler.take  <-- shared memory ---  the node, or what else it is doing

A node that waits uses no processor time, and may be given few lines: only its share of such samples shows it.
The moments are random, and a worker that was just heard of is left out: its place would be no random one.
"""

from __future__ import annotations

from collections.abc import Callable

from fproc.base.ids import fraction
from fproc.process.mark import CurrentTask, Whereabouts

SAMPLE_SECONDS = 1.0
"""The mean time between two samples of a worker, in seconds."""

MOST_UNSEEN_SECONDS = 10.0
"""The most seconds between two samples that count: beyond that, it was the parent that did not look."""

CountTime = Callable[[Whereabouts, float], None]
"""A call that counts seconds that a worker has spent somewhere."""


class SampleClock:
    """The random moments of samples.

    Args:
        monotonic: seconds on a clock that is never set.
        random: returns a number from 0 to below 1.
    """

    def __init__(self, monotonic: Callable[[], float], random: Callable[[], float] = fraction) -> None:
        self._monotonic = monotonic
        self._random = random
        self._due_at = monotonic()

    def is_due(self) -> bool:
        """Return whether samples are due now; if so, the next ones are due later."""
        now = self._monotonic()
        if now < self._due_at:
            return False
        self._due_at = now + 2 * SAMPLE_SECONDS * self._random()
        return True

    def left_seconds(self) -> float:
        """Return how long it is until the next samples are due."""
        return max(0.0, self._due_at - self._monotonic())


class TimeSampler:
    """The samples of one worker. Each counts for the time that the worker has worked since the one before.

    The helpers of a big file are taken to be at the node that their owner is at: they do the same.

    Args:
        count: it is called with each sample.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, count: CountTime, monotonic: Callable[[], float]) -> None:
        self._count = count
        self._monotonic = monotonic
        self._since: float | None = None
        self._worked_seconds = 0.0
        self._asked_seconds = 0.0

    def begin(self) -> None:
        """Measure from now on: the worker has something to do."""
        self._since = self._monotonic()

    def ask(self, send: Callable[[], None]) -> None:
        """Ask by this call; an answer also counts for the time of earlier calls that were not answered."""
        self._measure()
        self._asked_seconds += self._worked_seconds
        self._worked_seconds = 0.0
        send()

    def take(self, mark: CurrentTask) -> None:
        """Count the last answer, if it has come."""
        where = mark.answer() if self._asked_seconds else None
        if where is not None:
            self._add(where)

    def end(self, mark: CurrentTask) -> None:
        """Measure no longer: the worker has done what it had."""
        self.take(mark)
        self._measure()
        self._since = None

    def lose(self, mark: CurrentTask) -> None:
        """Count what has not been answered for as what is known: the worker is gone."""
        if self._asked_seconds:
            self._add(mark.answer() or mark.known())
        self._since = None
        self._worked_seconds = 0.0

    def _add(self, where: Whereabouts) -> None:
        self._count(where, self._asked_seconds * (1 if where.node is None else where.processes))
        self._asked_seconds = 0.0

    def _measure(self) -> None:
        now = self._monotonic()
        if self._since is not None:
            self._worked_seconds += min(now - self._since, MOST_UNSEEN_SECONDS)
            self._since = now
