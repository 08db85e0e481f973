"""Calls to a URL from a thread of their own: who has a message leaves it here, and never waits."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Protocol

from fproc.base.errors import reason_of
from fproc.base.ids import fraction
from fproc.base.text import counted
from fproc.base.urls import masked

log = logging.getLogger("fproc.alerts")

WAITING = 100
"""How many messages may wait; beyond that, the oldest ones are dropped."""

TIMEOUT_SECONDS = 10.0
TRIES = 3
BACKOFF_SECONDS = 1.0
"""The timeout of a call, how often it is tried, and the first delay between tries; each further one is four
times as long, and half of it is random."""

GAP_SECONDS = 10.0
"""The delay after a message until the next one, so that many of a kind become one."""


class Message(Protocol):
    """A message to a URL."""

    def absorb(self, later: Message, /) -> bool:
        """Merge a later message into this one, if they go together; return whether they do."""

    def body(self) -> bytes | None:
        """Return JSON to POST, or None for a GET."""


class Caller:
    """Calls one URL, message by message. The thread starts with the first message.

    Args:
        url: a usable URL.
        name: its name in the log.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = f"{name} {masked(url)}"
        self._changed = threading.Condition()
        self._waiting: deque[Message] = deque()
        self._is_closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lost = 0
        self._is_in_trouble = False

    def post(self, message: Message) -> None:
        """Send a message later. Returns at once, whatever happens to it."""
        with self._changed:
            if not (self._waiting and self._waiting[-1].absorb(message)):
                self._waiting.append(message)
            if len(self._waiting) > WAITING:
                self._waiting.popleft()
                self._lost += 1
            self._changed.notify()
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def close(self) -> None:
        """Send the messages that wait without further pauses, then end."""
        with self._changed:
            self._is_closing.set()
            self._changed.notify()

    def join(self, seconds: float) -> bool:
        """Wait after `close`, at most so long; return whether everything was sent or given up."""
        if self._thread is not None:
            self._thread.join(max(seconds, 0.0))
        return self._thread is None or not self._thread.is_alive()

    def __str__(self) -> str:
        return self._name

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name="alerts", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads can be started; the next message tries again
            self._trouble(reason_of(error))
        else:
            self._thread = thread

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._waiting or self._is_closing.is_set()):
                    self._changed.wait()
                if not self._waiting:
                    return
                message = self._waiting.popleft()
            self._say(message.body())
            self._is_closing.wait(GAP_SECONDS)

    def _say(self, body: bytes | None) -> None:
        """Call the URL, and again where that may help."""
        from fproc.telemetry.notify.http_call import CallError, call  # noqa: PLC0415 - slow to import

        reason = ""
        for attempt in range(TRIES):
            try:
                call(self._url, body, timeout_seconds=TIMEOUT_SECONDS)
            except CallError as error:
                reason = str(error)
                if not error.passes:
                    break
            else:
                self._well()
                return
            if attempt + 1 < TRIES:
                self._is_closing.wait(BACKOFF_SECONDS * 4**attempt * (1 + fraction()) / 2)
        with self._changed:
            self._lost += 1
        self._trouble(reason)

    def _trouble(self, reason: str) -> None:
        if not self._is_in_trouble:
            self._is_in_trouble = True
            log.warning("calls to %s fail, work goes on: %s (said once)", self._name, reason)

    def _well(self) -> None:
        if self._is_in_trouble:
            self._is_in_trouble = False
            with self._changed:
                lost, self._lost = self._lost, 0
            log.info("calls to %s succeed again; lost meanwhile: %s", self._name, counted(lost, "message"))
