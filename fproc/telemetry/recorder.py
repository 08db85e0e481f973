"""The recorder of all that happens: it feeds figures, history, alerts and the instance's file.

Nothing here decides anything about a file; the folders do that. So trouble with a part of it is logged by
that part, and work goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from fproc.base.ids import new_id
from fproc.base.times import rfc3339
from fproc.base.values import dataclass, replace
from fproc.config.model import AlertPolicy
from fproc.config.retention import Retention
from fproc.pipeline.failures import LineFailure
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.run.attempt import WorkerDeath
from fproc.run.figures import Progress
from fproc.run.outcome import FileEvent, Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk, set_aside
from fproc.spool.intake.old_results import ResultNames
from fproc.spool.job.job import RolledForward
from fproc.spool.layout import Folders, history_of
from fproc.spool.locks.instance import Facts, InstanceFile
from fproc.telemetry.history.history import History
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.notify.alerts import Alerts
from fproc.telemetry.traces import Traces

FLUSH_SECONDS = 0.5
FLUSH_EVENTS = 500
"""How long, or how many, events wait to be written to the history together."""

FLUSH_LINE_ERRORS = 500
"""How many left-out lines are written with such events, apart from the first one of each file."""

SAMPLE_SECONDS = 30.0
"""How often the number of inputs that are left, and the time at nodes, are written, if they have changed."""

TELL_SECONDS = 1.0
"""How often the instance's file is written."""


def open_history(
    folders: Folders, retention: Retention, *, clock: Callable[[], float] = time.time
) -> History:
    """Return the history of a spool, or this host's own if several hosts share the spool."""
    path = history_of(folders)
    return History(
        path,
        is_shared=path != folders.history,
        retention=retention,
        set_aside=partial(set_aside, Disk(power=False)),
        clock=clock,
    )


@dataclass(frozen=True, slots=True)
class _Running:
    """A file in work: since when, in seconds since 1970, and how far it is."""

    began_at: float
    progress: Progress

    def to_json(self, name: str) -> dict[str, Any]:
        return {
            "file": name,
            "started": rfc3339(self.began_at),
            "lines": self.progress.lines,
            "bytes": self.progress.position_bytes,
            "rejected": self.progress.rejected,
            "skipped": self.progress.skipped,
            "worker": self.progress.worker,
            **({"stalled": self.progress.stalled} if self.progress.stalled else {}),
        }


