"""Whether fproc keeps up: what came against what ended, and how long inputs wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fproc.base.times import rfc3339
from fproc.base.values import dataclass
from fproc.telemetry.history.history import History
from fproc.telemetry.rolling import STEPS

GROWTH_SHARE = 0.05
"""What is left may grow by this share of what came before fproc is said to fall behind."""

LEAST_WAIT_SECONDS = 5.0
"""What waits for less is not late, however short the window is."""


@dataclass(frozen=True, slots=True)
class KeepingUp:
    """Answers for each window; without a history, nothing is known.

    Attributes:
        history: what happened so far, or None.
        counts: returns how many inputs are in each state, or None as long as that is not known.
        oldest: returns the input that waits for longest and for how many seconds, or None.
        clock: seconds since 1970.
    """

    history: History | None
    counts: Callable[[], Mapping[str, int] | None]
    oldest: Callable[[], tuple[str, float] | None]
    clock: Callable[[], float]

    def over(self, window_seconds: int) -> dict[str, Any] | None:
        """Return how it goes since the begin of a window, as `/series` shows it; None is not known.

        What came is what ended and what is left more than then: so it is right however files come.
        """
        counts = self.counts()
        begin = self.clock() - window_seconds
        then = self.history.arrivals.at(begin) if self.history else None
        if self.history is None or counts is None or then is None:
            return None
        left = counts["unprocessed"] + counts["underprocess"]
        ended = max(self.history.arrivals.ended() - then.ended, 0)
        came = max(ended + left - then.files, 0)
        oldest = self.oldest()
        wait_seconds = oldest[1] if oldest else 0.0
        has_grown = left > then.files + came * GROWTH_SHARE
        is_late = wait_seconds > max(window_seconds / STEPS, LEAST_WAIT_SECONDS)
        return {
            "since": rfc3339(then.time),
            "came": came,
            "ended": ended,
            "left": left,
            "oldest_seconds": round(wait_seconds, 3),
            "longest_seconds": round(max(self.history.arrivals.longest_wait(begin), wait_seconds), 3),
            "keeps_up": not (has_grown and is_late),
        }
