"""The sockets: one thread accepts, a bounded number answer, and none of them can stop processing."""

from __future__ import annotations

import errno
import logging
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from typing import Any
from urllib.parse import urlsplit

from fproc import __version__
from fproc.config import Dashboard
from fproc.dashboard import routes
from fproc.dashboard.routes import Response, View
from fproc.errors import ConfigError, Problem, reason_of

log = logging.getLogger("fproc.dashboard")

CONNECTIONS = 256
REQUEST_SECONDS = 10.0
"""How many requests are answered at once, and how long a client may take over one."""


_NO_ROOM = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


STOP_SECONDS = 0.1
"""How long stopping may take."""


class Server(ThreadingHTTPServer):
    """The listening socket, on a thread of its own.

    Raises:
        ConfigError: the address cannot be listened on.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, dashboard: Dashboard, view: View) -> None:
        self.view = view
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        self.address_family = AF_INET6 if ":" in dashboard.host else AF_INET
        try:
            super().__init__((dashboard.host, dashboard.port), _Handler)
        except OSError as error:
            raise ConfigError([_problem(dashboard, error)]) from error
        self._thread = threading.Thread(
            target=self.serve_forever, args=(STOP_SECONDS,), name="dashboard", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens; the port is the real one even if 0 was asked for."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread of its own, if there is room; otherwise say that there is none, and hang up."""
        if not self._room.acquire(blocking=False):
            with suppress(OSError):
                request.sendall(_NO_ROOM)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, _request: Any, client_address: Any) -> None:
        """A client that hung up is no news; anything else is a mistake, and goes to the log."""
        error = sys.exc_info()[1]
        level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
        log.log(level, "a request from %s ended early", client_address, exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = REQUEST_SECONDS
    protocol_version = "HTTP/1.1"
    server_version = f"fproc/{__version__}"
    sys_version = ""

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        self._answer()
        return False

    def _answer(self) -> None:
        try:
            path = urlsplit(self.path).path  # also of `GET http://host/health`, which RFC 9112 allows
        except ValueError:
            self.send_error(400)
            return
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the body stays unread, so what follows is no request
        try:
            response = routes.respond(self.command, path, self.server.view)
        except OSError as error:
            response = Response(503, {"error": reason_of(error)})
        self._send(response)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server finds wrong with a request, in the form that all errors have."""
        self.close_connection = True
        self.request_version = "HTTP/1.1"  # whatever the client speaks, it gets a status line
        self.command = self.command or ""
        self._send(Response(code, {"error": explain or message or "the request cannot be understood"}))

    def _send(self, response: Response) -> None:
        data = routes.body(response)
        self.send_response(response.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if response.allow:
            self.send_header("Allow", response.allow)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        log.debug(format, *args)


def _problem(dashboard: Dashboard, error: OSError) -> Problem:
    where = f"{dashboard.host}:{dashboard.port}"
    if error.errno == errno.EADDRINUSE:
        hint = "choose another with --port, or do without it: --no-dashboard"
        return Problem("$.dashboard.port", f"{where} is in use by another program", hint)
    return Problem("$.dashboard", f"cannot listen on {where}: {reason_of(error)}")
