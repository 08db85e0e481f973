"""Clients that are slow, silent, too many, or gone."""

from __future__ import annotations

import errno
import resource
import socket
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from fproc.web.http import connection as connection_module
from fproc.web.http import connections, executor
from fproc.web.http.connection import ConnectionState
from fproc.web.http.connections import REQUEST_SECONDS
from tests.support.clocks import Clock
from tests.support.programs.connecting import GET, World, answer, heard, running, statuses
from tests.support.programs.running import DEADLINE_SECONDS, wait_until


def test_a_client_that_says_nothing_costs_no_thread(world: World) -> None:
    before = set(threading.enumerate())
    with ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(world.connect())
            sock.sendall(GET[: number % len(GET)])
        wait_until(lambda: world.count() == 200)
        assert set(threading.enumerate()) <= before  # threads of earlier tests may end
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


def test_what_supervisors_ask_for_waits_for_nothing_else(world: World) -> None:
    held = {"/held": executor.ANSWERING, "/held/search": 2, "/held/change": 1}
    with ExitStack() as stack:
        for path, threads in held.items():
            before = world.held
            for _ in range(threads + 5):
                sock = stack.enter_context(world.connect())
                sock.sendall(GET.replace(b"/hello", path.encode()))
            wait_until(lambda before=before, threads=threads: world.held == before + threads)  # type: ignore[misc]
        for path in ("/vital", "/at-once"):
            assert statuses(world.send(GET.replace(b"/hello", path.encode()))) == [200]
        assert world.held == sum(held.values())
        world.go.set()


@pytest.mark.parametrize("share", [executor.SHARE, 99])
def test_uploads_at_a_time_are_limited_in_all_and_for_each_address(
    world: World, monkeypatch: pytest.MonkeyPatch, share: int
) -> None:
    monkeypatch.setattr(executor, "SHARE", share)
    with ExitStack() as stack:
        most = min(share, executor.STREAMING)
        socks = [stack.enter_context(world.connect()) for _ in range(most + 1)]
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


@pytest.mark.parametrize("what", ["SHARE", "STREAMING"])
def test_the_slowest_upload_gives_way_once_it_had_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(executor, what, 3)
    put = b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n"
    with ExitStack() as stack:
        socks = [stack.enter_context(world.connect()) for _ in range(4)]
        for number, sock in enumerate(socks[:3]):
            sock.sendall(put + b"x" * (10 if number == 1 else 5000))
        wait_until(lambda: [len(one.received) for one in list(world.connections._connections)] == [0] * 4)
        wait_until(lambda: world.states().count(ConnectionState.ANSWERING) == 3)
        socks[3].sendall(put)
        assert answer(socks[3])[0] == 503  # nobody has had its time yet
        monkeypatch.setattr(executor, "SAFE_SECONDS", 0.0)
        late = stack.enter_context(world.connect())
        late.sendall(put + b"x" * 9999)
        assert answer(late) == (201, {"took": 9999})
        socks[1].sendall(b"x" * 10)  # it notices with its next bytes
        refused = heard(socks[1])
        assert statuses(refused) == [503]
        assert b"slower than other uploads" in refused
        for sock in (socks[0], socks[2]):
            sock.sendall(b"x" * 4999)
            assert answer(sock) == (201, {"took": 9999})


HEAD = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\n"


@pytest.mark.parametrize(("data", "told"), [(GET[:-2], [408]), (HEAD, [408]), (b"", [])])
def test_a_request_that_does_not_come_whole_in_time_is_told_so_unless_it_said_nothing(
    monkeypatch: pytest.MonkeyPatch, data: bytes, told: list[int]
) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)
    with running() as world:
        watch = world.clock = Clock()
        with world.connect() as sock:
            sock.sendall(data)
            wait_until(lambda: [one.has_asked for one in world.connections._connections] == [bool(data)])
            assert statuses(world.send(GET)) == [200]  # so what has come is read to its end
            watch.seconds += REQUEST_SECONDS - 1
            assert statuses(world.send(GET)) == [200]
            wait_until(lambda: world.count() == 1)
            watch.seconds += 1
            assert statuses(heard(sock)) == told


def test_a_body_that_stalls_or_trickles_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    put = b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    with monkeypatch.context() as patch:
        patch.setattr(connections, "REQUEST_SECONDS", 0.05)
        with running() as world:
            world.clock = Clock()  # only reading the body has to be in time
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
        world.connections._acceptor.listener = Short(world.listener)  # type: ignore[assignment]

    with running(make_short) as world:
        assert statuses(world.send(GET)) == [200]


def test_stopping_ends_what_is_under_way(world: World) -> None:
    with world.connect() as idle, world.connect() as upload:
        upload.sendall(b"PUT /upload/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
        wait_until(lambda: sorted(one.name for one in world.states()) == ["ANSWERING", "READING"])
        began = time.monotonic()
        world.connections.stop()
        world.thread.join(DEADLINE_SECONDS)
        assert time.monotonic() - began < DEADLINE_SECONDS
        assert idle.recv(1) == b""
    wait_until(lambda: world.took != [])
