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
from fproc.errors import EXIT_INTERRUPTED, reason_of, shown
from fproc.job import Outcome
from fproc.lifecycle import Fate
from fproc.metrics import Metrics
from fproc.plan import Plan
from fproc.spool import Claim, Scan, Settled, Spool

log = logging.getLogger("fproc.watch")

PAUSE_SECONDS = 1.0
PAUSE_MAX_SECONDS = 30.0
"""How long intake pauses when the machine is in trouble; doubled each time that it still is."""

DRAIN_SETTLE_TIMES = 2
"""How many settle times `--drain` waits for a file that keeps changing."""


@dataclass(frozen=True, slots=True)
class Health:
    """What the loop knows of itself; `trouble` is what pauses intake, or ""."""

    trouble: str
    stopping: bool


@dataclass(frozen=True, slots=True)
class _Due:
    """When (seconds since 1970) to take up an input in `underprocess/`, and whether its owner has died."""

    time: float
    is_orphan: bool


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
        self.failed = 0

    def health(self) -> Health:
        """How the loop is; may be called from any thread."""
        return Health(self._trouble, self._stopping)

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
        """Turn until nothing is left to do, then return whether that was reached.

        A file that keeps changing is waited for only so long, and one that waits for its marker not at all.
        """
        patience_seconds = self._plan.config.intake.settle_seconds * DRAIN_SETTLE_TIMES + 1
        with _signals(self.stop) as wait:
            deadline = self._monotonic() + patience_seconds
            while not self._stopping:
                scan = self.turn()
                if self._trouble:
                    return False
                settling = scan.settling and self._monotonic() < deadline
                if not (scan.ready or settling or self._due):
                    return True
                wait(self._plan.config.intake.poll_seconds)
        return False

    def turn(self) -> Scan:
        """One look at the folders, and everything that follows from it. Gives what was seen."""
        if self._is_paused():
            return Scan([], {}, [])
        try:
            scan = self._spool.scan()
            self._look_for_orphans()
            self._take_up()
            for name in scan.ready:
                if self._stopping or self._is_paused():
                    break
                claim = self._spool.claim(name)
                if (
                    claim is None
                ):  # an earlier input of this name is not done yet, maybe because its owner died
                    self._due.setdefault(name, _Due(self._spool.not_before(name), is_orphan=True))
                else:
                    self._process(claim)
        except OSError as error:
            self._pause(reason_of(error))
            return Scan([], {}, [])
        if not self._is_paused():
            self._resume()
        return scan

    def _look_for_orphans(self) -> None:
        """From time to time, note what may have lost its owner."""
        recovery = self._plan.config.recovery
        if recovery.enabled and self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + recovery.check_interval
            for name in self._spool.left_over():
                self._due.setdefault(name, _Due(self._spool.not_before(name), is_orphan=True))

    def _take_up(self) -> None:
        """Adopt what is due: orphans, and files that are to be tried again."""
        now = self._spool.clock()
        for name in [name for name, due in self._due.items() if due.time <= now]:
            if self._stopping or self._is_paused():
                return
            taken = self._spool.adopt(name)
            due = self._due.pop(name)
            if taken is None:
                continue
            if due.is_orphan:
                self._metrics.add_recovered()
                log.info("%s: taken up again after a crash", shown(name))
            if isinstance(taken, Settled):
                self._metrics.add_settled(succeeded=taken.succeeded)
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
                "%s: %d lines in, %d out, %.3f s -> %s",
                name,
                outcome.figures.lines_in,
                outcome.figures.lines_out,
                outcome.seconds,
                results,
            )
        elif outcome.fate is Fate.FAIL:
            self.failed += 1
            log.error("%s: failed after %d attempts: %s", name, outcome.attempts, outcome.error)
        elif outcome.fate is Fate.RETRY:
            self._due[outcome.file] = _Due(self._spool.clock() + outcome.retry_seconds, is_orphan=False)
            log.warning("%s: tried again in %.1f s: %s", name, outcome.retry_seconds, outcome.error)
        else:
            self._due[outcome.file] = _Due(0.0, is_orphan=False)
            self._pause(outcome.error)

    def _pause(self, trouble: str) -> None:
        delay_seconds = min(PAUSE_MAX_SECONDS, PAUSE_SECONDS * 2**self._pauses)
        if not self._trouble:
            log.error(
                "intake is paused, nothing is lost, work goes on by itself once this is mended: %s", trouble
            )
        self._trouble = trouble
        self._pauses += 1
        self._paused_until = self._monotonic() + delay_seconds

    def _is_paused(self) -> bool:
        return self._monotonic() < self._paused_until

    def _resume(self) -> None:
        if self._trouble:
            log.info("intake goes on")
        self._trouble = ""
        self._pauses = 0


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