class Recorder:
    """The recorder of one running fproc; a history or an instance file that it does not have is left out.

    Args:
        metrics: figures since the start.
        history: events over restarts.
        instance_file: this process's own file in the spool.
        traces: the last traces of lines.
        alerts: the URLs to call.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        metrics: Metrics,
        history: History | None = None,
        instance_file: InstanceFile | None = None,
        *,
        traces: Traces | None = None,
        alerts: Alerts | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._history = history
        self._instance_file = instance_file
        self._traces = traces or Traces()
        self._alerts = alerts or Alerts(AlertPolicy(), "")
        self._clock = clock
        self._monotonic = monotonic
        self._events: list[FileEvent] = []
        self._line_errors = 0
        self._nodes: dict[str, NodeCounts] = {}
        self._sampled: dict[str, float] = {}
        self._started = rfc3339(clock())
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._flush_at = self._tell_at = self._sample_at = self._sampled_at = monotonic()
        self._sample: tuple[int, float, int] | None = None

    def outcome(self, outcome: Outcome) -> None:
        """Record the outcome of a file."""
        event = outcome.event
        self._metrics.add(outcome)
        self._traces.add(event.file, outcome.figures.traces)
        with self._lock:
            self._running.pop(event.file, None)
        if event.kind:
            self._add(replace(event, time=self._clock(), line_errors=self._limited(event.line_errors)))
        if outcome.verdict is Verdict.COMMIT and (event.rejected or event.skipped):
            self._alerts.lost(event.file, outcome.figures)
        if outcome.verdict is Verdict.FAIL:
            self._alerts.failed(
                event.file, event.error, node=event.node, line_no=event.line_no, attempts=event.attempt
            )

    def recovered(self, name: str) -> None:
        """Record that a file was recovered after its owner had died."""
        self._metrics.add_recovered()
        self._add(FileEvent(new_id(8), name, "recovered", self._clock()))

    def rolled_forward(self, rolled_forward: RolledForward) -> None:
        """Record that a file was finished from the commit record of an earlier owner."""
        self._metrics.add_rolled_forward(succeeded=rolled_forward.succeeded)
        kind = "processed" if rolled_forward.succeeded else "failed"
        event = FileEvent(
            rolled_forward.job or new_id(8),
            rolled_forward.name,
            kind,
            self._clock(),
            results=rolled_forward.results,
            error=rolled_forward.error,
        )
        self._add(event)
        if not rolled_forward.succeeded:
            self._alerts.failed(
                rolled_forward.name, rolled_forward.error or "as was decided before fproc crashed"
            )

    def paused(self, reason: str) -> None:
        """Record that intake is paused."""
        self._alerts.paused(reason)

    def resumed(self) -> None:
        """Record that intake goes on."""
        self._alerts.resumed()

    def arrived(self) -> None:
        """Record that an input is ready."""
        self._alerts.arrived()

    def died(self, name: str, death: WorkerDeath) -> None:
        """Record that a worker has died of a file."""
        self._traces.keep(name)
        event = FileEvent(
            new_id(8),
            name,
            "died",
            self._clock(),
            error=death.reason,
            node=death.node,
            line_no=death.line_no,
        )
        self._add(event)

    def current(self, running: Mapping[str, Progress]) -> list[dict[str, Any]]:
        """Return the files in work, as `/files` shows them; may be called from any thread."""
        self._note(running)
        with self._lock:
            now = self._clock()
            return [
                {**entry.to_json(name), "seconds": round(max(0.0, now - entry.began_at), 3)}
                for name, entry in self._running.items()
            ]

    def turn(self, running: Callable[[], Mapping[str, Progress]], health: Callable[[], Facts]) -> None:
        """Write what is due; called often. `health` is called only when the instance's file is written."""
        now = self._monotonic()
        if self._events and (now >= self._flush_at or len(self._events) >= FLUSH_EVENTS):
            self._flush()
            self._flush_at = now + FLUSH_SECONDS
        if now >= self._sampled_at:
            self._sampled_at = now + SAMPLE_SECONDS
            self._note_sampled()
        if now >= self._tell_at:
            self._tell_at = now + TELL_SECONDS
            self._note(running())
            if self._instance_file is not None:
                self._tell(self._instance_file, health())
        self._alerts.progress()

    def left(self, files: int, oldest_seconds: Callable[[], float]) -> None:
        """Take how many inputs are left; called often. What came since is reckoned from it."""
        if self._history is None or self._monotonic() < self._sample_at:
            return
        self._sample_at = self._monotonic() + SAMPLE_SECONDS
        sample = files, oldest_seconds() if files else 0.0, self._metrics.count_ended()
        if sample != self._sample:
            self._sample = sample
            self._flush()
            self._history.arrivals.note(self._clock(), *sample[:2])

    @property
    def result_names(self) -> ResultNames | None:
        """Who knows what results were published, or None."""
        return None if self._history is None else self._history.upkeep

    def configure(self, retention: Retention) -> None:
        """Keep from now on what these bounds allow."""
        if self._history is not None:
            self._history.upkeep.configure(retention)

    def prune(self, is_stopping: Callable[[], bool]) -> None:
        """Delete old events from the history; may be called from any thread."""
        if self._history is not None:
            self._history.prune(is_stopping)

    def close(self) -> None:
        """Write the events that wait, and close everything."""
        self._flush()
        self._note_sampled()
        if self._history is not None:
            self._history.close()
        if self._instance_file is not None:
            self._instance_file.close()

    def _flush(self) -> None:
        events, self._events, self._line_errors = self._events, [], 0
        if self._history is not None and events:
            before, self._nodes = self._nodes, self._metrics.node_sums()
            nodes = {tag: sums.since(before.get(tag, NodeCounts())) for tag, sums in self._nodes.items()}
            self._history.record(events, {tag: counts for tag, counts in nodes.items() if counts.received})

    def _note_sampled(self) -> None:
        """Add to the history for how long workers were seen at nodes since the last time."""
        before, self._sampled = self._sampled, self._metrics.sampled_sums()
        grown = {tag: seconds - before.get(tag, 0.0) for tag, seconds in self._sampled.items()}
        lately = {tag: seconds for tag, seconds in grown.items() if seconds}
        if lately and self._history is not None:
            self._history.nodes.note_sampled(self._clock(), lately)

    def _note(self, running: Mapping[str, Progress]) -> None:
        """Note how far each file is, and the traces of its lines."""
        with self._lock:
            now, before = self._clock(), self._running
            self._running = {
                name: _Running(before[name].began_at if name in before else now, progress)
                for name, progress in running.items()
            }
            self._traces.set_running({name: progress.traces for name, progress in running.items()})

    def _tell(self, instance_file: InstanceFile, health: Facts) -> None:
        current = [entry.to_json(name) for name, entry in self._running.items()]
        instance_file.say({"started": self._started, "current": current, "health": health.to_json()})

    def _limited(self, line_errors: tuple[LineFailure, ...]) -> tuple[LineFailure, ...]:
        """Return those of a file's left-out lines that there is room for beside those of other files."""
        limited = line_errors[: max(1, FLUSH_LINE_ERRORS - self._line_errors)]
        self._line_errors += len(limited)
        return limited

    def _add(self, event: FileEvent) -> None:
        if self._history is not None:
            self._events.append(event)
