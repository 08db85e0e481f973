"""The watching loop: look at the folders, take what is ready, record what became of it.

One worker, in this process. A file in trouble costs nobody else anything; a machine in trouble (a full
disk, say) pauses intake until it is well again, and costs no file anything.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from fproc import job
from fproc.engine import Observer
from fproc.errors import EXIT_INTERRUPTED, ConfigError, counted, reason_of, shown
from fproc.job import Outcome
from fproc.lifecycle import Fate, is_of_machine
from fproc.metrics import Metrics
from fproc.plan import Plan
from fproc.spool import Claim, NotYet, Scan, Settled, Spool

log = logging.getLogger("fproc.watch")

PAUSE_SECONDS = 1.0
PAUSE_MAX_SECONDS = 30.0
"""How long intake pauses when the machine is in trouble; doubled each time that it still is."""

DRAIN_SETTLE_TIMES = 2
"""How many settle times `--drain` waits for a file that keeps changing."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the loop knows of itself; `trouble` is what pauses intake or keeps files waiting, or ""."""

    trouble: str
    stopping: bool


@dataclass(frozen=True, slots=True)
class _Due:
    """When (seconds since 1970) to take up an input in `underprocess/`, and whether its owner has died."""

    time: float
    is_orphan: bool


@dataclass(frozen=True, slots=True)
class _Troubled:
    """What is wrong with a name, until when (monotonic) it is left alone, and how often that was."""

    trouble: str
    until: float
    times: int


