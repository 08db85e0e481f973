"""When a folder is looked at: often enough, and never so often that looking keeps from working."""

from __future__ import annotations

from collections.abc import Callable

REST = 10
"""How many times longer than a look took the folder is left alone after it, whoever wakes us."""

QUIET_SECONDS = 2.0
"""How long polls may see no more than that empty folders have not changed."""


IDLE_SECONDS = 1.0
"""How long it is between polls of empty folders, where the kernel tells of new names as well."""


class Pace:
    """Decides about each turn of the loop.

    Args:
        poll_seconds: how long it is from one look to the next.
        is_still_empty: whether nothing can have come since a look that found nothing; asked at polls.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self, poll_seconds: float, is_still_empty: Callable[[], bool], *, monotonic: Callable[[], float]
    ) -> None:
        self._poll_seconds = poll_seconds
        self._is_still_empty = is_still_empty
        self._monotonic = monotonic
        self._can_be_woken = False
        self._poll_at = self._rested_at = self._quiet_until = monotonic()

    def is_rested(self) -> bool:
        """Whether a look may follow, for a reason."""
        return self._monotonic() >= self._rested_at

    def is_poll_due(self) -> bool:
        """Whether a look has to follow, for no reason but the time."""
        now = self._monotonic()
        if now < self._poll_at:
            return False
        if now < self._quiet_until and self._is_still_empty():
            self._poll_at = now + (IDLE_SECONDS if self._can_be_woken else self._poll_seconds)
            return False
        return True

    def looked(self, seconds: float, *, can_be_woken: bool) -> None:
        """A look has ended, which took so long; the kernel will tell of the next name, or may not."""
        self._can_be_woken = can_be_woken
        now = self._monotonic()
        self._rested_at = now + REST * seconds
        self._quiet_until = now + QUIET_SECONDS
        self._poll_at = max(self._rested_at, now + self._poll_seconds)

    def left_seconds(self, *, is_woken: bool) -> float:
        """How long to wait for the next look."""
        at = self._rested_at if is_woken else self._poll_at
        return max(0.0, at - self._monotonic())
