"""`/series` over days, from the history, which is asked again only after a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from fproc.telemetry.history.history import History
from fproc.telemetry.rolling import STEPS, Step

FRESH_SHARE = 0.05
"""The share of a step for which an answer is given again: a question reads all events of its window."""


class PastSeries:
    """The series of a history; without one, nothing has ended. Any thread may call any method.

    Args:
        history: what happened so far, or None.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self, history: History | None, clock: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._history = history
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[int, tuple[float, dict[str, Any]]] = {}

    def series(self, window_seconds: int) -> dict[str, Any]:
        """Return the files that ended within a window, step by step, as `/series` shows them."""
        step_seconds = window_seconds // STEPS
        with self._lock:
            asked_at, answer = self._known.get(window_seconds, (0.0, {}))
            if answer and self._monotonic() - asked_at < step_seconds * FRESH_SHARE:
                return answer
            points = self._points(step_seconds)
            answer = {"window_seconds": window_seconds, "step_seconds": step_seconds, "points": points}
            self._known[window_seconds] = self._monotonic(), answer
        return answer

    def _points(self, step_seconds: int) -> list[dict[str, Any]]:
        first = int(self._clock() // step_seconds) - STEPS + 1
        steps = [Step(number) for number in range(first, first + STEPS)]
        ended = self._history.ended_by_step(first * step_seconds, step_seconds) if self._history else ()
        for binned in ended:
            steps[min(binned.step, STEPS - 1)].add_binned(binned)
        return [step.point(step.number * step_seconds) for step in steps]
