"""Which of the things that are kept are too many: the oldest go first, by age, number and size."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from fproc.base.text import counted
from fproc.base.values import dataclass
from fproc.config.model import MEGABYTE
from fproc.config.retention import Retention
from fproc.spool.checks.trusted import DAY_SECONDS

AT_ONCE = 10_000
"""How many things are held in memory, of those that a folder has."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long, how many, and how much is kept; None is without a bound."""

    days: float | None
    files: int | None
    megabytes: float | None

    @classmethod
    def of(cls, retention: Retention, what: str) -> Bounds:
        """Return the bounds for `processed`, `failed` or `results`."""
        return cls(*(getattr(retention, f"{what}_{unit}") for unit in ("days", "files", "mb")))

    @property
    def has_amounts(self) -> bool:
        """Whether number or size is limited."""
        return self.files is not None or self.megabytes is not None

    @property
    def is_set(self) -> bool:
        """Whether there is any bound."""
        return self.days is not None or self.has_amounts

    def why_not_kept(self, age_seconds: float, files: int, size_bytes: int) -> str:
        """Return why the oldest of so many files of this size in all is not kept, or "" if it is."""
        if self.days is not None and age_seconds > self.days * DAY_SECONDS:
            return f"kept for {self.days:g} days"
        if self.files is not None and files > self.files:
            return f"there {'is' if self.files == 1 else 'are'} more than {counted(self.files, 'file')}"
        if self.megabytes is not None and size_bytes > self.megabytes * MEGABYTE:
            return f"there are more than {self.megabytes:g} MB"
        return ""


@dataclass(frozen=True, slots=True)
class Kept:
    """Files that are kept and removed together, the main one first, with the time since when."""

    time: float
    paths: tuple[str, ...]
    size_bytes: int

    @property
    def order(self) -> tuple[float, str]:
        """By what they are sorted: the oldest first."""
        return self.time, self.paths[0]


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be removed, and why."""

    kept: Kept
    why: str


def removals(look: Callable[[], Iterable[Kept]], bounds: Bounds, now: float) -> Iterator[Removal]:
    """Yield what is not to be kept, the oldest first.

    `look` gives all there is, in any order, and is called again if that is much. What was yielded may be
    removed meanwhile, or not.
    """
    if not bounds.is_set:
        return
    files, size_bytes = _amount(look()) if bounds.has_amounts else (0, 0)
    last = (float("-inf"), "")
    while True:
        oldest = _oldest(look(), last)
        for kept in oldest:
            why = bounds.why_not_kept(now - kept.time, files, size_bytes)
            if not why:
                return
            yield Removal(kept, why)
            files -= 1
            size_bytes -= kept.size_bytes
        if len(oldest) < AT_ONCE:
            return
        last = oldest[-1].order


def _oldest(all_kept: Iterable[Kept], after: tuple[float, str]) -> list[Kept]:
    """Return the oldest after a position, in order, and no more than may be held in memory."""
    return heapq.nsmallest(
        AT_ONCE, (kept for kept in all_kept if kept.order > after), key=lambda kept: kept.order
    )


def _amount(all_kept: Iterable[Kept]) -> tuple[int, int]:
    """Return how many there are, and their size in bytes."""
    files = size_bytes = 0
    for kept in all_kept:
        files += 1
        size_bytes += kept.size_bytes
    return files, size_bytes
