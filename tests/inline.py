"""Work done in the test's own process, at once: the worker's side without its process."""

from __future__ import annotations

import time
from collections.abc import Callable

from fproc.engine import Observer
from fproc.job import Surroundings
from fproc.journal import Journal
from fproc.metrics import Metrics
from fproc.plan import Plan
from fproc.pool import Loss
from fproc.spool import Origin, Spool
from fproc.values import replace
from fproc.watch import Watcher
from fproc.worker import Progress, Report, TakenUp, Task, Why, perform_all


class Inline:
    """Does each task when it is submitted. `after_report` is called with each report."""

    def __init__(self, spool: Spool, plan: Plan, around: Surroundings) -> None:
        self._spool = spool
        self._plan = plan
        self._around = replace(around, taken_up=self._taken_up)
        self.size = 1
        self._events: list[Report | Loss] = []
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

    def collect(self) -> list[Report | Loss]:
        events, self._events = self._events, []
        return events

    def sockets(self) -> list[int]:
        return []

    def look_seconds(self) -> float:
        return 1.0

    def running(self) -> dict[str, Progress]:
        return {}

    def stop(self) -> list[Report | Loss]:
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
    around = Surroundings(clock=spool.clock, observer=observer)
    workers = Inline(spool, plan, around)
    journal = Journal(metrics or Metrics(), clock=spool.clock, monotonic=monotonic)
    made = Watcher(spool, plan.config, workers, journal, monotonic=monotonic)
    made._file_seconds = 0.0  # as if files had always been quick: several are given out together
    return made
