"""The worker's side: tasks in, reports out; in a process of its own, the only one that a file can kill.

    pool (parent)                                     worker (its own process)
      Setup, then tasks, tasks ... --- a socket --->    work: builds spool and plan, then does tasks
      values of reports            <---------------     perform_all: claim or adopt, run, decide, commit
      CurrentTask                  <-- shared memory    which of the tasks is to blame for a death now

The process that does the work takes the lock, so the kernel releases it when the process dies, however that
happens. A worker dies with its parent: the kernel is asked to kill it (Linux), and a thread waits for the
other end of the socket to be closed.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

from fproc.base import own_code
from fproc.base.errors import ConfigError, FprocError
from fproc.base.faults import is_of_host, trouble_of
from fproc.base.text import shown
from fproc.base.values import replace
from fproc.pipeline.plan import Plan, SpareRun, assemble
from fproc.pipeline.plugins.sources import use_sources
from fproc.pipeline.tracing.timing import Sampling
from fproc.process import heap
from fproc.process.children import begin_process
from fproc.process.ipc import Receiver, send
from fproc.process.mark import NONE, CurrentTask
from fproc.process.waiting import wait_readable
from fproc.process.whereabouts import Responder
from fproc.run import attempt
from fproc.run.attempt import Ran, RunContext
from fproc.run.figures import Progress, gather_nodes
from fproc.run.outcome import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job.attempts import NotYet
from fproc.spool.job.claim import Claim, Origin
from fproc.spool.job.job import RolledForward
from fproc.spool.spool import Spool
from fproc.telemetry.sampler import TraceSampler
from fproc.watch.workers.messages import Leaving, Ready, Report, Setup, TakenUp, Task, Trouble, Why

log = logging.getLogger("fproc.worker")

PROGRESS_SECONDS = 0.5
"""How often a worker reports how far it is."""


def perform(spool: Spool, plan: Plan, task: Task, context: RunContext) -> Report:
    """Do a task, from lock to archive, and return its report."""
    context = _context(task, context)
    taken: Claim | RolledForward | NotYet | None = None
    value: Outcome | RolledForward | NotYet | Trouble | None
    why = task.why
    try:
        spool.home.check_name()
        if why is Why.NEW:
            taken = spool.claim(task.name)
            if taken is None and spool.has_earlier(task.name):
                why = Why.ORPHAN
        if why is not Why.NEW:
            taken = spool.adopt(
                task.name,
                is_orphan=why is Why.ORPHAN,
                has_died=why is Why.DEATH,
                seen_version=task.seen_version,
                waited_for=task.waited_for,
            )
        if why is Why.ORPHAN and isinstance(taken, Claim | RolledForward):
            context.taken_up(task.name, taken.origin if isinstance(taken, Claim) else Origin.CRASH)
        if isinstance(taken, Claim):
            value = attempt.process_claim(taken, plan, context, death=task.death)
        else:
            value = taken
    except OSError as error:
        value = Trouble(trouble_of(error), is_of_host(error))
    return Report(task, value)


def perform_all(
    spool: Spool, plan: Plan, tasks: Sequence[Task], context: RunContext, begin: Callable[[int], None]
) -> list[Report]:
    """Do several tasks, and return their reports; new inputs are committed together if possible.

    `begin` is called with the index of the task that is about to run, and is to blame for a death, or `NONE`.
    """
    if len(tasks) == 1 and tasks[0].why is not Why.NEW:
        begin(0)
        return [perform(spool, plan, tasks[0], context)]
    try:
        spool.home.check_name()
        claimed = spool.claim_all([task.name for task in tasks])
    except OSError as error:
        trouble = Trouble(trouble_of(error), is_of_host(error))
        return [Report(task, trouble) for task in tasks]
    reports: dict[str, Report] = {}
    together: list[tuple[Task, Ran]] = []
    for index, task in enumerate(tasks):
        taken = claimed[task.name]
        if isinstance(taken, Claim):
            begin(index)
            ran = attempt.run_claim(taken, plan, _context(task, context))
            if ran.error is None and spool.can_commit_together(taken):
                together.append((task, ran))
            else:
                reports[task.name] = Report(task, attempt.end_run(ran, plan, context))
        elif isinstance(taken, OSError):
            reports[task.name] = Report(task, Trouble(trouble_of(taken), is_of_host(taken)))
    begin(NONE)
    if together:
        outcomes = attempt.end_runs([ran for _, ran in together], spool, plan, context)
        gather_nodes([outcome.figures for outcome in outcomes if outcome.verdict is Verdict.COMMIT])
        reports |= {
            task.name: Report(task, outcome) for (task, _), outcome in zip(together, outcomes, strict=True)
        }
    remaining = [index for index, task in enumerate(tasks) if task.name not in reports]
    for index in remaining:  # to be adopted, or to be claimed only now
        begin(index)
        reports[tasks[index].name] = perform(spool, plan, tasks[index], context)
    if remaining:
        begin(NONE)
    return [reports[task.name] for task in tasks]


def _context(task: Task, context: RunContext) -> RunContext:
    if (task.helpers, task.was_closed) == (context.helpers, context.was_closed):
        return context
    return replace(context, helpers=task.helpers, was_closed=task.was_closed)


def serve_tasks(channel_number: int, parent: int, marked: int) -> None:
    """Run a worker, until told to leave or until the other end of the socket is closed.

    Args:
        channel_number: the worker's end of the socket.
        parent: the id of the process that started it.
        marked: the file of its `CurrentTask`.
    """
    worker = _Worker(begin_process(channel_number, parent), CurrentTask(marked))
    os.close(marked)
    worker.handle_signals()
    try:
        worker.work()
    except FprocError as error:
        for line in error.problems if isinstance(error, ConfigError) else [error]:
            log.error("a worker cannot start: %s", line)  # noqa: TRY400 - the message is complete
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.exit(1)  # the parent is gone
    except Exception as error:
        if own_code.is_at_fault(error):
            sys.exit(own_code.REPLACED_STATUS)
        raise


class _BeatingDisk(Disk):
    """A disk that counts each fsync as progress: on a slow disk, a commit of many files takes long."""

    def __init__(self, mark: CurrentTask, *, power: bool) -> None:
        super().__init__(power=power)
        self._mark = mark

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self._mark.beat()

    def sync_folder(self, path: str) -> None:
        super().sync_folder(path)
        self._mark.beat()


def _spool(setup: Setup, mark: CurrentTask) -> Spool:
    """Return the watched spool.

    Raises:
        FprocError: it has vanished; a worker creates no folders.
    """
    try:
        disk = _BeatingDisk(mark, power=setup.config.durability == "power")
        return Spool(setup.config, disk=disk, name=setup.spool)
    except OSError as error:
        raise FprocError(trouble_of(error)) from error


def _check_tables(setup: Setup, plan: Plan) -> None:
    """Check that tables are as the instance has loaded them: no two workers may look up different values.

    Raises:
        FprocError: one has changed.
    """
    for path, digest in plan.table_files.items():
        if setup.tables.get(path, digest) != digest:
            raise FprocError(
                f"{shown(path)} has changed since it was loaded; reload (SIGHUP) or restart to use it"
            )


class _Worker:
    def __init__(self, channel: socket.socket, mark: CurrentTask) -> None:
        self._channel = channel
        self._mark = mark
        self._responder = Responder(mark)
        self._receiver = Receiver()
        self._messages: list[object] = []
        self._is_stopping = False
        self._told_at = 0.0
        self._recorder: TraceSampler | None = None
        self._signalled, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)

    def handle_signals(self) -> None:
        """Handle SIGTERM, whatever users' code has set: called again after such code has run.

        While such code runs, or if it blocks SIGTERM for good, the pool kills this worker after a while.
        """
        signal.signal(signal.SIGTERM, self.stop)
        self._responder.listen()
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Leave, once the running file has reached a checkpoint or its end."""
        self._is_stopping = True

    def work(self) -> None:
        """Do tasks until told to leave."""
        setup = self._next()
        if not isinstance(setup, Setup):
            return
        sys.path[:] = setup.search_path
        use_sources(setup.sources)
        setup.set_up_log()
        spool, plan = _spool(setup, self._mark), assemble(setup.config)
        plan = replace(plan, fingerprint=setup.fingerprint or plan.fingerprint)
        _check_tables(setup, plan)
        self.handle_signals()
        self._recorder = TraceSampler(plan, setup.make_observer())
        context = RunContext(
            observer=self._recorder,
            progress=self._tell,
            is_stopping=self._has_to_leave,
            sampling=Sampling(),
            mark=self._mark,
            taken_up=self._tell_origin,
            spare=SpareRun(),
        )
        send(self._channel, Ready())
        heap.freeze_heap()
        while isinstance(tasks := self._next(), tuple):
            self._told_at = time.monotonic()
            reports = perform_all(spool, plan, tasks, context, self._mark.begin)
            self.handle_signals()
            send(self._channel, [report.value for report in reports])
        send(self._channel, Leaving())

    def _next(self) -> object | None:
        """Return the next message, or None when there are no more or when told to leave.

        A signal ends the wait by a byte in a pipe, so one that comes just before the wait is not missed.
        """
        while not (self._messages or self._has_to_leave()):
            readable = wait_readable([self._channel.fileno(), self._signalled], None)
            if self._signalled in readable:
                os.read(self._signalled, 4096)
            if self._channel.fileno() in readable and not self._has_to_leave():
                data = self._channel.recv(65536)
                if not data:
                    return None
                self._messages += self._receiver.add(data)
        return None if self._has_to_leave() else self._messages.pop(0)

    def _has_to_leave(self) -> bool:
        """Return whether a signal has said so; it may come between any two lines."""
        return self._is_stopping

    def _tell_origin(self, name: str, origin: Origin) -> None:
        send(self._channel, Report(Task(name, Why.ORPHAN), TakenUp(origin)))

    def _tell(self, position_bytes: int, lines: int, rejected: int, skipped: int) -> None:
        if time.monotonic() - self._told_at >= PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            traces = self._recorder.so_far() if self._recorder else ()
            progress = Progress(
                lines, position_bytes, os.getpid(), traces, rejected=rejected, skipped=skipped
            )
            send(self._channel, progress)
