"""Threads that answer: a few for short requests, and some for bodies that may take long."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum, auto
from queue import SimpleQueue
from typing import Protocol

from fproc.web.access.addresses import client_key

log = logging.getLogger("fproc.dashboard")

ANSWERING = 4
WAITING = 256
STREAMING = 32
"""The most threads for usual requests, requests that wait in a lane, and bodies that are read at a time."""

SHARE = 16
"""The most bodies of one client that are read at a time."""

SAFE_SECONDS = 30.0
"""Seconds after which a body that comes more slowly than the others may have to give way."""

CLOSE_SECONDS = 5.0
"""Seconds that `close` waits for all threads to end."""

Job = Callable[[], None]


class Overloaded(Exception):  # noqa: N818 - a state, not an error
    """There is too much to do; the message says what."""


class StreamedBody(Protocol):
    """A body that is read by a thread of its own."""

    client: str

    def age_seconds(self) -> float:
        """Return for how long it has been read."""

    def bytes_per_second(self) -> float:
        """Return its average speed."""

    def give_way(self) -> None:
        """Let it end soon, for another one to have its place."""


class Lane(Enum):
    """Kinds of requests, each with threads of its own, so that none waits for one of another kind."""

    USUAL = auto()
    """What takes no long time."""
    VITAL = auto()
    """What supervisors and monitoring ask for."""
    SEARCH = auto()
    """Questions about many files."""
    CHANGE = auto()
    """Changes of many files."""


THREADS = {Lane.VITAL: 2, Lane.SEARCH: 2, Lane.CHANGE: 1}
"""The most threads of each lane but the usual one."""


class _LaneThreads:
    """The threads of one lane, started when they are needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.threads: list[threading.Thread] = []

    def put(self, job: Job, most_threads: int) -> None:
        if self._jobs.qsize() >= WAITING:
            raise Overloaded("too many requests wait to be answered")
        if len(self.threads) < most_threads:
            self.threads.append(_started(self._work, self._name))
        self._jobs.put(job)

    def end(self) -> None:
        for _ in self.threads:
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            _guarded(job)


class Executor:
    """The threads. They end with the process, whatever they do: one that hangs must not keep it alive."""

    def __init__(self) -> None:
        self._lanes = {lane: _LaneThreads(f"dashboard-{lane.name.lower()}") for lane in Lane}
        self._streaming: dict[threading.Thread, StreamedBody] = {}
        self._ending: set[threading.Thread] = set()

    def answer(self, job: Job, lane: Lane = Lane.USUAL) -> None:
        """Do a job as soon as a thread of its lane has time.

        Raises:
            Overloaded: too many wait already.
        """
        self._lanes[lane].put(job, THREADS.get(lane, ANSWERING))

    def stream(self, job: Job, body: StreamedBody) -> None:
        """Read a body on a thread of its own.

        If all places are taken, or the client's share of them, the slowest of these bodies gives way, unless
        all have begun within `SAFE_SECONDS`.

        Raises:
            Overloaded: too many are running.
        """
        self._streaming = {thread: it for thread, it in self._streaming.items() if thread.is_alive()}
        self._ending = {thread for thread in self._ending if thread.is_alive()}
        key = client_key(body.client)
        own = {thread: it for thread, it in self._streaming.items() if client_key(it.client) == key}
        if len(own) >= SHARE:
            self._make_place(own, f"{len(own)} uploads from your address")
        elif len(self._streaming) >= STREAMING:
            self._make_place(self._streaming, f"{STREAMING} uploads")
        self._streaming[_started(lambda: _guarded(job), "dashboard-upload")] = body

    def _make_place(self, streaming: Mapping[threading.Thread, StreamedBody], what: str) -> None:
        """Let the slowest of some bodies give way."""
        old = [thread for thread, body in streaming.items() if body.age_seconds() > SAFE_SECONDS]
        if not old or len(self._ending) >= STREAMING:
            raise Overloaded(f"{what} are under way already; wait for one of them")
        slowest = min(old, key=lambda thread: streaming[thread].bytes_per_second())
        self._streaming.pop(slowest).give_way()
        self._ending.add(slowest)

    def close(self) -> None:
        """Let the threads end, and wait for them for a moment."""
        answering = [thread for lane in self._lanes.values() for thread in lane.threads]
        for lane in self._lanes.values():
            lane.end()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in [*answering, *self._streaming, *self._ending]:
            thread.join(max(deadline - time.monotonic(), 0.0))


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
