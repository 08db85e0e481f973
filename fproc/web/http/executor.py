"""Threads that answer: a few for short requests, and some for bodies that may take long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

log = logging.getLogger("fproc.dashboard")

ANSWERING = 4
WAITING = 256
STREAMING = 32
"""The most threads that answer, requests that wait for one, and bodies that are read at a time."""

CLOSE_SECONDS = 5.0
"""Seconds that `close` waits for all threads to end."""

Job = Callable[[], None]


class Overloaded(Exception):  # noqa: N818 - a state, not an error
    """There is too much to do; the message says what."""


class Executor:
    """The threads. They end with the process, whatever they do: one that hangs must not keep it alive."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._answering: list[threading.Thread] = []
        self._streaming: set[threading.Thread] = set()

    def answer(self, job: Job) -> None:
        """Do a job as soon as a thread has time.

        Raises:
            Overloaded: too many wait already.
        """
        if self._jobs.qsize() >= WAITING:
            raise Overloaded("too many requests wait to be answered")
        if len(self._answering) < ANSWERING:
            self._answering.append(_started(self._work, "dashboard-answer"))
        self._jobs.put(job)

    def stream(self, job: Job) -> None:
        """Do a job on a thread of its own.

        Raises:
            Overloaded: too many are running.
        """
        self._streaming = {thread for thread in self._streaming if thread.is_alive()}
        if len(self._streaming) >= STREAMING:
            raise Overloaded(f"{STREAMING} uploads are under way already; wait for one of them")
        self._streaming.add(_started(lambda: _guarded(job), "dashboard-upload"))

    def close(self) -> None:
        """Let the threads end, and wait for them for a moment."""
        for _ in self._answering:
            self._jobs.put(None)
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in [*self._answering, *self._streaming]:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _guarded(job)


def _started(job: Job, name: str) -> threading.Thread:
    thread = threading.Thread(target=job, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # the system has no more threads
        raise Overloaded(f"no thread can be started: {error}") from error
    return thread


def _guarded(job: Job) -> None:
    try:
        job()
    except Exception:
        log.exception("a request could not be answered; this is a bug in fproc")
