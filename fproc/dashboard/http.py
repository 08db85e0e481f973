"""Answering requests, each on a thread of its own, with `http.server`; that is slow to import."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from fproc import __version__
from fproc.dashboard import routes
from fproc.dashboard.routes import Response, View
from fproc.errors import reason_of

log = logging.getLogger("fproc.dashboard")

CONNECTIONS = 256
REQUEST_SECONDS = 10.0
"""How many requests are answered at once, and how long a client may take over one."""

_NO_ROOM = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Service(ThreadingHTTPServer):
    """Answers what comes to a listening socket."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, view: View) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.view = view
        self._room = threading.BoundedSemaphore(CONNECTIONS)

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
    server: Service
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
