"""What is written down beside the work: figures, history, and how things stand.

Nothing here decides anything about a file; the folders do that. So trouble with any of it is logged by those
who have it, and work goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fproc.config import Retention
from fproc.events import Event
from fproc.history import History
from fproc.job import Outcome
from fproc.lifecycle import Fate
from fproc.metrics import Metrics
from fproc.spool import Disk, Folders, Settled
from fproc.spool.disk import set_aside
from fproc.spool.presence import Presence
from fproc.times import rfc3339
from fproc.tokens import new_token
from fproc.worker import Progress, Task

FLUSH_SECONDS = 0.5
FLUSH_EVENTS = 500
"""How long, or how many, events wait to be written to the history together."""

TELL_SECONDS = 1.0
"""How often it is put down how things stand."""

PRUNE_SECONDS = 3600.0
"""How often what is too old is removed from the history."""

KINDS = {
    Fate.COMMIT: "processed",
    Fate.FAIL: "failed",
    Fate.RETRY: "retry",
    Fate.STOP: "stopped",
}
"""What an outcome is called in the history; others leave the file as it was."""


def open_history(folders: Folders, retention: Retention) -> History:
    """The history of a spool."""
    return History(
        folders.history,
        history_days=retention.history_days,
        set_aside=partial(set_aside, Disk(power=False)),
    )


class Journal:
    """The books of one running fproc; without a history or a presence, they are left out.

    Args:
        metrics: figures since the start.
        history: events over restarts.
        presence: this process's own file in the spool.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        metrics: Metrics,
        history: History | None = None,
        presence: Presence | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._history = history
        self._presence = presence
        self._clock = clock
        self._monotonic = monotonic
        self._events: list[Event] = []
        self._started = rfc3339(clock())
        self._began: dict[str, str] = {}
        self._flush_at = self._tell_at = self._prune_at = monotonic()

    def outcome(self, outcome: Outcome) -> None:
        """A file was worked on."""
        self._metrics.add(outcome)
        if outcome.fate in KINDS:
            figures = outcome.figures
            self._add(
                outcome.file,
                KINDS[outcome.fate],
                outcome.job,
                attempt=outcome.attempts,
                seconds=outcome.seconds,
                lines_in=figures.lines_in,
                lines_out=figures.lines_out,
                bytes_in=figures.bytes_in,
                rejected=figures.rejected,
                results=outcome.results,
                error=outcome.error,
                node=outcome.node,
                line_no=outcome.line_no,
            )

    def recovered(self, name: str) -> None:
        """A file was taken up again after its owner had died."""
        self._metrics.add_recovered()
        self._add(name, "recovered")

    def settled(self, settled: Settled) -> None:
        """A file was finished as an earlier owner had decided."""
        self._metrics.add_settled(succeeded=settled.succeeded)
        kind = "processed" if settled.succeeded else "failed"
        self._add(settled.name, kind, settled.job, results=settled.results)

    def died(self, task: Task, reason: str) -> None:
        """A worker has died of a file."""
        self._add(task.name, "died", error=reason)

    def turn(
        self, running: Callable[[], Mapping[str, Progress]], health: Callable[[], Mapping[str, Any]]
    ) -> None:
        """Write down what is due; called often. How things stand is asked only when it is told."""
        now = self._monotonic()
        if self._events and (now >= self._flush_at or len(self._events) >= FLUSH_EVENTS):
            self._flush()
            self._flush_at = now + FLUSH_SECONDS
        if now >= self._tell_at and self._presence is not None:
            self._tell_at = now + TELL_SECONDS
            self._tell(running(), health())
        if now >= self._prune_at and self._history is not None:
            self._prune_at = now + PRUNE_SECONDS
            self._history.prune()

    def close(self) -> None:
        """Write down what is left, and close the books."""
        self._flush()
        if self._history is not None:
            self._history.close()
        if self._presence is not None:
            self._presence.close()

    def _flush(self) -> None:
        events, self._events = self._events, []
        if self._history is not None and events:
            self._history.record(events)

    def _tell(self, running: Mapping[str, Progress], health: Mapping[str, Any]) -> None:
        assert self._presence is not None
        now = rfc3339(self._clock())
        self._began = {name: self._began.get(name, now) for name in running}
        current = [
            {
                "file": name,
                "started": self._began[name],
                "lines": progress.lines,
                "bytes": progress.position_bytes,
                "worker": progress.worker,
            }
            for name, progress in running.items()
        ]
        self._presence.say({"started": self._started, "current": current, "health": dict(health)})

    def _add(self, name: str, kind: str, job: str = "", **rest: Any) -> None:
        if self._history is not None:
            self._events.append(Event(job or new_token(8), name, kind, self._clock(), **rest))
