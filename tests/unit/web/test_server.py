"""The dashboard's thread: it answers whoever comes, goes on after a failure, and ends when it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from fproc.base.errors import ConfigError
from fproc.config.model import Dashboard
from fproc.web import server as server_module
from fproc.web.server import Server
from tests.support.programs.running import DEADLINE_SECONDS, wait_until

LOOPBACK = Dashboard(host="127.0.0.1", port=0)


class Answering:
    """Stands for the connections: greets clients until it is stopped, or fails."""

    def __init__(self, listener: socket.socket, failure: BaseException | None) -> None:
        self._listener = listener
        self._failure = failure
        self._is_stopping = threading.Event()
        self.is_running = threading.Event()

    def run(self) -> None:
        self.is_running.set()
        if self._failure is not None:
            raise self._failure
        self._listener.settimeout(0.01)
        while not self._is_stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except (TimeoutError, OSError):
                continue
            with connection:
                connection.sendall(b"hello")

    def stop(self) -> None:
        self._is_stopping.set()


def never(_listener: socket.socket) -> Any:
    raise AssertionError("nobody listens")


class World:
    """A server whose connections fail as a test says, one failure each, and then answer."""

    def __init__(self, *failures: BaseException | None) -> None:
        self.failures = [*failures]
        self.opened: list[Answering] = []
        self.is_opening = threading.Event()
        self.may_open = threading.Event()
        self.may_open.set()
        self.server = Server(LOOPBACK, self.open)
        host, _, port = self.server.url.removeprefix("http://").rpartition(":")
        self.address = (host, int(port))

    def open(self, listener: socket.socket) -> Any:
        self.is_opening.set()
        assert self.may_open.wait(DEADLINE_SECONDS)
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, ImportError):
            raise failure
        self.opened.append(Answering(listener, failure))
        return self.opened[-1]

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=DEADLINE_SECONDS)

    def greeting(self) -> bytes:
        with self.connect() as connection:
            return connection.recv(100)

    def has_ended(self) -> bool:
        return "dashboard" not in [thread.name for thread in threading.enumerate()]


@contextmanager
def running(*failures: BaseException | None) -> Iterator[World]:
    world = World(*failures)
    world.server.start()
    try:
        yield world
    finally:
        world.may_open.set()
        world.server.stop()
        assert world.has_ended()
        with pytest.raises(ConnectionRefusedError):
            world.connect()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "AGAIN_SECONDS", 0.01)


def test_clients_are_answered_and_nothing_is_made_before_the_first_asks() -> None:
    with running() as world:
        assert world.opened == []
        assert [world.greeting() for _ in range(3)] == [b"hello"] * 3
        assert len(world.opened) == 1


def test_who_comes_before_the_start_is_answered_after_it() -> None:
    world = World()
    with world.connect() as early:
        world.server.start()
        assert early.recv(100) == b"hello"
    world.server.stop()


FAILURES = [ValueError("a bug"), OSError(9, "Bad file descriptor"), MemoryError(), SystemExit(1)]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
def test_a_dashboard_that_fails_is_told_in_the_log_and_the_next_client_is_answered(
    failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with running(failure, failure) as world:
        assert world.greeting() == b"hello"
        assert len(world.opened) == 3
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.message for record in told] == [
        "the dashboard has failed; it begins again, and work was not disturbed"
    ] * 2
    assert all(record.exc_info is not None and record.exc_info[1] is failure for record in told)


def test_one_that_cannot_even_be_made_is_made_later(caplog: pytest.LogCaptureFixture) -> None:
    with running(ImportError("no module named x")) as world:
        assert world.greeting() == b"hello"
    assert "the dashboard has failed" in caplog.text


def test_it_can_be_stopped_before_the_first_client_comes() -> None:
    with running() as world:
        pass
    assert world.opened == []


def test_it_can_be_stopped_while_it_is_being_made() -> None:
    world = World()
    world.may_open.clear()
    world.server.start()
    with world.connect():
        assert world.is_opening.wait(DEADLINE_SECONDS)
        stopping = threading.Thread(target=world.server.stop)
        stopping.start()
        wait_until(world.server._stopping.is_set)
        world.may_open.set()
        stopping.join(DEADLINE_SECONDS)
    assert not stopping.is_alive()
    assert len(world.opened) == 1
    assert world.has_ended()


def test_it_can_be_stopped_while_it_answers() -> None:
    with running() as world:
        assert world.greeting() == b"hello"


def test_it_can_be_stopped_while_it_rests_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "AGAIN_SECONDS", 3600)
    with running(ValueError("a bug")) as world, world.connect():
        wait_until(lambda: world.opened and world.opened[0].is_running.is_set())
    assert len(world.opened) == 1


def test_a_port_in_use_is_one_clear_error() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            Server(Dashboard(host="127.0.0.1", port=port), never)
    (problem,) = caught.value.problems
    assert problem.path == "$.dashboard.port"
    assert f"127.0.0.1:{port} is in use by another program" in str(problem)
    assert "--no-dashboard" in str(problem)


def test_an_address_that_this_host_does_not_have_is_one_clear_error() -> None:
    with pytest.raises(ConfigError) as caught:
        Server(Dashboard(host="192.0.2.1", port=0), never)
    (problem,) = caught.value.problems
    assert "cannot listen on 192.0.2.1:0" in str(problem)
