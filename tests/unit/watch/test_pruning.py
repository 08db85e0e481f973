"""What is too old goes on a thread of its own, step by step, and ends when fproc does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import pytest

from fproc.watch.pruning import PRUNE_SECONDS, Pruning
from tests.support.programs.running import wait_until


class Chores:
    """Two chores: one that works until it may end, and one that is counted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.may_end = threading.Event()
        self.slow = self.quick = 0
        self.was_stopped = False
        self.pruning = Pruning(self.work, self.count, monotonic=lambda: self.now)

    def work(self, is_stopping: Callable[[], bool]) -> None:
        self.slow += 1
        while not (self.may_end.is_set() or is_stopping()):
            time.sleep(0.001)
        self.was_stopped = is_stopping()

    def count(self, _is_stopping: Callable[[], bool]) -> None:
        self.quick += 1


@pytest.fixture
def chores() -> Chores:
    return Chores()


def test_however_long_it_takes_nobody_waits_for_it(chores: Chores) -> None:
    chores.pruning.turn()
    wait_until(lambda: chores.slow == 1)
    chores.now += 2 * PRUNE_SECONDS
    chores.pruning.turn()
    assert (chores.slow, chores.quick) == (1, 0)
    chores.may_end.set()
    wait_until(lambda: chores.quick == 1)
    chores.pruning.finish(lambda: False)
    chores.pruning.turn()
    chores.pruning.finish(lambda: False)
    assert (chores.slow, chores.quick) == (2, 2)


def test_it_is_done_at_the_start_and_once_an_hour(chores: Chores) -> None:
    chores.may_end.set()
    for seconds, times in ((0.0, 1), (PRUNE_SECONDS - 1, 1), (1.0, 2)):
        chores.now += seconds
        chores.pruning.turn()
        chores.pruning.finish(lambda: False)
        assert chores.slow == times


def test_the_end_stops_it_between_two_steps(chores: Chores) -> None:
    chores.pruning.turn()
    wait_until(lambda: chores.slow == 1)
    chores.pruning.finish(lambda: True)
    chores.pruning.close()
    assert chores.was_stopped


def test_one_that_fails_is_said_and_the_others_are_done(
    chores: Chores, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_is_stopping: Callable[[], bool]) -> None:
        raise PermissionError(13, "Permission denied", "/w/processed/a")

    pruning = Pruning(fail, chores.count)
    with caplog.at_level(logging.WARNING):
        pruning.turn()
        pruning.finish(lambda: False)
    assert chores.quick == 1
    assert "not all that is too old could be removed: Permission denied: /w/processed/a" in caplog.text


def test_without_a_thread_it_is_tried_another_time(
    chores: Chores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        chores.pruning.turn()
    assert "can't start new thread" in caplog.text
    chores.pruning.close()
