"""Whether it keeps up: what came is what ended and what is left more than before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from fproc.run.outcome import FileEvent
from fproc.telemetry.history.history import History
from fproc.web.lists.keeping_up import LEAST_WAIT_SECONDS, KeepingUp
from tests.support.rooms import history_in

NOW = 1_795_341_600.0


@pytest.fixture
def history(tmp_path: Any) -> Iterator[History]:
    with closing(history_in(tmp_path)) as history:
        yield history


def end(history: History, count: int) -> None:
    history.record([FileEvent(f"j{number}", "x", "processed", NOW) for number in range(count)])


def over(
    history: History | None,
    *,
    waiting: int = 0,
    at_work: int = 0,
    wait: float | None = None,
    window: int = 60,
) -> dict[str, Any] | None:
    counts = {"unprocessed": waiting, "underprocess": at_work, "processed": 7, "failed": 7}
    oldest = None if wait is None else ("x", wait)
    return KeepingUp(history, lambda: counts, lambda: oldest, lambda: NOW).over(window)


def test_what_came_is_what_ended_and_what_is_left_more(history: History) -> None:
    history.arrivals.note(NOW - 90, 4, 80.0)
    end(history, 10)
    assert over(history, waiting=2, at_work=1, wait=3.0) == {
        "since": "2026-11-22T09:58:30.000Z",
        "came": 9,
        "ended": 10,
        "left": 3,
        "oldest_seconds": 3.0,
        "longest_seconds": 3.0,
        "keeps_up": True,
    }
    found = over(history, window=3600)
    assert found is not None
    assert (found["came"], found["left"], found["longest_seconds"]) == (6, 0, 80.0)


@pytest.mark.parametrize(
    ("waiting", "wait", "window", "keeps_up"),
    [
        (0, None, 60, True),
        (4, 100.0, 60, True),  # no more than before
        (5, LEAST_WAIT_SECONDS + 1, 60, False),
        (5, LEAST_WAIT_SECONDS - 1, 60, True),  # they have only just come
        (5, 50.0, 3600, True),  # less than a step
        (5, 70.0, 3600, False),
    ],
)
def test_it_falls_behind_if_more_is_left_than_before_and_waits_for_long(
    history: History, waiting: int, wait: float | None, window: int, *, keeps_up: bool
) -> None:
    history.arrivals.note(NOW - 4000, 4, 0.0)
    end(history, 10)
    found = over(history, waiting=waiting, wait=wait, window=window)
    assert found is not None
    assert found["keeps_up"] is keeps_up


def test_a_small_share_of_what_came_may_be_left(history: History) -> None:
    history.arrivals.note(NOW - 100, 0, 0.0)
    end(history, 100)
    for left, keeps_up in ((5, True), (6, False)):
        found = over(history, waiting=left, wait=30.0)
        assert found is not None
        assert found["keeps_up"] is keeps_up


def test_nothing_is_said_before_anything_is_known(history: History) -> None:
    assert over(history) is None
    assert over(None) is None
    history.arrivals.note(NOW - 100, 0, 0.0)
    assert KeepingUp(history, lambda: None, lambda: None, lambda: NOW).over(60) is None