class Watcher:
    """The loop over one spool."""

    def __init__(
        self,
        spool: Spool,
        plan: Plan,
        metrics: Metrics,
        *,
        observer: Observer | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._plan = plan
        self._metrics = metrics
        self._observer = observer
        self._monotonic = monotonic
        self._stopping = False
        self._trouble = ""
        self._pauses = 0
        self._paused_until = monotonic()
        self._look_at = monotonic()
        self._due: dict[str, _Due] = {}
        self._troubled: dict[str, _Troubled] = {}
        self.failed = 0

    def health(self) -> Health:
        """How the loop is; may be called from any thread."""
        names = [f"{shown(name)}: {state.trouble}" for name, state in list(self._troubled.items())]
        return Health("; ".join([self._trouble, *names] if self._trouble else names), self._stopping)

    def stop(self) -> None:
        """Claim no more, and return once the running file is done."""
        self._stopping = True

    def watch(self) -> None:
        """Turn until stopped."""
        with _signals(self.stop) as wait:
            log.info("watching %s", shown(self._spool.folders.unprocessed))
            while not self._stopping:
                self.turn()
                wait(self._plan.config.intake.poll_seconds)
            log.info("stopped; nothing is lost, what is left is taken up at the next start")

    def drain(self) -> bool:
        """Turn until nothing is left to do, or until stopped.

        A file that keeps changing is waited for only so long, and one that waits for its marker not at all.

        Returns:
            Whether it ended so; not if the machine, or a file's name, is in trouble.
        """
        patience_seconds = self._plan.config.intake.settle_seconds * DRAIN_SETTLE_TIMES + 1
        with _signals(self.stop) as wait:
            deadline = self._monotonic() + patience_seconds
            while not self._stopping:
                scan = self.turn()
                if self._is_paused():
                    return False
                settling = scan.settling and self._monotonic() < deadline
                ready = [name for name in scan.ready if name not in self._troubled]
                due = [name for name in self._due if name not in self._troubled]
                if not (ready or settling or due):
                    return not self._troubled
                wait(self._plan.config.intake.poll_seconds)
        return True

    def turn(self) -> Scan:
        """One look at the folders, and everything that follows from it. Gives what was seen."""
        nothing = Scan([], {}, [])
        if self._is_paused():
            return nothing
        try:
            scan = self._spool.scan()
            self._look_for_orphans()
        except (OSError, ConfigError) as error:
            self._pause(reason_of(error))
            return nothing
        now = self._spool.clock()
        for name in [name for name, due in self._due.items() if due.time <= now]:
            self._work_on(name, self._take_up)
        for name in scan.ready:
            self._work_on(name, self._claim)
        self._troubled = {
            name: state for name, state in self._troubled.items() if name in scan.ready or name in self._due
        }
        if not self._is_paused():
            self._resume()
        return scan

    def _look_for_orphans(self) -> None:
        """From time to time, note what may have lost its owner."""
        recovery = self._plan.config.recovery
        if recovery.enabled and self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + recovery.check_interval
            for name in self._spool.left_over():
                self._due.setdefault(name, _Due(0.0, is_orphan=True))

    def _work_on(self, name: str, work: Callable[[str], None]) -> None:
        """Do something with a name, unless work has to stop; its trouble, if it has any, is its own."""
        troubled = self._troubled.get(name)
        if self._stopping or self._is_paused() or (troubled and self._monotonic() < troubled.until):
            return
        try:
            work(name)
            if troubled and self._troubled.get(name) is troubled:
                del self._troubled[name]
        except OSError as error:
            if is_of_machine(error):
                self._pause(reason_of(error))
            else:
                self._set_aside(name, reason_of(error))

    def _claim(self, name: str) -> None:
        claim = self._spool.claim(name)
        if claim is None:  # an earlier input of this name is not done yet, maybe because its owner died
            self._due.setdefault(name, _Due(0.0, is_orphan=True))
        else:
            self._process(claim)

    def _take_up(self, name: str) -> None:
        """Adopt what is due: an orphan, or a file that is to be tried again."""
        due = self._due[name]
        taken = self._spool.adopt(name)
        del self._due[name]
        if isinstance(taken, NotYet):
            self._due[name] = _Due(taken.not_before, is_orphan=False)
            return
        if taken is None:
            return
        if due.is_orphan:
            self._metrics.add_recovered()
            log.info("%s: taken up again after a crash", shown(name))
        if isinstance(taken, Settled):
            self._metrics.add_settled(succeeded=taken.succeeded)
            self.failed += not taken.succeeded
            log.info("%s: finished as it was decided", shown(name))
        else:
            self._process(taken)

    def _process(self, claim: Claim) -> None:
        self._record(job.process(claim, self._plan, clock=self._spool.clock, observer=self._observer))

    def _record(self, outcome: Outcome) -> None:
        self._metrics.add(outcome)
        name = shown(outcome.file)
        if outcome.fate is Fate.COMMIT:
            results = ", ".join(map(shown, outcome.results)) or "no result"
            log.info(
                "%s: %s in, %d out, %.3f s -> %s",
                name,
                counted(outcome.figures.lines_in, "line"),
                outcome.figures.lines_out,
                outcome.seconds,
                results,
            )
        elif outcome.fate is Fate.FAIL:
            self.failed += 1
            log.error("%s: failed after %s: %s", name, counted(outcome.attempts, "attempt"), outcome.error)
        elif outcome.fate is Fate.RETRY:
            self._due[outcome.file] = _Due(self._spool.clock() + outcome.retry_seconds, is_orphan=False)
            log.warning("%s: tried again in %.1f s: %s", name, outcome.retry_seconds, outcome.error)
        else:
            self._due[outcome.file] = _Due(0.0, is_orphan=False)
            if outcome.fate is Fate.PAUSE:
                self._pause(outcome.error)
            else:
                self._set_aside(outcome.file, outcome.error)

    def _set_aside(self, name: str, trouble: str) -> None:
        """Leave a name alone for a while that cannot be worked with; the others go on."""
        earlier = self._troubled.get(name)
        if earlier is None:
            log.error("%s: cannot be worked with, and waits until that is mended: %s", shown(name), trouble)
        times = earlier.times + 1 if earlier else 0
        self._troubled[name] = _Troubled(trouble, self._monotonic() + _pause_seconds(times), times)

    def _pause(self, trouble: str) -> None:
        if not self._trouble:
            log.error(
                "intake is paused, nothing is lost, work goes on by itself once this is mended: %s", trouble
            )
        self._trouble = trouble
        self._paused_until = self._monotonic() + _pause_seconds(self._pauses)
        self._pauses += 1

    def _is_paused(self) -> bool:
        return self._monotonic() < self._paused_until

    def _resume(self) -> None:
        if self._trouble:
            log.info("intake goes on")
        self._trouble = ""
        self._pauses = 0


def _pause_seconds(times: int) -> float:
    """How long to wait in trouble that has been met so many times before."""
    return min(PAUSE_MAX_SECONDS, PAUSE_SECONDS * 2.0 ** min(times, 10))


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[Callable[[float], None]]:
    """Within it SIGTERM and SIGINT stop the loop, a second one the process; gives how to wait meanwhile.

    The wait ends early when a signal arrives: Python writes a byte to the pipe (`signal.set_wakeup_fd`).
    """
    told = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        if told:
            os._exit(EXIT_INTERRUPTED)  # nothing is lost: the next start takes up what was running
        told = True
        stop()

    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    os.set_blocking(read_end, False)
    earlier_wakeup = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    earlier = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}

    def wait(seconds: float) -> None:
        select.select([read_end], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(read_end, 4096)

    try:
        yield wait
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(earlier_wakeup)
        os.close(read_end)
        os.close(write_end)
