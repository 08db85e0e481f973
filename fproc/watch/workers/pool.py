"""The pool of workers: slots of one process each.

A worker that dies affects no other one, unlike in a shared executor: its slot reports how it died, and gets a
new process. Processes are started only once there is work for them, except for the first one.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from fproc.base.text import shown
from fproc.base.values import dataclass, replace
from fproc.process import children
from fproc.process.ipc import Receiver, send
from fproc.process.mark import NONE, CurrentTask, Whereabouts
from fproc.process.stalls import LOOK_SECONDS as ANSWER_LOOK_SECONDS
from fproc.process.stalls import LOOKS, Vigil
from fproc.process.waiting import wait_readable
from fproc.process.whereabouts import ask
from fproc.process.worker_process import WorkerProcess
from fproc.run.attempt import WorkerDeath
from fproc.run.figures import Progress
from fproc.watch.workers.deaths import how_it_ended
from fproc.watch.workers.messages import Leaving, NotBegun, Ready, Report, Setup, Task, Trouble

log = logging.getLogger("fproc.pool")

WORKER = "fproc.watch.workers.worker.serve_tasks"
"""The function that a worker process calls."""

STOP_SECONDS = 10.0
"""How long workers have to reach a checkpoint, or the end of their file, when fproc stops."""

DEATH_SECONDS = 1.0
"""How long a process may take to exit once it has closed its socket."""

LOOK_SECONDS = 1.0
"""How often workers that may take too long are checked."""

STOP_LOOK_SECONDS = 0.1
"""How often processes are checked while fproc stops: children of theirs may keep their sockets open."""

START_SECONDS = 60.0
"""How long a worker may take to start, users' modules included."""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker has died of a task."""

    task: Task
    death: WorkerDeath


