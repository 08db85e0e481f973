"""Clocks that no slow host can hurry."""

from __future__ import annotations

import time


class Clock:
    """A clock that stands, but for what a test adds to its `seconds`."""

    def __init__(self, seconds: float = 1000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


class Watch(Clock):
    """A clock that stands until it is let go on."""

    _since: float | None = None

    def __call__(self) -> float:
        return self.seconds + (0.0 if self._since is None else time.monotonic() - self._since)

    def let_go_on(self) -> None:
        self._since = time.monotonic()
