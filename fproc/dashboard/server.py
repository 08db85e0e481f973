"""The dashboard's listening socket and its thread; none of what it does can stop processing."""

from __future__ import annotations

import errno
import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from fproc.config import Dashboard
from fproc.dashboard.routes import View
from fproc.errors import ConfigError, Problem, reason_of

if TYPE_CHECKING:
    from fproc.dashboard.http import Service

BACKLOG = 128
"""How many connections may wait to be accepted."""

LOOK_SECONDS = 1.0
"""How often it is looked whether to stop, where nothing else wakes the thread."""


class Server:
    """Listens from the start, and answers once it has been started.

    Raises:
        ConfigError: the address cannot be listened on.
    """

    def __init__(self, dashboard: Dashboard, view: View) -> None:
        family = socket.AF_INET6 if ":" in dashboard.host else socket.AF_INET
        try:
            self._listener = socket.create_server(
                (dashboard.host, dashboard.port), family=family, backlog=BACKLOG
            )
        except OSError as error:
            raise ConfigError([_problem(dashboard, error)]) from error
        self._view = view
        self._lock = threading.Lock()
        self._service: Service | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="dashboard", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens; the port is the real one even if 0 was asked for."""
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        with self._lock:
            self._stopping.set()
            service = self._service
        with suppress(OSError):  # on Linux, this wakes the thread
            self._listener.shutdown(socket.SHUT_RDWR)
        if service is not None:
            service.shutdown()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        is_asked = False
        while not (is_asked or self._stopping.is_set()):
            is_asked = bool(select.select([self._listener], [], [], LOOK_SECONDS)[0])
        if self._stopping.is_set():
            return
        from fproc.dashboard.http import Service  # noqa: PLC0415 - slow to import, so not before someone asks

        service = Service(self._listener, self._view)
        with self._lock:
            if self._stopping.is_set():
                return
            self._service = service
        service.serve_forever(LOOK_SECONDS)


def _problem(dashboard: Dashboard, error: OSError) -> Problem:
    where = f"{dashboard.host}:{dashboard.port}"
    if error.errno == errno.EADDRINUSE:
        hint = "choose another with --port, or do without it: --no-dashboard"
        return Problem("$.dashboard.port", f"{where} is in use by another program", hint)
    return Problem("$.dashboard", f"cannot listen on {where}: {reason_of(error)}")
