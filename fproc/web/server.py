"""The dashboard's listening socket and its thread; none of what it does can stop processing."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from fproc.base.errors import ConfigError, Problem, reason_of
from fproc.config.model import Dashboard
from fproc.process.waiting import wait_readable

if TYPE_CHECKING:
    from fproc.web.http.connections import Connections

log = logging.getLogger("fproc.dashboard")

BACKLOG = 128
"""The most connections that may wait to be accepted."""

LOOK_SECONDS = 1.0
"""Seconds between checks whether to stop, where nothing else wakes the thread."""

AGAIN_SECONDS = 1.0
"""Seconds that the dashboard rests after it has failed, before it goes on."""


class Server:
    """A server that listens from the start, and answers once it has been started.

    `open` makes the connections of the socket. It is slow, for it imports much, so it is called when the
    first client asks; and again whenever they have failed.

    Raises:
        ConfigError: the address cannot be listened on.
    """

    def __init__(self, dashboard: Dashboard, open: Callable[[socket.socket], Connections]) -> None:  # noqa: A002
        family = socket.AF_INET6 if ":" in dashboard.host else socket.AF_INET
        try:
            self._listener = socket.create_server(
                (dashboard.host, dashboard.port), family=family, backlog=BACKLOG
            )
        except OSError as error:
            raise ConfigError([_problem(dashboard, error)]) from error
        self._scheme = "https" if dashboard.tls_cert else "http"
        self._open = open
        self._lock = threading.Lock()
        self._connections: Connections | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="dashboard", daemon=True)

    @property
    def url(self) -> str:
        """The address that it listens on; the port is the real one even if 0 was configured."""
        host, port = self._listener.getsockname()[:2]
        return f"{self._scheme}://" + (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._stopping.set()
        with self._lock:
            if self._connections is not None:
                self._connections.stop()
        with suppress(OSError):  # on Linux, this wakes the thread while nobody has asked yet
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        """Answer until stopped. Whatever else ends that is logged, and answering begins anew."""
        is_asked = False
        while not (is_asked or self._stopping.is_set()):
            is_asked = bool(wait_readable([self._listener.fileno()], LOOK_SECONDS))
        while not self._stopping.is_set():
            try:
                self._answer()
            except BaseException:
                log.exception("the dashboard has failed; it begins again, and work was not disturbed")
                self._stopping.wait(AGAIN_SECONDS)

    def renew(self, change: Callable[[Connections], None]) -> None:
        """Change the connections, if there are any yet; `open` must make new ones in the same way."""
        with self._lock:
            if self._connections is not None:
                change(self._connections)

    def _answer(self) -> None:
        with self._lock:  # lest they be opened in one way while they are changed to another
            self._connections = connections = self._open(self._listener)
            if self._stopping.is_set():
                connections.stop()
        connections.run()


def _problem(dashboard: Dashboard, error: OSError) -> Problem:
    where = f"{dashboard.host}:{dashboard.port}"
    if error.errno == errno.EADDRINUSE:
        hint = "choose another with --port, or do without it: --no-dashboard"
        return Problem("$.dashboard.port", f"{where} is in use by another program", hint)
    return Problem("$.dashboard", f"cannot listen on {where}: {reason_of(error)}")
