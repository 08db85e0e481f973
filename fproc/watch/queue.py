"""The queue of work: which names are ready, which wait for their time, which are in trouble."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from fproc.base.values import dataclass
from fproc.watch.workers.messages import Task, Why

PAUSE_SECONDS = 1.0
PAUSE_MAX_SECONDS = 30.0
"""How long to wait in trouble before the next try; doubled each time that the trouble is still there."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A task for an input in `underprocess/`, and when (monotonic) it is due."""

    task: Task
    at: float


@dataclass(frozen=True, slots=True)
class _Troubled:
    """What is wrong with a name, until when (monotonic) it is skipped, and how often it was already."""

    trouble: str
    until: float
    times: int


class WorkQueue:
    """Tasks to be done, each name once.

    Args:
        monotonic: seconds on a clock that is never set, so no wait grows when the other clock is set.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ready: deque[str] = deque()
        self._large: Collection[str] = ()
        self._due: dict[str, _Due] = {}
        self._troubled: dict[str, _Troubled] = {}

    def set_ready(self, names: Collection[str], large: Collection[str] = ()) -> None:
        """Replace the names that are ready by these, in this order; those that are `large` are done alone."""
        self._ready = deque(names)
        self._large = large
        self._troubled = {
            name: state for name, state in self._troubled.items() if name in names or name in self._due
        }

    def forget_ready(self) -> None:
        """Forget the ready names of the last scan before the next one."""
        self._ready.clear()

    def add(self, task: Task, *, after_seconds: float = 0.0) -> None:
        """Queue a task for an input in `underprocess/`, due now or after a while."""
        self._due[task.name] = _Due(task, self._monotonic() + after_seconds)

    def set_aside(self, name: str, trouble: str) -> bool:
        """Skip a name for a while, longer each time; return whether it was not in trouble before."""
        earlier = self._troubled.get(name)
        times = earlier.times + 1 if earlier else 0
        self._troubled[name] = _Troubled(trouble, self._monotonic() + pause_seconds(times), times)
        return earlier is None

    def is_well(self, name: str) -> None:
        """Note that a name is out of trouble."""
        self._troubled.pop(name, None)

    def next(self, busy: Collection[str]) -> Task | None:
        """Take the next task that is due for a name that is not busy; return None if there is none."""
        now = self._monotonic()
        for name, due in self._due.items():
            if due.at <= now and name not in busy and not self._must_rest(name):
                del self._due[name]
                return due.task
        return self._next_new(busy)

    def next_small(self, busy: Collection[str]) -> Task | None:
        """Take the next new name, to join a group; return None if it is large, or there is none."""
        return None if self._ready and self._ready[0] in self._large else self._next_new(busy)

    def is_small(self, task: Task) -> bool:
        """Return whether a task may be done together with others."""
        return task.why is Why.NEW and task.name not in self._large

    def count_ready(self) -> int:
        """Return how many names are ready, at most."""
        return len(self._ready)

    def _next_new(self, busy: Collection[str]) -> Task | None:
        while self._ready:
            name = self._ready.popleft()
            if name not in busy and name not in self._due and not self._must_rest(name):
                return Task(name, Why.NEW)
        return None

    def known(self) -> Collection[str]:
        """Return the names in `underprocess/` that have a task."""
        return self._due.keys()

    def troubles(self) -> dict[str, str]:
        """Return what is wrong with each name in trouble; may be called from any thread."""
        return {name: state.trouble for name, state in list(self._troubled.items())}

    def _must_rest(self, name: str) -> bool:
        troubled = self._troubled.get(name)
        return troubled is not None and self._monotonic() < troubled.until


def pause_seconds(times: int) -> float:
    """Return how long to wait in trouble that was met `times` times before."""
    return min(PAUSE_MAX_SECONDS, PAUSE_SECONDS * 2.0 ** min(times, 10))
