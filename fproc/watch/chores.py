"""Periodic chores of the loop of `--watch`, done between two looks at the folders."""

from __future__ import annotations

from collections.abc import Callable

from fproc.base.values import dataclass


@dataclass(slots=True)
class _Chore:
    work: Callable[[], object]
    every_seconds: float
    due_at: float


class Chores:
    """Does each chore at an interval of its own.

    Args:
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._chores: list[_Chore] = []

    def add(self, work: Callable[[], object], every_seconds: float) -> None:
        """Add a chore, to be done in the next turn and then at this interval; it may raise `OSError`."""
        self._chores.append(_Chore(work, every_seconds, self._monotonic()))

    def turn(self) -> None:
        """Do what is due; called often.

        Raises:
            OSError: the disk refuses; the other chores that are due are done in the next turn.
        """
        for chore in self._chores:
            now = self._monotonic()
            if now >= chore.due_at:
                chore.due_at = now + chore.every_seconds
                chore.work()
