"""Work done in the test's own process, at once: the worker's side without its process."""

from __future__ import annotations

import time
from collections.abc import Callable

from fproc.base.values import replace
from fproc.pipeline.plan import Plan
from fproc.pipeline.tracing.observer import Observer
from fproc.run.attempt import RunContext
from fproc.run.figures import Progress
from fproc.spool.job.claim import Origin
from fproc.spool.spool import Spool
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.recorder import Recorder
from fproc.watch.loop import Watcher
from fproc.watch.workers.messages import Report, TakenUp, Task, Why
from fproc.watch.workers.slot import WorkerLost
from fproc.watch.workers.worker import perform_all


class Inline:
    """Does each task when it is submitted. `after_report` is called with each report."""

    def __init__(self, spool: Spool, plan: Plan, around: RunContext) -> None:
        self._spool = spool
        self._plan = plan
        self._around = replace(around, taken_up=self._taken_up)
        self.size = 1
        self._events: list[Report | WorkerLost] = []
        self.tasks: list[Task] = []

    def has_room(self) -> bool:
        return not self._events

    def count_free(self) -> int:
        return 1

    def submit(self, *tasks: Task) -> None:
        self.tasks += tasks
        self._events += perform_all(self._spool, self._plan, tasks, self._around, lambda _index: None)

    def _taken_up(self, name: str, origin: Origin) -> None:
        self._events.append(Report(Task(name, Why.ORPHAN), TakenUp(origin)))

    def collect(self) -> list[Report | WorkerLost]:
        events, self._events = self._events, []
        return events

    def sockets(self) -> list[int]:
        return []

    def look_seconds(self) -> float:
        return 1.0

    def running(self) -> dict[str, Progress]:
        return {}

    def stop(self) -> list[Report | WorkerLost]:
        return self.collect()


def watcher(
    spool: Spool,
    plan: Plan,
    metrics: Metrics | None = None,
    *,
    observer: Observer | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Watcher:
    """A watcher whose work is done in this process."""
    around = RunContext(clock=spool.clock, observer=observer)
    workers = Inline(spool, plan, around)
    journal = Recorder(metrics or Metrics(), clock=spool.clock, monotonic=monotonic)
    made = Watcher(spool, plan.config, workers, journal, monotonic=monotonic)
    made._reports.file_seconds = 0.0  # as if files had always been quick: several are given out together
    return made
