"""A slot of the pool: one worker process at a time, what it has to do, and how it ends."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from fproc.base.text import shown
from fproc.base.values import dataclass, replace
from fproc.process import children
from fproc.process.ipc import Receiver, send
from fproc.process.mark import NONE, CurrentTask, Whereabouts
from fproc.process.stalls import Vigil
from fproc.process.whereabouts import ask
from fproc.process.worker_process import WorkerProcess
from fproc.run.attempt import WorkerDeath
from fproc.run.figures import Progress
from fproc.watch.workers.deaths import how_it_ended
from fproc.watch.workers.messages import Leaving, NotBegun, Ready, Report, Setup, Task, Trouble
from fproc.watch.workers.sampling import CountTime, TimeSampler

log = logging.getLogger("fproc.pool")

WORKER = "fproc.watch.workers.worker.serve_tasks"
"""The function that a worker process calls."""

DEATH_SECONDS = 1.0
"""How long a process may take to exit once it has closed its socket."""

START_SECONDS = 60.0
"""How long a worker may take to start, users' modules included."""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker has died of a task."""

    task: Task
    death: WorkerDeath


class Slot:
    """One worker process at a time, and the tasks that it has. `channel` is None while there is none.

    Args:
        setup: the settings of the worker.
        monotonic: seconds on a clock that is never set.
        count_time: it is called with samples of where the worker spends its time.
    """

    def __init__(
        self, setup: Setup, monotonic: Callable[[], float], count_time: CountTime = lambda *_: None
    ) -> None:
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
        self._is_fresh = False
        self._began = 0.0
        self._marked = NONE
        self._sampler = TimeSampler(count_time, monotonic)

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
        self._is_fresh = True
        self._sampler.begin()
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
                self._is_fresh = True
                for message in self._receiver.add(data):
                    yield from self._handle(message)
            is_closed = True
        if is_closed or has_exited:
            yield from self._handle_exit()
        else:
            self._check_time()

    def sample(self, *, is_due: bool) -> None:
        """Count where the worker was, if it has answered; ask it anew, if that is due.

        One that was heard of just now is left out, and so is one that is asked for its line.
        """
        if self._mark is None or self._process is None:
            return
        self._sampler.take(self._mark)
        is_at_work = self._tasks and self._is_ready and not self._is_fresh
        if is_due and is_at_work and not (self.is_asking or self._is_over):
            self._sampler.ask(partial(ask, self._process.pid, self._mark, briefly=True))
        self._is_fresh = False

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
            if self._mark:
                self._sampler.end(self._mark)
            tasks, self._tasks = self._tasks, ()
            yield from map(Report, tasks, message)
        elif isinstance(message, Report):
            yield message
        elif isinstance(message, Progress):
            self._progress = message
        elif isinstance(message, Ready):
            self._is_ready = True
            self._begin(NONE)
            self._sampler.begin()
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
        status = children.status_within(self._process, DEATH_SECONDS)
        if status is None:
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
            self._sampler.lose(self._mark)
            self._mark.close()
        self.channel = self._process = self._mark = self._vigil = self._where = None
        self._receiver = Receiver()
        self._is_ready = self._is_leaving = self._is_told = self._is_too_slow = False
