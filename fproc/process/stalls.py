"""Detecting that a process makes no progress, and finding out where it is."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from fproc.base.text import log_fields, shown
from fproc.base.times import rfc3339
from fproc.process.mark import CurrentTask, Doing, Whereabouts
from fproc.process.whereabouts import answer_from

log = logging.getLogger("fproc.stalls")

ANSWER_SECONDS = 1.0
"""Seconds a process may take to say where it is; it cannot while a call into C holds the interpreter."""

LOOK_SECONDS = 0.05
"""Seconds between looks for an answer."""

LOOKS = 4
"""The least number of looks within `stall_seconds`."""


class Question:
    """A question to a process about its current work.

    Args:
        mark: it takes the answer.
        ask: makes the process answer.
        seconds: how long to wait for the answer.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        mark: CurrentTask,
        ask: Callable[[], None],
        seconds: float = ANSWER_SECONDS,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mark = mark
        self._ask = ask
        self._seconds = seconds
        self._monotonic = monotonic
        self._asked_at: float | None = None

    def answer(self) -> Whereabouts | None:
        """Return its current work; None until it has answered, or time is up.

        Each call without an answer asks once more: a signal does not wake a thread of Python that it reaches
        just before the thread begins to wait for a lock.
        """
        now = self._monotonic()
        answer = None if self._asked_at is None else self._mark.answer()
        if answer is not None:
            return answer
        if self._asked_at is None:
            self._asked_at = now
        if now - self._asked_at > self._seconds:
            return self._mark.known()
        self._ask()
        return self._mark.answer()

    def forget(self) -> None:
        """Have the next call ask again."""
        self._asked_at = None

    @property
    def is_open(self) -> bool:
        """Whether it was asked."""
        return self._asked_at is not None


class Vigil:
    """The watch over one process.

    Args:
        mark: it has the current work of the process.
        ask: makes the process answer, in that mark.
        stall_seconds: how long it may make no progress.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        mark: CurrentTask,
        ask: Callable[[], None],
        stall_seconds: float,
        *,
        monotonic: Callable[[], float],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.question = Question(mark, ask, monotonic=monotonic)
        self._mark = mark
        self._stall_seconds = stall_seconds
        self._monotonic = monotonic
        self._clock = clock
        self.stalled = ""
        self._stalled_names = ""
        self._since = monotonic()
        self.begin()

    def begin(self) -> None:
        """Count from now on, after it made progress or got done; log that if it had stalled."""
        if self.stalled:
            seconds = self._monotonic() - self._since
            fields = log_fields("progress", file=self._stalled_names, seconds=round(seconds, 3))
            log.warning(
                "%s: goes on, after %.0f s without progress", self._stalled_names, seconds, extra=fields
            )
        self._last = self._mark.seen()[:3]
        self._since = self._monotonic()
        self.question.forget()
        self.stalled = ""

    def look(self, names: Callable[[], str]) -> None:
        """Check whether it has made progress, and log it if it has stalled.

        Afterwards `stalled` says since when and where it is stalled, or is "".

        Args:
            names: returns the files that it processes, for the log.
        """
        seconds = self._monotonic() - self._since
        if self._mark.seen()[:3] != self._last:
            self.begin()
        elif seconds >= self._stall_seconds and not self.stalled:
            where = self.question.answer()
            if where is not None:
                self.stalled = f"no progress since {rfc3339(self._clock() - seconds)}: {shown(str(where))}"
                self._stalled_names = names()
                fields = log_fields(
                    "stalled",
                    file=self._stalled_names,
                    seconds=round(seconds, 3),
                    node=where.node,
                    line=where.line_no,
                )
                log.warning(
                    "%s: no progress for %.0f s: %s",
                    self._stalled_names,
                    seconds,
                    shown(str(where)),
                    extra=fields,
                )

    @property
    def is_asking(self) -> bool:
        """Whether an answer is awaited."""
        return self.question.is_open and not self.stalled


@contextmanager
def alarmed(mark: CurrentTask, name: str, stall_seconds: float, *, is_pipe: bool = False) -> Iterator[None]:
    """Have this process itself log in this context that it stalls at a file; a pipe may be silent.

    A timer interrupts it (setitimer(2)), as a match may keep all threads from running. Users' code that uses
    the same signal, or the same timer, takes that over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted: FrameType | None = None

    def ask() -> None:
        mark.ask()
        answer_from(interrupted, mark)

    vigil = Vigil(mark, ask, stall_seconds, monotonic=time.monotonic)

    def look(_number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if is_pipe and mark.seen().doing == Doing.READING:
            vigil.begin()
            return
        interrupted = frame
        with suppress(RuntimeError):  # it is blocked writing to standard error itself
            vigil.look(lambda: name)
        interrupted = None
        if vigil.is_asking:
            signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, every_seconds)

    every_seconds = stall_seconds / LOOKS
    earlier = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, every_seconds, every_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)
    vigil.begin()
