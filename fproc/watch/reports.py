"""What the reports of workers lead to: the queue, the pauses, the log, and the recorder are told."""

from __future__ import annotations

import logging
from typing import Any

from fproc.base.text import counted, log_fields, shown
from fproc.run.failures import log_end
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.claim import Origin
from fproc.spool.job.job import RolledForward
from fproc.spool.spool import Spool
from fproc.telemetry.recorder import Recorder
from fproc.watch.draining import Changing
from fproc.watch.pauses import Pauses
from fproc.watch.queue import WorkQueue
from fproc.watch.workers.messages import NotBegun, Report, TakenUp, Task, Trouble, Why
from fproc.watch.workers.slot import WorkerLost

log = logging.getLogger("fproc.watch")

GROUP_FILES = 64
GROUP_SECONDS = 0.05
"""How many small files are given out together at most, and how long they may take, as estimated."""

HELD_SECONDS = 1.0
"""How long to wait for the lock of a dead worker that a process which it started still holds."""


class Reports:
    """Takes what workers report.

    Args:
        spool: the spool.
        queue: gets what has to be done next.
        pauses: told of trouble of the host.
        changing: told of inputs that changed while they were read.
        recorder: told of all that happened.

    Attributes:
        processed, failed: how many files have ended so far, and how.
        file_seconds: how long a file takes, as estimated from the last ones.
    """

    def __init__(
        self, spool: Spool, queue: WorkQueue, pauses: Pauses, changing: Changing, recorder: Recorder
    ) -> None:
        self._spool = spool
        self._queue = queue
        self._pauses = pauses
        self._changing = changing
        self._recorder = recorder
        self.processed = self.failed = 0
        self.file_seconds = GROUP_SECONDS

    def take(self, event: Report | WorkerLost) -> None:
        """Take a report, or the death of a worker."""
        if isinstance(event, WorkerLost):
            name, death = event.task.name, event.death
            fields = log_fields(
                "worker_died", file=name, node=death.node, line=death.line_no, error=death.reason
            )
            log.error("%s: %s", shown(name), death.reason, extra=fields)
            self._recorder.died(name, death)
            self._queue.add(Task(name, Why.DEATH, death))
            return
        task, value = event.task, event.value
        if isinstance(value, TakenUp):
            fields = log_fields("taken_up", file=task.name, origin=value.origin.name.lower())
            log.info("%s: %s", shown(task.name), value.origin.value, extra=fields)
            if value.origin is Origin.CRASH:
                self._recorder.recovered(task.name)
        elif isinstance(value, Trouble):
            self.again(task)
            self._troubled(task.name, value)
        elif isinstance(value, NotBegun):
            self.again(Task(task.name, Why.ORPHAN) if value.has_died else task)
        elif isinstance(value, Outcome):
            self.outcome(value)
        elif isinstance(value, RolledForward):
            self._queue.is_well(task.name)
            self._changing.forget(task.name)
            self._pauses.end()
            self.rolled_forward(value)
            fields = log_fields("rolled_forward", file=task.name, succeeded=value.succeeded)
            log.info("%s: finished as it was decided", shown(task.name), extra=fields)
        elif isinstance(value, NotYet):
            due = Task(task.name, Why.DUE, waited_for=value.not_before)
            self._queue.add(due, after_seconds=value.wait_seconds)
        elif task.why is Why.DEATH and self._spool.has_earlier(task.name):
            self._queue.add(task, after_seconds=HELD_SECONDS)

    def outcome(self, outcome: Outcome) -> None:
        """Take the outcome of an attempt at a file."""
        self._recorder.outcome(outcome)
        self.file_seconds += (outcome.event.seconds - self.file_seconds) / GROUP_FILES * 4
        event, verdict = outcome.event, outcome.verdict
        if verdict is not Verdict.CHANGED:
            self._changing.forget(event.file)
        if verdict in {Verdict.PAUSE, Verdict.WAIT}:
            self._queue.add(Task(event.file, Why.DUE))
            self._troubled(event.file, Trouble(event.error, of_host=verdict is Verdict.PAUSE))
            return
        self._queue.is_well(event.file)
        self._pauses.end()
        self.processed += verdict is Verdict.COMMIT
        self.failed += verdict is Verdict.FAIL
        if verdict is Verdict.CHANGED:
            self._changing.add(event.file, event.error)
        if verdict in {Verdict.RETRY, Verdict.CHANGED}:
            due = Task(event.file, Why.DUE, waited_for=outcome.not_before)
            self._queue.add(due, after_seconds=outcome.retry_seconds)
        elif verdict is Verdict.STOP:
            self._queue.add(Task(event.file, Why.DUE))
        if verdict is Verdict.COMMIT:
            results = ", ".join(map(shown, event.results)) or "no result"
            log_end(log, event.file, outcome.figures, event.seconds, results)
        else:
            _log_other_end(outcome)

    def rolled_forward(self, rolled_forward: RolledForward) -> None:
        """Record that a file ended as was decided before."""
        self._recorder.rolled_forward(rolled_forward)
        self.processed += rolled_forward.succeeded
        self.failed += not rolled_forward.succeeded

    def again(self, task: Task) -> None:
        """Queue a task that was not done; a new input is found by the next scan instead."""
        if task.why is not Why.NEW:
            self._queue.add(task)

    def _troubled(self, name: str, trouble: Trouble) -> None:
        if trouble.of_host:
            self._pauses.begin(trouble.reason)
        elif self._queue.set_aside(name, trouble.reason):
            log.error(
                "%s: cannot be worked with, and is skipped until this is fixed: %s",
                shown(name),
                trouble.reason,
                extra=log_fields("file_in_trouble", file=name, error=trouble.reason),
            )


def _log_other_end(outcome: Outcome) -> None:
    """Log how an attempt ended that did not commit."""
    event, verdict = outcome.event, outcome.verdict
    name = shown(event.file)
    fields: dict[str, Any] = {
        "file": event.file,
        "lines": event.lines_in,
        "seconds": round(event.seconds, 3),
        "attempt": event.attempt,
        "node": event.node,
        "line": event.line_no,
        "error": event.error or None,
    }
    if verdict is Verdict.FAIL:
        tried = counted(event.attempt, "attempt")
        log.error(
            "%s: failed after %s: %s", name, tried, event.error, extra=log_fields("file_failed", **fields)
        )
    elif verdict is Verdict.RETRY:
        later = log_fields("file_retry", **fields, retry_seconds=round(outcome.retry_seconds, 3))
        log.warning("%s: tried again in %.1f s: %s", name, outcome.retry_seconds, event.error, extra=later)
    elif verdict is Verdict.CHANGED:
        log.warning("%s: %s", name, event.error, extra=log_fields("file_changed", **fields))
    elif verdict is Verdict.STOP:
        lines = counted(event.lines_in, "line")
        log.info("%s: left at a checkpoint after %s", name, lines, extra=log_fields("file_left", **fields))
    else:
        log.warning("%s: given up: %s", name, event.error, extra=log_fields("file_given_up", **fields))
