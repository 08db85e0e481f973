"""The watching loop: scan the folders, give tasks to the workers, record the outcomes.

The loop itself never holds a file: workers do. A file in trouble costs no other file anything; a host in
trouble (a full disk, say) pauses intake until that is over, and costs no file anything.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import islice

from fproc.base.faults import trouble_of
from fproc.base.text import log_fields, shown
from fproc.base.values import replace
from fproc.config.model import Config
from fproc.process import heap
from fproc.process.signals import handled
from fproc.spool.disk.paths import seconds_since_change
from fproc.spool.intake.scanner import Scan, is_large
from fproc.spool.locks.instance import MOST_NAMES, Facts, named
from fproc.spool.spool import Spool
from fproc.telemetry.notify.service_manager import ServiceManager
from fproc.telemetry.recorder import Recorder
from fproc.watch.chores import Chores
from fproc.watch.draining import Changing, Patience, say_what_is_left
from fproc.watch.pauses import Pauses
from fproc.watch.polling import Polling, woken
from fproc.watch.pruning import AMOUNT_SECONDS, PRUNE_SECONDS, Pruning
from fproc.watch.queue import WorkQueue
from fproc.watch.reloading import LOOK_SECONDS, Reloader
from fproc.watch.reports import GROUP_FILES, GROUP_SECONDS, Reports
from fproc.watch.workers.interface import Workers
from fproc.watch.workers.messages import Task, Why

log = logging.getLogger("fproc.watch")

LATE_SECONDS = 0.5
"""How often inputs that may be written to late are looked at."""

ORPHAN_SECONDS = 0.5
"""How often `underprocess/` is searched for inputs whose owner has died."""


class Watcher:
    """The loop over one spool."""

    def __init__(
        self,
        spool: Spool,
        config: Config,
        workers: Workers,
        recorder: Recorder,
        *,
        manager: ServiceManager | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._config = config
        self._workers = workers
        self._recorder = recorder
        self._manager = manager or ServiceManager()
        self._reloader: Reloader | None = None
        self._monotonic = monotonic
        is_large_file = partial(is_large, spool.folders.unprocessed)
        self._queue = WorkQueue(monotonic=monotonic, is_large=is_large_file)
        self._pauses = Pauses(recorder, monotonic=monotonic)
        self._stopping = False
        self._has_worked = False
        self._has_vanished = False
        self._unreadable: Mapping[str, str] = {}
        self._count_waiting = 0
        self._some_waiting: Collection[str] = ()
        self._changing = Changing(config.intake, monotonic=monotonic)
        self._look_for_orphans_at = self._look_for_jobs_at = monotonic()
        self.chores = Chores(monotonic)
        self._pruning = self._new_pruning()
        self.chores.add(self._look_for_late_writers, LATE_SECONDS)
        self._reports = Reports(spool, self._queue, self._pauses, self._changing, recorder)

    def reload_by(self, reloader: Reloader) -> None:
        """Let SIGHUP request reloads of this reloader."""
        self._reloader = reloader
        self.chores.add(reloader.look, LOOK_SECONDS)

    def configure(self, config: Config) -> None:
        """Take files from now on as this configuration says, whose folders are the same."""
        self._config = config
        self._spool.configure(config)
        self._changing.configure(config.intake)
        self._recorder.configure(config.retention)
        self._pruning.close()
        self._pruning = self._new_pruning()

    def _new_pruning(self) -> Pruning:
        retention = self._config.retention
        return Pruning(
            partial(self._spool.prune, retention, names=self._recorder.result_names),
            self._recorder.prune,
            every_seconds=AMOUNT_SECONDS if retention.has_amounts else PRUNE_SECONDS,
            monotonic=self._monotonic,
        )

    @property
    def failed(self) -> int:
        """How many files have failed."""
        return self._reports.failed

    def health(self) -> Facts:
        """Return the health of the loop; may be called from any thread."""
        troubles = {**self._unreadable, **self._queue.troubles()}
        names = dict(islice(troubles.items(), MOST_NAMES))
        stalled = {
            name: progress.stalled for name, progress in self._workers.running().items() if progress.stalled
        }
        late = self._spool.late.troubles()
        messages = {"workers": named(stalled), "late_writers": named(late)}
        checks = {name: message for name, message in messages.items() if message}
        notes: Mapping[str, Mapping[str, str]] = {}
        if self._reloader:
            checks |= self._reloader.checks()
            notes = self._reloader.notes()
        more = len(troubles) - len(names)
        return Facts(self._pauses.trouble, self._stopping, names, more, checks, notes)

    def stop(self) -> None:
        """Make the loop return once running files are done or at a checkpoint; no more are claimed."""
        self._stopping = True

    def watch(self) -> None:
        """Run until stopped."""
        heap.freeze_heap()
        self._loop(None)
        text = "stopped; nothing is lost, what is left is taken up at the next start"
        log.info(text, extra=log_fields("stopped"))

    def drain(self) -> bool:
        """Run until nothing is left to do, or until stopped.

        A file that keeps changing is waited for only for a while, one that waits for its marker not at all.
        The files left behind are logged. Return False if the host or a name is in trouble.
        """
        patience = Patience(self._config.intake, monotonic=self._monotonic)

        def is_done(scan: Scan) -> bool:
            given_up = self._changing.given_up()
            troubled = self._queue.troubles().keys()
            given_up_on = troubled | given_up.keys()
            if self._pauses.is_on():
                return True
            if self._queue.known() - given_up_on or self._queue.has_found_others(given_up_on):
                return False
            if patience.is_worth(scan) or self._workers.running():
                return False
            say_what_is_left(scan, given_up, self._queue.found_in_trouble())
            return True

        self._loop(is_done)
        return self._stopping or not (self._pauses.is_on() or self._queue.troubles())

    def _loop(self, is_done: Callable[[Scan], bool] | None) -> None:
        """Scan the folders, and give tasks and take reports between the scans, until stopped or done."""
        is_still_empty = self._spool.is_still_empty if is_done is None else lambda: False
        polling = Polling(lambda: self._config.intake.poll_seconds, is_still_empty, monotonic=self._monotonic)
        reload = self._reloader.request if self._reloader else None
        with handled(self.stop, reload) as wait, woken(self._spool.folders.unprocessed) as wakeup:
            self._manager.ready()
            if is_done is None:  # only now: whoever reads this may send signals
                folder = self._spool.folders.unprocessed
                log.info("watching %s", shown(folder), extra=log_fields("started", folder=folder))
            try:
                while not self._stopping:
                    self._serve_operators()
                    is_woken = wakeup.is_due and polling.is_rested()
                    if not is_woken:  # else a file is waiting: it comes first
                        self._work()
                    is_told = polling.can_be_woken and not wakeup.is_due
                    if is_woken or self._has_run_dry(is_told=is_told) or polling.is_poll_due():
                        self._has_worked = False
                        can_be_woken = wakeup.arm() and is_done is None and self._spool.sharing.is_local
                        began = self._monotonic()
                        scan = self.turn()
                        if is_done and is_done(scan):
                            break
                        del scan  # frees what it has found, which may be very much, before the next look
                        polling.looked(self._monotonic() - began, can_be_woken=can_be_woken)
                    elif self._config.intake.poll_seconds > ORPHAN_SECONDS:
                        self._look_between_polls()
                    left_seconds = min(
                        polling.left_seconds(is_woken=wakeup.is_due),
                        self._workers.look_seconds(),
                        self._manager.left_seconds(),
                    )
                    wait(left_seconds, self._sockets())
            finally:
                self._manager.stopping()
                if self._reloader:
                    self._reloader.close()
                self._end_workers()
                self._spool.closings.close()
                self._pruning.end(lambda: self._stopping)
                self._recorder.close()

    def _serve_operators(self) -> None:
        """Go on with a reload, and tell the service manager how it goes."""
        if self._reloader:
            self._reloader.turn()
        self._manager.turn(self._status)

    def _sockets(self) -> list[int]:
        return [*self._workers.sockets(), *(self._reloader.sockets() if self._reloader else [])]

    def _status(self) -> str:
        """Return how it goes, in one line."""
        counts = f"{self._reports.processed} processed, {self._reports.failed} failed"
        at_work = f"{len(self._workers.running())} in work, {counts}"
        facts = self.health()
        return "; ".join(filter(None, [at_work, facts.trouble, *facts.checks.values()]))

    def _has_run_dry(self, *, is_told: bool) -> bool:
        """Return whether something was done, and a look may find more than there is to give out.

        If the kernel tells of the next name (`is_told`) and no other waits, the look has time until the poll.
        """
        if not self._has_worked or (is_told and not self._count_waiting):
            return False
        return not self._queue.count_ready() and self._workers.has_room()

    def turn(self) -> Scan:
        """Scan the folders once, do what follows at once, and return the scan."""
        nothing = Scan()
        self._take_reports()
        if self._pauses.is_on():
            return nothing
        if not self._is_spool_there():
            return nothing
        try:
            self._spool.sharing.agree(self._end_workers)
            scan = self._look()
            self._unreadable = scan.unreadable
            self._count_waiting, self._some_waiting = len(scan.waits), [*islice(scan.waits, MOST_NAMES)]
            self._look_for_orphans()
            self.chores.turn()
            self._pruning.turn()
        except OSError as error:
            self._pauses.begin(trouble_of(error))
            return nothing
        if self._queue.has_found_others(self._queue.troubles()):
            self._recorder.arrived()
        self._queue.end_look()
        self._work()
        has_work = self._queue.has_found_others(()) or self._queue.known()
        if not (self._pauses.is_on() or self._workers.running() or has_work):
            self._pauses.end()
        return scan

    def _look(self) -> Scan:
        """Look at what is ready, and go on with the work meanwhile."""
        scan = Scan()
        self._queue.begin_look()
        for run in self._spool.look(scan):
            if self._stopping:
                break
            if run:
                self._queue.found(run)
                continue
            if not self._is_order_exact():
                self._queue.give_out()
            self._give_and_take()
            self._manager.turn(self._status)
        return scan

    def _is_order_exact(self) -> bool:
        """Return whether nothing may be given out of what a look has found before it has ended."""
        return self._config.intake.order == "name" or self._workers.size == 1

    def _is_spool_there(self) -> bool:
        """Return whether no folder has vanished; one that has is looked for at short intervals."""
        try:
            self._spool.home.check()
        except OSError as error:
            self._has_vanished = True
            self._pauses.begin(trouble_of(error), is_first=True)
            return False
        if self._has_vanished:
            self._has_vanished = False
            self._pauses.end()
        return True

    def _look_for_late_writers(self) -> None:
        """Record the inputs that were written to after they were processed; they are in `failed/` now."""
        for rolled_forward in self._spool.late.look():
            self._reports.rolled_forward(rolled_forward)
            name, error = rolled_forward.name, rolled_forward.error
            log.error("%s: %s", shown(name), error, extra=log_fields("written_late", file=name, error=error))

    def _look_for_orphans(self) -> None:
        """Queue, from time to time, the inputs that may have lost their owner."""
        recovery, now = self._config.recovery, self._monotonic()
        if not recovery.enabled:
            return
        known = {*self._queue.known(), *self._workers.running()}
        is_deep = now >= self._look_for_jobs_at
        if is_deep:
            self._look_for_jobs_at = now + recovery.check_interval
        if is_deep or now >= self._look_for_orphans_at:
            self._look_for_orphans_at = now + min(ORPHAN_SECONDS, recovery.check_interval)
            for name, seen_version in self._spool.orphans(known, deep=is_deep).items():
                self._queue.add(Task(name, Why.ORPHAN, seen_version=seen_version))

    def _look_between_polls(self) -> None:
        """Queue inputs whose owner has died, if polls are too rare for that."""
        is_due = self._monotonic() >= self._look_for_orphans_at
        if is_due and not self._pauses.is_on() and self._is_spool_there():
            try:
                self._look_for_orphans()
            except OSError as error:
                self._pauses.begin(trouble_of(error))

    def _work(self) -> None:
        """Give tasks to free workers, take their reports, and tell how much is left."""
        self._give_and_take()
        at_work = len(self._queue.known()) + len(self._workers.running())
        left = self._count_waiting + self._queue.count_ready() + at_work
        self._recorder.left(left, self._oldest_seconds)

    def _give_and_take(self) -> None:
        """Give tasks to free workers, and take their reports."""
        while True:
            while not (self._stopping or self._pauses.is_on()) and self._workers.has_room():
                tasks = self._next_tasks()
                if not tasks:
                    break
                self._submit(tasks)
            if not self._take_reports():
                break
        self._recorder.turn(self._workers.running, self.health)

    def _oldest_seconds(self) -> float:
        """Return how long the oldest of some inputs has waited: the first in line, and some not ready."""
        first = self._queue.first_ready()
        names = [*([first] if first else []), *self._some_waiting]
        folder, now = self._spool.folders.unprocessed, self._spool.clock()
        return max((seconds_since_change(folder, name, now) for name in names), default=0.0)

    def _next_tasks(self) -> list[Task]:
        """Return what to give out next: one task, or several small new files that will not take long."""
        busy = set(self._workers.running())
        tasks: list[Task] = []
        most = 1
        while len(tasks) < most:
            task = self._queue.next_small(busy) if tasks else self._queue.next(busy)
            if task is None:
                break
            if task.why is Why.NEW and not self._spool.is_waiting(task.name):
                continue
            was_closed = task.why is Why.NEW and self._spool.closings.was_closed(task.name)
            spare = self._spare()
            if spare or was_closed:
                task = replace(task, helpers=spare, was_closed=was_closed)
            tasks.append(task)
            busy.add(task.name)  # a name may be listed twice
            if len(tasks) == 1 and self._queue.is_small(task):
                most = self._group_files()
        return tasks

    def _spare(self) -> int:
        """Return how many workers have nothing to do: as many helpers may work on one file."""
        return 0 if self._queue.count_ready() else self._workers.count_free() - 1

    def _group_files(self) -> int:
        """Return how many small files to give out together: no more than a moment's work or a fair share."""
        in_time = GROUP_SECONDS / max(self._reports.file_seconds, GROUP_SECONDS / GROUP_FILES)
        share = (1 + self._queue.count_ready()) / self._workers.size
        return max(1, min(int(in_time), math.ceil(share)))

    def _submit(self, tasks: list[Task]) -> None:
        try:
            self._workers.submit(*tasks)
        except OSError as error:
            for task in tasks:
                self._reports.again(task)
            self._pauses.begin(f"no worker can be started: {trouble_of(error)}")

    def _take_reports(self) -> bool:
        """Record what the workers report; return whether they reported anything."""
        events = self._workers.collect()
        for event in events:
            self._reports.take(event)
        self._has_worked = self._has_worked or bool(events)
        return bool(events)

    def _end_workers(self) -> None:
        """End all work, and record the last reports."""
        for event in self._workers.stop():
            self._reports.take(event)
