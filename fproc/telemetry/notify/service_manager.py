"""What a service manager such as systemd is told: ready, reloading, how it goes, still alive, stopping.

The protocol is sd_notify(3): a datagram of lines `NAME=value` to the socket that NOTIFY_SOCKET names. Without
that variable nothing is told.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, MutableMapping

from fproc.base.errors import reason_of

log = logging.getLogger("fproc.service")

STATUS_SECONDS = 1.0
"""How often the status is told, if it has changed."""

MOST_STATUS = 200
"""The most characters of a status."""


class ServiceManager:
    """The service manager of this process.

    Args:
        environ: the variables; those of the protocol are taken out, so that no child process uses them.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        environ: MutableMapping[str, str] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        variables = {} if environ is None else environ
        path = variables.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._monotonic = monotonic
        self._beat_seconds = _beat_seconds(variables) if path else None
        self._beat_at = self._status_at = monotonic()
        self._status = ""
        self._has_failed = False

    def ready(self) -> None:
        """Tell that work has begun, or that a reload is done."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Tell that a reload has begun; `ready` ends it."""
        now_usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now_usec}")

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._tell("STOPPING=1", "STATUS=stopping")

    def turn(self, status: Callable[[], str]) -> None:
        """Tell that the loop turns, and what `status` returns; called often, and does what is due."""
        if not self._address:
            return
        now = self._monotonic()
        if self._beat_seconds is not None and now >= self._beat_at:
            self._beat_at = now + self._beat_seconds
            self._tell("WATCHDOG=1")
        if now >= self._status_at:
            self._status_at = now + STATUS_SECONDS
            text = status()[:MOST_STATUS]
            if text != self._status:
                self._status = text
                self._tell(f"STATUS={text}")

    def left_seconds(self) -> float:
        """Return how long the next `turn` may be away."""
        return float("inf") if self._beat_seconds is None else max(0.0, self._beat_at - self._monotonic())

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        data = "\n".join(line.replace("\n", " ") for line in lines).encode("utf-8", "backslashreplace")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
                manager.setblocking(False)
                manager.sendto(data, self._address)
        except OSError as error:
            if not self._has_failed:
                self._has_failed = True
                log.warning("the service manager cannot be told anything (said once): %s", reason_of(error))


def _beat_seconds(variables: MutableMapping[str, str]) -> float | None:
    """Return how often the watchdog wants a sign of life of this process: twice in its time; or None."""
    usec, pid = variables.pop("WATCHDOG_USEC", ""), variables.pop("WATCHDOG_PID", "")
    if not usec.isdecimal() or not int(usec) or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1e6 / 2
