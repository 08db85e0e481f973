"""The dashboard's connections on a thread, with routes that wait, refuse or count."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fproc.base.values import replace
from fproc.web.access.keyring import Keyring
from fproc.web.http.auth import Authenticator
from fproc.web.http.connection import ConnectionState
from fproc.web.http.connections import Connections
from fproc.web.http.executor import Lane
from fproc.web.http.messages import Request, Response, error, json_response
from fproc.web.http.router import Read, Route, Router, Routes
from tests.support.programs.running import DEADLINE_SECONDS

GET = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


MOST_UPLOAD_BYTES = 50_000_000


class World:
    """Connections on a thread, and routes that a test can hold up.

    Their times are those of `clock`, which may be replaced before anybody connects.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.monotonic
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = self.listener.getsockname()
        self.go = threading.Event()
        self.held = 0
        self.took: list[int] = []
        self.site = Router(
            self.routes(), Authenticator(Keyring(), "127.0.0.1"), most_upload_bytes=MOST_UPLOAD_BYTES
        )
        self.connections = Connections(self.listener, self.site, monotonic=self.seconds)
        self.thread = threading.Thread(target=self.connections.run)

    def seconds(self) -> float:
        return self.clock()

    def routes(self) -> Routes:
        return {
            "/hello": {"GET": Route(lambda _: json_response({"hello": "you"}))},
            "/large": {"GET": Route(lambda _: Response(200, b"x" * 20_000_000, "text/plain"))},
            "/held": {"GET": Route(self.hold)},
            "/held/search": {"GET": Route(self.hold, lane=Lane.SEARCH)},
            "/held/change": {"GET": Route(self.hold, lane=Lane.CHANGE)},
            "/vital": {"GET": Route(lambda _: json_response({}), lane=Lane.VITAL)},
            "/at-once": {"GET": Route(lambda _: json_response({}), is_immediate=True)},
            "/broken": {"GET": Route(lambda _: json_response({"x": 1 // 0}))},
            "/full": {"GET": Route(self.full)},
            "/echo": {
                "POST": Route(lambda it: json_response({"got": len(it.body)}), media_type="text/plain")
            },
            "/short": {"POST": Route(lambda _: json_response({}), media_type="text/plain", most_bytes=8)},
            "/late": {"GET": Route(lambda _: replace(error(429, "wait"), delay_seconds=0.2))},
            "/upload/": {"PUT": Route(receive=self.take)},
        }

    def hold(self, _request: Request) -> Response:
        self.held += 1
        assert self.go.wait(DEADLINE_SECONDS)
        return json_response({"held": True})

    def full(self, _request: Request) -> Response:
        raise OSError(28, "No space left on device")

    def take(self, request: Request, read: Read) -> Response:
        if request.path == "/upload/held":
            self.held += 1
            assert self.go.wait(DEADLINE_SECONDS)
        if request.path == "/upload/refused":
            return json_response({"error": "no"}, 400)
        taken = 0
        while data := read(65536):
            taken += len(data)
        self.took.append(taken)
        return json_response({"took": taken}, 201)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=DEADLINE_SECONDS)

    def send(self, data: bytes, *, ends: bool = True) -> bytes:
        """Send bytes, maybe say that there are no more, and read to the end of the connection."""
        with self.connect() as sock:
            sock.sendall(data)
            if ends:
                sock.shutdown(socket.SHUT_WR)
            return heard(sock)

    def states(self) -> list[ConnectionState]:
        return [one.state for one in list(self.connections._connections)]

    def count(self) -> int:
        return len(self.connections._connections)


def heard(sock: socket.socket) -> bytes:
    data = b""
    while more := sock.recv(1 << 20):
        data += more
    return data


def answer(sock: socket.socket) -> tuple[int, Any]:
    """The next answer on a connection: its status, and the JSON of its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(1)
        assert more, data
        data += more
    head = data.decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    body = b""
    while len(body) < length:
        body += sock.recv(length - len(body))
    return int(head.split()[1]), json.loads(body)


def is_refused(sock: socket.socket, data: bytes) -> bool:
    """Whether a connection takes nothing any more."""
    try:
        sock.sendall(data)
    except ConnectionError:
        return True
    return False


def statuses(data: bytes) -> list[int]:
    return [int(part.split()[0]) for part in data.split(b"HTTP/1.1 ")[1:]]


@contextmanager
def running(prepare: Callable[[World], object] = id) -> Iterator[World]:
    world = World()
    prepare(world)
    world.thread.start()
    try:
        yield world
    finally:
        world.go.set()
        world.connections.stop()
        world.thread.join(DEADLINE_SECONDS)
        world.listener.close()
        assert not world.thread.is_alive()