class Pool:
    """The slots.

    Args:
        setup: the settings of each worker.
        size: the number of slots.
        first: a worker that is running already, or None.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        setup: Setup,
        size: int,
        *,
        first: WorkerProcess | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.size = size
        self._monotonic = monotonic
        limits = setup.config.limits
        self._look_seconds = min(
            LOOK_SECONDS, limits.stall_seconds / LOOKS, limits.timeout_seconds or LOOK_SECONDS
        )
        self._slots = [_Slot(setup, monotonic) for _ in range(size)]
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
        if self._is_retired:
            self.retire()
        return events

    def sockets(self) -> list[int]:
        """Return descriptors that become readable when there is something to collect."""
        return [slot.channel.fileno() for slot in self._slots if slot.channel]

    def look_seconds(self) -> float:
        """Return how long to wait at most before the next `collect`: a worker may take too long."""
        is_asking = any(slot.is_asking for slot in self._slots)
        return ANSWER_LOOK_SECONDS if is_asking else self._look_seconds

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


class _Slot:
    """One worker process at a time, and the tasks that it has. `channel` is None while there is none."""

    def __init__(self, setup: Setup, monotonic: Callable[[], float]) -> None:
        self.channel: socket.socket | None = None
        self._tasks: tuple[Task, ...] = ()
        self._progress = Progress()
        self._setup = setup
        self._monotonic = monotonic
        self._process: children.Process | None = None
        self._mark: CurrentTask | None = None
        self._vigil: Vigil | None = None
        self._where: Whereabouts | None = None
        self._receiver = Receiver()
        self._is_ready = False
        self._is_leaving = False
        self._is_told = False
        self._is_over = False
        self._is_too_slow = False
        self._began = 0.0
        self._marked = NONE

    @property
    def is_free(self) -> bool:
        """Whether it can take a task."""
        return not self._tasks and not self._is_too_slow

    @property
    def is_busy(self) -> bool:
        """Whether its worker has something to do."""
        return bool(self._tasks)

    def running(self) -> list[tuple[str, Progress]]:
        """Return the names that it has, and how far each one is."""
        tasks, mark, vigil = self._tasks, self._mark, self._vigil
        if not tasks:
            return []
        progress = self._progress
        if vigil and vigil.stalled:
            progress = replace(progress, stalled=vigil.stalled)
        current = mark.get() if mark else NONE
        waiting = Progress(worker=progress.worker, stalled=progress.stalled if current == NONE else "")
        return [(task.name, progress if index == current else waiting) for index, task in enumerate(tasks)]

    @property
    def is_asking(self) -> bool:
        """Whether its worker has been asked where it stands."""
        return self._vigil is not None and self._vigil.is_asking

    def submit(self, tasks: tuple[Task, ...]) -> None:
        """Give the worker tasks; start it if there is none."""
        if self._process is not None and self._process.poll() is not None:
            self._close()
        if self.channel is None:
            self.take(WorkerProcess.started(WORKER))
        assert self.channel is not None
        assert self._mark is not None
        self._mark.set(NONE)
        self._tasks = tasks
        self._progress = Progress(worker=self._process.pid if self._process else None)
        self._begin(NONE)
        if self._vigil:
            self._vigil.begin()
        with suppress(BrokenPipeError, ConnectionResetError):  # it has just died: the next `collect` notices
            send(self.channel, tasks)

    def collect(self) -> Iterator[Report | WorkerLost]:
        """Yield the reports of the worker, and its death."""
        if self.channel is None or self._process is None:
            return
        has_exited = self._process.poll() is not None  # polled first: what is read then is all there is
        is_closed = False
        with suppress(BlockingIOError):
            while data := self._receive():
                for message in self._receiver.add(data):
                    yield from self._handle(message)
            is_closed = True
        if is_closed or has_exited:
            yield from self._handle_exit()
        else:
            self._check_time()

    def ask_to_leave(self) -> None:
        """Tell the worker, once, to reach a checkpoint, and leave."""
        if self._process is not None and not self._is_told:
            self._is_told = True
            self._process.terminate()

    def kill(self) -> None:
        """End the worker now."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._tasks = ()
            self._close()

    def _receive(self) -> bytes:
        assert self.channel is not None
        try:
            return self.channel.recv(65536, socket.MSG_DONTWAIT)
        except ConnectionResetError:
            return b""

    def _handle(self, message: object) -> Iterator[Report]:
        if isinstance(message, list):
            if self._vigil:
                self._vigil.begin()
            self._tasks = ()
            yield from message
        elif isinstance(message, Report):
            yield message
        elif isinstance(message, Progress):
            self._progress = message
        elif isinstance(message, Ready):
            self._is_ready = True
            self._begin(NONE)
            if self._vigil:
                self._vigil.begin()
        elif isinstance(message, Leaving):
            self._is_leaving = True

    def _begin(self, mark: int) -> None:
        """Measure from now on how long this task takes."""
        self._marked = mark
        self._began = self._monotonic()
        self._is_over = False

    def _check_time(self) -> None:
        """Check the time that the worker takes.

        A worker that makes no progress is named in the log; one that takes too long for a file, measured from
        when the file was first seen in work, is killed once it has answered where it is.
        """
        if self._mark is None or self._vigil is None or not self._tasks or self._is_too_slow:
            return
        mark = self._mark.get()
        if mark != self._marked:
            self._begin(mark)
        limit_seconds = self._setup.config.limits.timeout_seconds if self._is_ready else START_SECONDS
        is_over = limit_seconds is not None and self._monotonic() - self._began > limit_seconds
        if is_over and not self._is_ready:
            self._kill_slow()
        elif is_over and mark != NONE:
            if not self._is_over:
                self._is_over = True
                self._vigil.question.forget()
            self._where = self._vigil.question.answer()
            if self._where is not None:
                self._kill_slow()
        elif self._is_ready:
            self._vigil.look(self._names)

    def _kill_slow(self) -> None:
        assert self._process is not None
        self._is_too_slow = True
        self._process.kill()

    def _names(self) -> str:
        """Return the names that it works on, for the log."""
        mark = self._mark.get() if self._mark else NONE
        return ", ".join(shown(task.name) for index, task in enumerate(self._tasks) if mark in {index, NONE})

    def _handle_exit(self) -> Iterator[Report | WorkerLost]:
        """Yield what the exit of the worker means for its tasks: the running one is to blame."""
        assert self._process is not None
        try:
            status = self._process.wait(DEATH_SECONDS)
        except children.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        mark = self._mark.get() if self._mark and not self._is_leaving else NONE
        tasks, self._tasks = self._tasks, ()
        if mark == NONE and self._is_ready and not (self._is_leaving or self._is_told):
            log.warning(
                "a worker %s; it was running no file, and what it had is taken up again", how_it_ended(status)
            )
        for index, task in enumerate(tasks):
            if index == mark:
                yield WorkerLost(task, self._death(status))
            else:
                yield self._given_back(task, status)
        self._close()

    def _given_back(self, task: Task, status: int) -> Report:
        """Return the report of a task that was not running, so that the exit is not its fault."""
        if self._is_leaving or self._is_told or self._is_ready:
            return Report(task, NotBegun(has_died=self._is_ready and not self._is_leaving))
        how = f"took longer than {START_SECONDS:g} s" if self._is_too_slow else how_it_ended(status)
        return Report(task, Trouble(f"a worker could not start ({how})", of_host=True))

    def _death(self, status: int) -> WorkerDeath:
        if self._is_too_slow:
            limit_seconds, where = self._setup.config.limits.timeout_seconds, self._where or Whereabouts("")
            at = f" ({shown(str(where))})" if str(where) else ""
            reason = (
                f"took longer than limits.timeout_seconds ({limit_seconds:g} s), so its worker was killed{at}"
            )
            return WorkerDeath(reason, too_slow=True, node=where.node, line_no=where.line_no, line=where.line)
        return WorkerDeath(f"the worker that processed it {how_it_ended(status)}")

    def take(self, worker: WorkerProcess) -> None:
        """Use this worker from now on.

        Raises:
            OSError: it has died.
        """
        try:
            send(worker.child.channel, self._setup)
        except BaseException:
            worker.end()
            raise
        child, mark = worker.child, worker.mark
        self.channel, self._process, self._mark = child.channel, child.process, mark
        self._vigil = Vigil(
            mark,
            lambda: ask(child.process.pid, mark),
            self._setup.config.limits.stall_seconds,
            monotonic=self._monotonic,
        )

    def _close(self) -> None:
        if self.channel is not None:
            self.channel.close()
        if self._mark is not None:
            self._mark.close()
        self.channel = self._process = self._mark = self._vigil = self._where = None
        self._receiver = Receiver()
        self._is_ready = self._is_leaving = self._is_told = self._is_too_slow = False
