"""Connections of all kinds, over real sockets: quick, slow, silent, rude, too many, and gone."""

from __future__ import annotations

import errno
import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from fproc.web.http import connection as connection_module
from fproc.web.http import connections, executor, router
from fproc.web.http.auth import Authenticator
from fproc.web.http.connection import ConnectionState
from fproc.web.http.connections import Connections
from fproc.web.http.messages import Request, Response, json_response
from fproc.web.http.router import BODY_BYTES, Read, Route, Router, Routes
from fproc.web.http.wire import HEAD_BYTES
from tests.support.programs.running import DEADLINE_SECONDS, wait_until

GET = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
MOST_UPLOAD_BYTES = 50_000_000


class World:
    """A reception on a thread, and routes that a test can hold up."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = self.listener.getsockname()
        self.go = threading.Event()
        self.held = 0
        self.took: list[int] = []
        self.site = Router(
            self.routes(), Authenticator(None, "127.0.0.1"), most_upload_bytes=MOST_UPLOAD_BYTES
        )
        self.reception = Connections(self.listener, self.site)
        self.thread = threading.Thread(target=self.reception.run)

    def routes(self) -> Routes:
        return {
            "/hello": {"GET": Route(lambda _: json_response({"hello": "you"}))},
            "/large": {"GET": Route(lambda _: Response(200, b"x" * 20_000_000, "text/plain"))},
            "/held": {"GET": Route(self.hold)},
            "/broken": {"GET": Route(lambda _: json_response({"x": 1 // 0}))},
            "/full": {"GET": Route(self.full)},
            "/echo": {
                "POST": Route(lambda it: json_response({"got": len(it.body)}), media_type="text/plain")
            },
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
        return [one.state for one in list(self.reception._connections)]

    def count(self) -> int:
        return len(self.reception._connections)


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
        world.reception.stop()
        world.thread.join(DEADLINE_SECONDS)
        world.listener.close()
        assert not world.thread.is_alive()


@pytest.fixture
def world() -> Iterator[World]:
    with running() as found:
        yield found


def test_one_connection_takes_many_requests_one_after_the_other(world: World) -> None:
    with world.connect() as sock:
        for _ in range(3):
            sock.sendall(GET)
            assert answer(sock) == (200, {"hello": "you"})


def test_requests_that_come_together_are_answered_in_order(world: World) -> None:
    post = (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"
    )
    with world.connect() as sock:
        sock.sendall(GET + post % (3, b"abc") + GET + post % (5, b"GET /") + GET)
        assert [answer(sock) for _ in range(5)] == [
            (200, {"hello": "you"}),
            (200, {"got": 3}),
            (200, {"hello": "you"}),
            (200, {"got": 5}),
            (200, {"hello": "you"}),
        ]


def test_very_many_requests_that_come_together_are_all_answered(world: World) -> None:
    count = 3000
    refused = b"GET /gone HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with world.connect() as sock:
        sending = threading.Thread(target=sock.sendall, args=(refused * count + GET,))
        sending.start()
        assert [answer(sock)[0] for _ in range(count + 1)] == [404] * count + [200]
        sending.join()


def test_requests_that_came_before_the_end_are_all_answered(world: World) -> None:
    put = b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nxx"
    gone = GET.replace(b"/hello", b"/gone")
    for _ in range(20):
        assert statuses(world.send((GET + put + gone) * 5)) == [200, 201, 404] * 5
        assert statuses(world.send(GET + gone + GET[:9])) == [200, 404, 400]


def test_no_more_is_taken_in_than_can_be_answered(world: World) -> None:
    most_bytes = 0
    with world.connect() as sock:
        sender = threading.Thread(target=lambda: is_refused(sock, GET * 100_000))
        sender.start()
        for _ in range(200):
            assert answer(sock)[0] == 200
            most_bytes = max(most_bytes, *(len(one.received) for one in list(world.reception._connections)))
        sock.shutdown(socket.SHUT_RDWR)
        sender.join(DEADLINE_SECONDS)
    assert 0 < most_bytes <= connections.CHUNK_BYTES + len(GET)


def test_a_request_may_come_byte_by_byte(world: World) -> None:
    with world.connect() as sock:
        for byte in GET:
            sock.sendall(bytes([byte]))
        assert answer(sock)[0] == 200


@pytest.mark.parametrize("path", ["/hello", "/large"])
def test_a_body_that_nobody_wants_is_no_request(world: World, path: str) -> None:
    first = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(GET)}\r\n\r\n".encode()
    assert statuses(world.send(first + GET + GET)) == [200]


def test_what_is_left_of_a_refused_upload_is_no_request(world: World) -> None:
    first = b"PUT /upload/refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    assert statuses(world.send(first + GET * 100, ends=False)) == [400]


def test_what_follows_a_body_without_a_length_is_no_request(world: World) -> None:
    for start in (b"PUT /upload/x HTTP/1.1\r\n", b"POST /echo HTTP/1.1\r\nContent-Type: text/plain\r\n"):
        assert statuses(world.send(start + b"Host: localhost\r\n\r\n" + GET, ends=False)) == [411]


class Generous:
    """A socket that gives more than was asked for, as one with TLS does."""

    def recv(self, _size: int) -> bytes:
        return b"bodyGET"


def test_what_comes_with_the_end_of_a_body_is_kept_for_the_next_request() -> None:
    received = bytearray(b"a ")
    sock: Any = Generous()
    reader = connection_module.BodyReader(sock, received, Request("PUT", "/x", {}, {}, length_bytes=6))
    assert [reader.read(100) for _ in range(3)] == [b"a ", b"body", b""]
    assert (reader.left_bytes, bytes(received)) == (0, b"GET")


def test_after_an_upload_the_connection_goes_on(world: World) -> None:
    with world.connect() as sock:
        for size in (0, 1, 100_000, 5_000_000):
            sock.sendall(b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
            sock.sendall(b"G" * size)
            assert answer(sock) == (201, {"took": size})
        sock.sendall(GET)
        assert answer(sock)[0] == 200


def test_who_sends_on_after_a_refusal_may_do_so_for_a_while_and_read_that_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put = b"PUT /upload/refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.5)
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.05)
    with running() as world, world.connect() as sock:
        sock.sendall(put)
        began = time.monotonic()
        while time.monotonic() < began + 1.5:  # as a slow network has it
            sock.sendall(b"x")
            time.sleep(0.01)
        assert answer(sock)[0] == 400
        monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.0)
        wait_until(lambda: is_refused(sock, b"x"))


def test_who_waits_to_send_a_body_is_told_to_go_on_or_not_to(world: World) -> None:
    expect = (
        b"Host: localhost\r\nExpect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    )
    for start in (b"PUT /upload/x HTTP/1.1\r\n", b"POST /echo HTTP/1.1\r\n"):
        with world.connect() as sock:
            sock.sendall(start + expect % 3)
            assert sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(b"abc")
            assert answer(sock)[0] in {200, 201}
        with world.connect() as sock:
            sock.sendall(start + expect % (MOST_UPLOAD_BYTES + 1))
            assert answer(sock)[0] == 413


REFUSED: dict[str, tuple[bytes, int]] = {
    "nothing of this name": (b"GET /gone HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "another method": (b"POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 405),
    "no method": (b"BREW /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    "another host": (b"GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400),
    "another site": (
        b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\nContent-Length: 1\r\n\r\nx",
        400,
    ),
    "no length": (b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 411),
    "chunks": (
        b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        411,
    ),
    "another type": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: x/y\r\nContent-Length: 1\r\n\r\nx",
        415,
    ),
    "too long a body": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
        % (BODY_BYTES + 1),
        413,
    ),
    "too long a path": (b"GET /" + b"x" * HEAD_BYTES * 2, 414),
    "too long a header": (b"GET /hello HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES * 2, 431),
    "half a request": (b"GET /hello HTTP/1.1\r\nHost: loc", 400),
    "half a body": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nx",
        400,
    ),
    "a mistake": (b"GET /broken HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 500),
    "trouble of the machine": (b"GET /full HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 503),
}


@pytest.mark.parametrize(("given", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_done_is_said_with_the_right_status(world: World, given: bytes, status: int) -> None:
    data = world.send(given)
    assert statuses(data) == [status]
    assert set(json.loads(data.partition(b"\r\n\r\n")[2])) == {"error"}
    assert statuses(world.send(GET)) == [200]


def test_a_client_that_says_nothing_costs_no_thread(world: World) -> None:
    before = threading.active_count()
    with ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(world.connect())
            sock.sendall(GET[: number % len(GET)])
        wait_until(lambda: world.count() == 200)
        assert threading.active_count() == before
        assert statuses(world.send(GET)) == [200]
    wait_until(lambda: world.count() == 0)


def test_of_too_many_connections_the_one_that_waits_for_longest_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "CONNECTIONS", 5)
    with running() as world, ExitStack() as stack:
        silent = []
        for number in range(20):
            silent.append(stack.enter_context(world.connect()))
            wait_until(lambda number=number: world.count() == min(number + 1, 5))  # type: ignore[misc]
        assert silent[0].recv(1) == b""
        assert statuses(world.send(GET)) == [200]
        silent[-1].sendall(GET)
        assert answer(silent[-1])[0] == 200


@pytest.mark.parametrize(
    ("files", "connections"), [(resource.RLIM_INFINITY, 512), (1_000_000, 512), (1024, 512), (256, 128)]
)
def test_connections_leave_half_of_the_files_to_the_work(
    files: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert connection_module.most_connections() == connections


def test_requests_that_are_slow_to_answer_hold_up_others_only_until_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(executor, "WAITING", 3)
    with running() as world, ExitStack() as stack:
        socks = [stack.enter_context(world.connect()) for _ in range(executor.ANSWERING + 4)]
        for number, sock in enumerate(socks):
            sock.sendall(GET.replace(b"/hello", b"/held"))
            wait_until(lambda number=number: world.held == min(number + 1, executor.ANSWERING))  # type: ignore[misc]
        assert answer(socks[-1])[0] == 503
        world.go.set()
        assert [answer(sock)[0] for sock in socks[:-1]] == [200] * (len(socks) - 1)


def test_uploads_are_so_many_at_a_time_and_others_are_answered_meanwhile(world: World) -> None:
    with ExitStack() as stack:
        socks = [stack.enter_context(world.connect()) for _ in range(executor.STREAMING + 1)]
        for number, sock in enumerate(socks[:-1]):
            sock.sendall(b"PUT /upload/held HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx")
            wait_until(lambda number=number: world.held == number + 1)  # type: ignore[misc]
        socks[-1].sendall(b"PUT /upload/held HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx")
        assert answer(socks[-1])[0] == 503
        assert statuses(world.send(GET)) == [200]
        world.go.set()
        for sock in socks[:-1]:
            sock.sendall(b"y")
            assert answer(sock) == (201, {"took": 2})


def test_a_request_that_does_not_come_whole_in_time_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)
    with running() as world:
        assert statuses(world.send(GET[:-2], ends=False)) == [408]
        head = (
            b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n"
        )
        assert statuses(world.send(head, ends=False)) == [408]
        assert world.send(b"", ends=False) == b""  # it said nothing, so it is told nothing


def test_a_body_that_stalls_or_trickles_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    put = b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    with monkeypatch.context() as patch:
        patch.setattr(connections, "REQUEST_SECONDS", 0.05)
        with running() as world:
            assert statuses(world.send(put + b"x", ends=False)) == [408]
    monkeypatch.setattr(connection_module, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(connection_module, "LEAST_BYTES_PER_SECOND", 1e9)
    with running() as world:
        assert statuses(world.send(put + b"x" * 999, ends=False)) == [408]
        assert world.took == []


def test_a_client_that_hangs_up_in_the_middle_of_a_body_leaves_nothing_behind(world: World) -> None:
    for _ in range(20):
        with world.connect() as sock:
            sock.sendall(b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
    wait_until(lambda: world.count() == 0 and len(world.took) == 20)
    assert statuses(world.send(GET)) == [200]


def test_a_client_that_does_not_fetch_its_answer_costs_no_thread_and_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)
    with running() as world, ExitStack() as stack:
        for _ in range(10):
            sock = stack.enter_context(world.connect())
            sock.sendall(GET.replace(b"/hello", b"/large"))
        wait_until(lambda: world.states() == [ConnectionState.WRITING] * 10)
        monkeypatch.setattr(connections, "WRITE_SECONDS", 0.05)
        late = stack.enter_context(world.connect())
        late.sendall(GET.replace(b"/hello", b"/large"))
        wait_until(lambda: world.count() == 10)
        assert statuses(world.send(GET)) == [200]


def test_a_large_answer_comes_whole(world: World) -> None:
    data = world.send(GET.replace(b"/hello", b"/large"))
    assert len(data.partition(b"\r\n\r\n")[2]) == 20_000_000


def test_too_many_uploads_in_a_short_time_have_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "UPLOADS", 3)
    with running() as world:
        put = b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
        assert [statuses(world.send(put)) for _ in range(4)] == [[201], [201], [201], [429]]
        assert b"\r\nRetry-After: " in world.send(put)


class Short:
    """A listening socket, and a process with too few descriptors twice."""

    def __init__(self, listener: socket.socket) -> None:
        self.left = 2
        self.listener = listener

    def accept(self) -> Any:
        if self.left:
            self.left -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self.listener.accept()

    def fileno(self) -> int:
        return self.listener.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as sockets have it
        self.listener.setblocking(flag)


def test_where_no_descriptor_is_left_clients_wait_until_there_is_one() -> None:
    def make_short(world: World) -> None:
        world.reception._listener = Short(world.listener)  # type: ignore[assignment]

    with running(make_short) as world:
        assert statuses(world.send(GET)) == [200]


def test_stopping_ends_what_is_under_way(world: World) -> None:
    with world.connect() as idle, world.connect() as upload:
        upload.sendall(b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
        wait_until(lambda: sorted(one.name for one in world.states()) == ["ANSWERING", "READING"])
        began = time.monotonic()
        world.reception.stop()
        world.thread.join(DEADLINE_SECONDS)
        assert time.monotonic() - began < DEADLINE_SECONDS
        assert idle.recv(1) == b""
    wait_until(lambda: world.took != [])
