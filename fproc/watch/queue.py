"""The queue of work: which names are ready, which wait for their time, which are in trouble."""

from __future__ import annotations

from collections.abc import Callable, Collection, KeysView

from fproc.base.values import dataclass
from fproc.spool.intake.backlog import Backlog, RunOfNames, name_in
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

    What is ready comes with each look at the folder (`begin_look`, `found`, `end_look`), and replaces what
    the look before it has found. Until the look has ended, the names of the one before are given out; or,
    once `give_out` was called, those that it has found so far.

    Args:
        monotonic: seconds on a clock that is never set, so no wait grows when the other clock is set.
        is_large: tells whether a file that is ready is to be done alone; called when it is given out.
    """

    def __init__(self, *, monotonic: Callable[[], float], is_large: Callable[[str], bool]) -> None:
        self._monotonic = monotonic
        self._is_large = is_large
        self._ready = self._found = Backlog()
        self._count_found = 0
        self._set_back: set[str] = set()
        self._in_trouble_before: set[str] = set()
        self._due: dict[str, _Due] = {}
        self._troubled: dict[str, _Troubled] = {}

    def begin_look(self) -> None:
        """Note that a look at what is ready begins."""
        self._found = Backlog()
        self._count_found = 0
        self._set_back = set()
        self._in_trouble_before = set(self._troubled)

    def found(self, run: RunOfNames) -> None:
        """Take names that the look has found."""
        self._found.add(run)
        self._count_found += len(run)
        if self._troubled or self._due:
            names = map(name_in, run)
            self._set_back.update(name for name in names if name in self._troubled or name in self._due)

    def give_out(self) -> None:
        """Give out what the look has found so far, if that is anything, though it has not ended."""
        if self._count_found:
            self._ready = self._found

    def end_look(self) -> None:
        """Note that the look has come to its end: what it has not found is not ready."""
        self._ready = self._found
        for name in self._in_trouble_before - self._set_back - self._due.keys():
            self.is_well(name)

    def has_found_others(self, names: Collection[str]) -> bool:
        """Return whether the last look has found any name but these, all of which are in trouble or due."""
        return self._count_found > len(self._set_back) or bool(self._set_back.difference(names))

    def found_in_trouble(self) -> list[str]:
        """Return the names that the last look has found though they are in trouble."""
        return [name for name in self._set_back if name in self._troubled]

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
        return self._next_new(busy, is_for_group=True)

    def is_small(self, task: Task) -> bool:
        """Return whether a task may be done together with others."""
        return task.why is Why.NEW and not self._is_large(task.name)

    def count_ready(self) -> int:
        """Return how many names are ready, at most."""
        return len(self._ready)

    def first_ready(self) -> str | None:
        """Return the first name in line, or None."""
        return self._ready.first()

    def _next_new(self, busy: Collection[str], *, is_for_group: bool = False) -> Task | None:
        while (name := self._ready.first()) is not None:
            can_be_next = name not in busy and name not in self._due and not self._must_rest(name)
            if can_be_next and is_for_group and self._is_large(name):
                return None
            self._ready.pop()
            if can_be_next:
                return Task(name, Why.NEW)
        return None

    def known(self) -> KeysView[str]:
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
