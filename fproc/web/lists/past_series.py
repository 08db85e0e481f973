"""`/series` over days, from the history, which is asked again only after a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from fproc.base.times import rfc3339
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.telemetry.history.history import History
from fproc.telemetry.history.node_steps import NodeStep
from fproc.telemetry.rolling import STEPS, Step, node_point

FRESH_SHARE = 0.05
"""The share of a step for which an answer is given again: a question reads all events of its window."""

_IDLE = NodeStep(NodeCounts(), 0.0)


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
        self._known: dict[int, tuple[float, int, dict[str, Any]]] = {}

    def series(self, window_seconds: int, node: str = "") -> dict[str, Any]:
        """Return the files that ended within a window, step by step, and what a node did, if asked."""
        step_seconds = window_seconds // STEPS
        with self._lock:
            asked_at, first, answer = self._known.get(window_seconds, (0.0, 0, {}))
            if not answer or self._monotonic() - asked_at >= step_seconds * FRESH_SHARE:
                first = int(self._clock() // step_seconds) - STEPS + 1
                points = self._points(first, step_seconds)
                answer = {"window_seconds": window_seconds, "step_seconds": step_seconds, "points": points}
                self._known[window_seconds] = self._monotonic(), first, answer
        if not node:
            return answer
        return {**answer, "node": {"tag": node, "points": self._node_points(node, first, step_seconds)}}

    def changes(self, window_seconds: int) -> list[dict[str, Any]]:
        """Return when pipeline or version changed within a window, as `/series` shows it, oldest first."""
        if self._history is None:
            return []
        return [
            {
                "timestamp": rfc3339(change.after.time),
                "pipeline": change.after.pipeline,
                "version": change.after.version,
                "before": {"pipeline": change.before.pipeline, "version": change.before.version},
                "what": change.differences(),
            }
            for change in self._history.pipelines.changes(self._clock() - window_seconds)
        ]

    def _node_points(self, node: str, first: int, step_seconds: int) -> list[dict[str, Any]]:
        known = self._history.nodes.by_step(node, first, step_seconds) if self._history else {}
        steps = [known.get(number, _IDLE) for number in range(first, first + STEPS)]
        return [node_point(step.counts, step.sampled_seconds) for step in steps]

    def _points(self, first: int, step_seconds: int) -> list[dict[str, Any]]:
        steps = [Step(number) for number in range(first, first + STEPS)]
        ended = self._history.ended_by_step(first * step_seconds, step_seconds) if self._history else ()
        for binned in ended:
            steps[min(binned.step, STEPS - 1)].add_binned(binned)
        return [step.point(step.number * step_seconds) for step in steps]
