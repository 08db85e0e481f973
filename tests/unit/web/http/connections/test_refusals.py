"""What cannot be done is said with the right status, and who sends on can read that."""

from __future__ import annotations

import json
import time

import pytest

from fproc.web.http import connections, router
from fproc.web.http.router import BODY_BYTES
from fproc.web.http.wire import HEAD_BYTES
from tests.support.programs.connecting import GET, World, answer, is_refused, running, statuses
from tests.support.programs.running import wait_until


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
