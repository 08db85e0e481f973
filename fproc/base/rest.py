"""Rests after work that is done again and again, so that it never takes more than a share of the time."""

from __future__ import annotations

from collections.abc import Callable


class Rest:
    """A rest after each piece of work, `times` as long as that took, even if there is more to do.

    Args:
        times: the length of the rest, in times of the work's.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, times: float, monotonic: Callable[[], float]) -> None:
        self._times = times
        self._monotonic = monotonic
        self.until = monotonic()
        """The end of the rest, by that clock."""

    def after(self, work_seconds: float, *, least_seconds: float = 0.0) -> None:
        """Begin a rest, after work that took `work_seconds`."""
        self.until = self._monotonic() + max(least_seconds, self._times * work_seconds)

    def is_over(self) -> bool:
        """Return whether it is time for the next piece of work."""
        return self._monotonic() >= self.until
