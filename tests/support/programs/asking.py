"""Someone who asks a running instance for the same paths, again and again."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping, Sequence

from tests.support.programs.running import Watching
from tests.support.programs.talking import ask


class Asking:
    """Asks for some paths in turn, on a thread, until the end of the block; keeps how long answers took."""

    def __init__(
        self, running: Watching, paths: Sequence[str], headers: Mapping[str, str] | None = None
    ) -> None:
        self._running = running
        self._headers = dict(headers or {})
        self.seconds: dict[str, list[float]] = {path: [] for path in paths}
        self.statuses: set[int] = set()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Asking:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.02):
            for path, seconds in self.seconds.items():
                began = time.monotonic()
                self.statuses.add(ask(self._running, "GET", path, headers=self._headers).status)
                seconds.append(time.monotonic() - began)

    def at_95_percent(self, path: str) -> float:
        """The time within which 95 % of the answers came."""
        return statistics.quantiles(self.seconds[path], n=20)[18]
