"""A bug that a client has found fills no log."""

from __future__ import annotations

import logging
import sys

from fproc.web.access.bug_log import AGAIN_SECONDS, PLACES, FirstTracebacks


def record(number: int = 0) -> logging.LogRecord:
    """A message with a traceback from a place of its own for each number."""
    try:
        exec(compile("\n" * number + "1 / 0", "place", "exec"))
    except ZeroDivisionError:
        return logging.LogRecord("x", logging.ERROR, "x", 1, "broken", (), sys.exc_info())
    raise AssertionError


def test_a_traceback_passes_once_a_minute_and_others_and_plain_messages_do() -> None:
    now = [0.0]
    only_first = FirstTracebacks(monotonic=lambda: now[0])
    assert [only_first.filter(record()) for _ in range(3)] == [True, False, False]
    assert only_first.filter(record(1))
    plain = logging.LogRecord("x", logging.INFO, "x", 1, "fine", (), None)
    assert all(only_first.filter(plain) for _ in range(3))
    now[0] += AGAIN_SECONDS
    assert [only_first.filter(record()) for _ in range(3)] == [True, False, False]


def test_only_some_places_are_remembered() -> None:
    only_first = FirstTracebacks()
    for number in range(PLACES * 2):
        assert only_first.filter(record(number))
    assert len(only_first._passed_at) == PLACES
