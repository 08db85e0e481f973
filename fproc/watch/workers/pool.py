"""The pool of workers: slots of one process each.

A worker that dies affects no other one, unlike in a shared executor: its slot reports how it died, and gets a
new process. Processes are started only once there is work for them, except for the first one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from fproc.process.stalls import LOOK_SECONDS as ANSWER_LOOK_SECONDS
from fproc.process.stalls import LOOKS
from fproc.process.waiting import wait_readable
from fproc.process.worker_process import WorkerProcess
from fproc.run.figures import Progress
from fproc.watch.workers.messages import Report, Setup, Task
from fproc.watch.workers.sampling import CountTime, SampleClock
from fproc.watch.workers.slot import Slot, WorkerLost

log = logging.getLogger("fproc.pool")

STOP_SECONDS = 10.0
"""How long workers have to reach a checkpoint, or the end of their file, when fproc stops."""

LOOK_SECONDS = 1.0
"""How often workers that may take too long are checked."""

STOP_LOOK_SECONDS = 0.1
"""How often processes are checked while fproc stops: children of theirs may keep their sockets open."""


class Pool:
    """The slots.

    Args:
        setup: the settings of each worker.
        size: the number of slots.
        first: a worker that is running already, or None.
        count_time: it is called with samples of where workers spend their time.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        setup: Setup,
        size: int,
        *,
        first: WorkerProcess | None = None,
        count_time: CountTime = lambda *_: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.size = size
        self._monotonic = monotonic
        limits = setup.config.limits
        self._look_seconds = min(
            LOOK_SECONDS, limits.stall_seconds / LOOKS, limits.timeout_seconds or LOOK_SECONDS
        )
        self._slots = [Slot(setup, monotonic, count_time) for _ in range(size)]
        self._clock = SampleClock(monotonic)
        self._is_retired = False
        if first is not None:
            with suppress(OSError):  # it has died; another is started once there is work
                self._slots[0].take(first)

    def has_room(self) -> bool:
        """Return whether a task can be submitted."""
        return self.count_free() > 0

    def count_free(self) -> int:
        """Return how many files could be begun now."""
        return sum(slot.is_free for slot in self._slots)

    def submit(self, *tasks: Task) -> None:
        """Give tasks to a free slot, if possible one with a process; several tasks must all be new inputs.

        Raises:
            OSError: no process can be started.
        """
        free = [slot for slot in self._slots if slot.is_free]
        next((slot for slot in free if slot.channel), free[0]).submit(tasks)

    def collect(self) -> list[Report | WorkerLost]:
        """Return the reports since the last call, and the workers that have died. Does not wait."""
        events = [event for slot in self._slots for event in slot.collect()]
        is_due = self._clock.is_due()
        for slot in self._slots:
            slot.sample(is_due=is_due)
        if self._is_retired:
            self.retire()
        return events

    def sockets(self) -> list[int]:
        """Return descriptors that become readable when there is something to collect."""
        return [slot.channel.fileno() for slot in self._slots if slot.channel]

    def look_seconds(self) -> float:
        """Return how long to wait at most before the next `collect`: a worker may take too long."""
        if any(slot.is_asking for slot in self._slots):
            return ANSWER_LOOK_SECONDS
        if self.count_busy():
            return min(self._look_seconds, self._clock.left_seconds())
        return self._look_seconds

    def running(self) -> dict[str, Progress]:
        """Return how far each file in work is; may be called from any thread."""
        return {name: progress for slot in self._slots for name, progress in slot.running()}

    def count_busy(self) -> int:
        """Return how many workers have something to do."""
        return sum(slot.is_busy for slot in self._slots)

    def retire(self) -> None:
        """Have each worker leave once it has done what it has; there is nothing more to submit."""
        self._is_retired = True
        for slot in self._slots:
            if not slot.is_busy:
                slot.ask_to_leave()

    def ask_to_leave(self) -> None:
        """Tell all workers to reach a checkpoint, and leave."""
        for slot in self._slots:
            slot.ask_to_leave()

    def stop(self) -> list[Report | WorkerLost]:
        """End all workers: at a checkpoint, at the end of their file, or by force after `STOP_SECONDS`."""
        deadline = self._monotonic() + STOP_SECONDS
        self.ask_to_leave()
        events: list[Report | WorkerLost] = []
        while sockets := self.sockets():
            left_seconds = deadline - self._monotonic()
            if left_seconds <= 0:
                log.warning("a file is not done yet; it goes on from its last checkpoint at the next start")
                for slot in self._slots:
                    slot.kill()
                break
            wait_readable(sockets, min(left_seconds, STOP_LOOK_SECONDS))
            events += self.collect()
        return events
