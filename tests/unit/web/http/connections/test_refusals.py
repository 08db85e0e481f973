"""What cannot be done is said with the right status, and who sends on can read that."""

from __future__ import annotations

import json
import logging
from contextlib import ExitStack

import pytest

from fproc.web.access.bug_log import FirstTracebacks
from fproc.web.http import connections, router
from fproc.web.http.connection import ConnectionState
from fproc.web.http.connections import LINGER_SECONDS, UNREAD_SECONDS
from fproc.web.http.router import BODY_BYTES
from fproc.web.http.wire import HEAD_BYTES
from tests.support.clocks import Clock
from tests.support.programs.connecting import GET, World, answer, is_refused, running, statuses
from tests.support.programs.running import wait_until


def test_who_sends_on_after_a_refusal_may_do_so_for_a_while_and_read_that_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put = b"PUT /upload/refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.05)
    with running() as world:
        watch = world.clock = Clock()
        with world.connect() as sock:
            sock.sendall(put)
            wait_until(lambda: world.states() == [ConnectionState.LINGERING])
            (lingering,) = world.connections._connections
            for _ in range(5):  # as a slow network has it
                watch.seconds += 0.75 * LINGER_SECONDS
                sock.sendall(b"x")
                wait_until(lambda: lingering.deadline == watch() + LINGER_SECONDS)
            assert answer(sock)[0] == 400
            watch.seconds += UNREAD_SECONDS - 5 * 0.75 * LINGER_SECONDS
            wait_until(lambda: is_refused(sock, b"x"))


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
    "too long a body for the route": (
        b"POST /short HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n",
        413,
    ),
    "a bare line feed": (b"GET /hello HTTP/1.1\nHost: localhost\n\n", 400),
    "a broken origin": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[\r\nContent-Length: 1\r\n\r\nx",
        400,
    ),
    "too long a path": (b"GET /" + b"x" * HEAD_BYTES * 2, 414),
    "too long a header": (b"GET /hello HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES * 2, 431),
    "half a request": (b"GET /hello HTTP/1.1\r\nHost: loc", 400),
    "half a body": (
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nx",
        400,
    ),
    "a bug": (b"GET /broken HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 500),
    "trouble of the host": (b"GET /full HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 503),
}


@pytest.mark.parametrize(("given", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_done_is_said_with_the_right_status(world: World, given: bytes, status: int) -> None:
    data = world.send(given)
    assert statuses(data) == [status]
    assert set(json.loads(data.partition(b"\r\n\r\n")[2])) == {"error"}
    assert statuses(world.send(GET)) == [200]


def test_too_many_uploads_in_a_short_time_have_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "UPLOADS", 3)
    with running() as world:
        put = b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
        assert [statuses(world.send(put)) for _ in range(4)] == [[201], [201], [201], [429]]
        assert b"\r\nRetry-After: " in world.send(put)


def test_bodies_that_are_waited_for_have_one_cap_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HELD_BYTES", 25)
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n"
    with running() as world, world.connect() as first, world.connect() as second:
        for sock in (first, second):
            sock.sendall(head + b"x")
        wait_until(lambda: [one.held_bytes for one in list(world.connections._connections)] == [10, 10])
        refused = world.send(head + b"x" * 10)
        assert statuses(refused) == [503]
        assert b"\r\nRetry-After: " in refused
        assert statuses(world.send(GET)) == [200]
        second.close()
        wait_until(lambda: world.count() == 1)
        assert statuses(world.send(head + b"x" * 10)) == [200]
        first.sendall(b"x" * 9)
        assert answer(first) == (200, {"got": 10})
        for _ in range(5):  # what was held is given back
            assert statuses(world.send(head + b"x" * 10)) == [200]


def test_an_answer_that_is_held_back_costs_no_thread_and_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)
    with running() as world, ExitStack() as stack:
        waiting = [stack.enter_context(world.connect()) for _ in range(20)]
        for sock in waiting:
            sock.sendall(GET.replace(b"/hello", b"/late"))
        wait_until(lambda: world.states() == [ConnectionState.WAITING] * 20)
        assert statuses(world.send(GET)) == [200]
        for sock in waiting:
            assert answer(sock) == (429, {"error": "wait"})
            sock.sendall(GET)
            assert answer(sock)[0] == 200


def test_a_head_that_shows_a_bug_is_answered_and_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("no")

    log = logging.getLogger("fproc.dashboard")
    only_first = FirstTracebacks()
    log.addFilter(only_first)
    try:
        with running() as world:
            monkeypatch.setattr(world.site._auth, "misdirected", broken)
            for _ in range(5):
                assert statuses(world.send(GET)) == [500]
            monkeypatch.undo()
            assert statuses(world.send(GET)) == [200]
    finally:
        log.removeFilter(only_first)
    assert len(caplog.records) == 1
