"""Processes that are started afresh and such that are forked: both end, and say how."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from fproc.process import children
from fproc.process.children import UNKNOWN_STATUS, Child, status_within
from fproc.process.mark import NONE, CurrentTask
from fproc.process.worker_process import WorkerProcess
from fproc.watch.workers.slot import WORKER


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    worker = WorkerProcess.started(WORKER)
    yield worker
    worker.end()


def echo_once(channel_number: int, parent: int, *descriptors: int) -> None:
    """What a forked process does here: say what it was given, wait for a word, and end with 7."""
    with socket.socket(fileno=channel_number) as channel:
        given = b"".join(os.pread(descriptor, 10, 0) for descriptor in descriptors)
        is_child = parent == os.getppid() and os.read(0, 1) == b""
        channel.sendall(given if is_child else b"no child")
        channel.recv(1)
    os._exit(7)  # and not through the tests that were running


@pytest.fixture
def forked() -> Iterator[Child]:
    with CurrentTask.file() as marked:
        child = children.fork_process(echo_once, marked)
    yield child
    child.end()


def test_a_forked_process_has_what_it_was_given_and_nothing_to_read(forked: Child) -> None:
    assert forked.channel.recv(10)[:4] == NONE.to_bytes(4, "little", signed=True)


def test_a_forked_process_tells_how_it_has_ended(forked: Child) -> None:
    assert forked.process.poll() is None
    forked.channel.sendall(b".")
    assert (forked.process.wait(), forked.process.poll(), status_within(forked.process, 0)) == (7, 7, 7)
    forked.process.terminate()  # its id may be another's by now


def test_a_forked_process_that_someone_else_has_waited_for_has_ended(forked: Child) -> None:
    forked.process.kill()
    os.waitpid(forked.process.pid, 0)
    assert (forked.process.wait(), forked.process.poll()) == (UNKNOWN_STATUS, UNKNOWN_STATUS)
    forked.process.kill()  # its id may be another's by now


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_forked_process_can_be_asked_to_end_and_be_ended(forked: Child, number: signal.Signals) -> None:
    forked.channel.recv(10)
    ends = {signal.SIGTERM: forked.process.terminate, signal.SIGKILL: forked.process.kill}
    ends[number]()
    assert status_within(forked.process, 10) == -number


def test_nobody_waits_for_a_forked_process_for_longer_than_was_said(forked: Child) -> None:
    began = time.monotonic()
    assert status_within(forked.process, 0.05) is None
    assert time.monotonic() - began >= 0.05


def test_ctrl_c_does_not_end_a_worker_from_its_very_start(worker: WorkerProcess) -> None:
    os.kill(worker.child.process.pid, signal.SIGINT)
    worker.child.channel.close()  # that does
    status = status_within(worker.child.process, 20)
    assert status is not None
    assert status >= 0


def test_ctrl_c_is_let_through_here_after_a_process_was_started(worker: WorkerProcess) -> None:
    assert worker.child.process.poll() is None
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
