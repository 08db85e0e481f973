"""What a service manager is told, as it arrives at its socket."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fproc.telemetry.notify.service_manager import ServiceManager


class Systemd:
    """The other end: what was told so far, and a clock."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.now = 0.0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def manager(self, **variables: str) -> ServiceManager:
        environ = {"NOTIFY_SOCKET": self.path, **variables}
        return ServiceManager(environ, monotonic=lambda: self.now)

    def told(self) -> list[str]:
        told = []
        while True:
            try:
                told.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return told


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    end = Systemd(tmp_path / "notify")
    yield end
    end.socket.close()


def test_each_step_is_told_in_a_message_of_its_own(systemd: Systemd) -> None:
    manager = systemd.manager()
    manager.ready()
    manager.reloading()
    manager.stopping()
    ready, reloading, stopping = systemd.told()
    assert (ready, stopping) == ("READY=1", "STOPPING=1\nSTATUS=stopping")
    first, second = reloading.split("\n")
    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")
    assert int(second.partition("=")[2]) > 0


def test_the_watchdog_gets_two_signs_of_life_in_its_time(systemd: Systemd) -> None:
    manager = systemd.manager(WATCHDOG_USEC="10000000", WATCHDOG_PID=str(os.getpid()))
    for now in (0.0, 1.0, 4.9, 5.0, 9.9, 10.0):
        systemd.now = now
        manager.turn(lambda: "")
    assert systemd.told() == ["WATCHDOG=1"] * 3
    assert manager.left_seconds() == 5.0


@pytest.mark.parametrize(
    "variables", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}]
)
def test_without_a_watchdog_of_this_process_there_are_no_signs_of_life(
    systemd: Systemd, variables: dict[str, str]
) -> None:
    manager = systemd.manager(**variables)
    manager.turn(lambda: "")
    assert systemd.told() == []
    assert manager.left_seconds() == float("inf")


def test_the_status_is_told_when_it_has_changed_but_not_all_the_time(systemd: Systemd) -> None:
    manager = systemd.manager()
    for now, text in ((0.0, "a"), (0.5, "b"), (1.0, "b"), (2.0, "b"), (3.0, "c\nREADY=1")):
        systemd.now = now
        manager.turn(lambda text=text: text)  # type: ignore[misc]
    assert systemd.told() == ["STATUS=a", "STATUS=b", "STATUS=c READY=1"]


def test_no_child_process_gets_to_know_the_socket(systemd: Systemd) -> None:
    environ = {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    ServiceManager(environ)
    assert environ == {"HOME": "/"}


def test_an_abstract_socket_is_told_as_well() -> None:
    name = f"fproc-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0" + name)
        ServiceManager({"NOTIFY_SOCKET": "@" + name}).ready()
        assert end.recv(100) == b"READY=1"


def test_a_manager_that_cannot_be_told_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    with caplog.at_level(logging.WARNING):
        manager.ready()
        manager.stopping()
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "the service manager cannot be told anything"
    ]


def test_without_a_service_manager_nothing_is_told_and_nothing_asked() -> None:
    manager = ServiceManager({})
    manager.ready()
    manager.turn(lambda: pytest.fail("nobody wants to know"))
    assert manager.left_seconds() == float("inf")
