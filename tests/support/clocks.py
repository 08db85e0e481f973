"""A clock that no slow host can hurry."""

from __future__ import annotations

import time


class Watch:
    """A clock that stands, so that no host is too slow, until it is put ahead or let go on."""

    def __init__(self) -> None:
        self._seconds = 100.0
        self._since: float | None = None

    def __call__(self) -> float:
        return self._seconds + (0.0 if self._since is None else time.monotonic() - self._since)

    def put_ahead(self, seconds: float) -> None:
        self._seconds += seconds

    def let_go_on(self) -> None:
        self._since = time.monotonic()
