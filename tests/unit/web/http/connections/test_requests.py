"""Requests over real sockets: in pieces, together, with bodies, one after the other."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from fproc.web.http import connection as connection_module
from fproc.web.http import connections
from fproc.web.http.messages import Request
from tests.support.programs.connecting import GET, MOST_UPLOAD_BYTES, World, answer, is_refused, statuses
from tests.support.programs.running import DEADLINE_SECONDS


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
            most_bytes = max(most_bytes, *(len(one.received) for one in list(world.connections._connections)))
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


def test_a_large_answer_comes_whole(world: World) -> None:
    data = world.send(GET.replace(b"/hello", b"/large"))
    assert len(data.partition(b"\r\n\r\n")[2]) == 20_000_000
