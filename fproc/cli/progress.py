"""The progress bar of `--input`: on standard error, and only on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO

BAR_WIDTH = 30
REDRAW_SECONDS = 0.1


class ProgressBar:
    """One input's bar: how far, how fast, how long still.

    Args:
        stream: a terminal.
        label: the input's name.
        size_bytes: how much there is to read, or None where nobody knows.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        stream: IO[str],
        label: str,
        size_bytes: int | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._label = label
        self._size_bytes = size_bytes
        self._monotonic = monotonic
        self._began = monotonic()
        self._drawn = float("-inf")

    def __call__(self, position_bytes: int, lines: int, rejected: int = 0, skipped: int = 0) -> None:
        """Draw, unless it was drawn just now."""
        now = self._monotonic()
        if now - self._drawn >= REDRAW_SECONDS:
            self._drawn = now
            text = self.text(position_bytes, lines, rejected + skipped)
            self._stream.write("\r" + text + "\x1b[K")
            self._stream.flush()

    def text(self, position_bytes: int, lines: int, left_out: int = 0) -> str:
        """What the bar says now."""
        seconds = max(self._monotonic() - self._began, 0.001)
        lost = f" ({left_out:,} left out)" if left_out else ""
        rate = f"{lines:,} lines{lost}, {position_bytes / seconds / 1e6:.1f} MB/s"
        if not self._size_bytes:
            return f"{self._label}  {rate}"
        share = min(position_bytes / self._size_bytes, 1.0)
        bar = "#" * int(share * BAR_WIDTH)
        left_seconds = seconds / share - seconds if share else 0.0
        left = f"{int(left_seconds) // 60}:{int(left_seconds) % 60:02} left"
        return f"{self._label}  [{bar:<{BAR_WIDTH}}] {share:4.0%}  {rate}, {left}"

    def clear(self) -> None:
        """Remove the bar from the terminal."""
        self._stream.write("\r\x1b[K")
        self._stream.flush()
