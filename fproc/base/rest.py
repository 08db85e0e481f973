"""Rests after work that is done again and again, so that it never takes more than a share of the time."""

from __future__ import annotations

from collections.abc import Callable


class Rest:
    """After a piece of work, a rest of `times` as long as that took, even if there is a reason for more.

    Args:
        times: how many times longer than the work it is.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, times: float, monotonic: Callable[[], float]) -> None:
        self._times = times
        self._monotonic = monotonic
        self.until = monotonic()
        """When it is over, by that clock."""

    def after(self, work_seconds: float, *, least_seconds: float = 0.0) -> None:
        """Rest from now on, after work that took so long."""
        self.until = self._monotonic() + max(least_seconds, self._times * work_seconds)

    def is_over(self) -> bool:
        """Return whether it is time for the next piece of work."""
        return self._monotonic() >= self.until
