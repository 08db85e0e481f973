"""The log of bugs: whoever has found one in the dashboard cannot fill the log with it."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

AGAIN_SECONDS = 60.0
"""Seconds after which the traceback of a bug is logged again."""

PLACES = 64
"""The number of places in the code whose last traceback is remembered."""


class FirstTracebacks(logging.Filter):
    """A filter that lets one traceback a minute pass for each place in the code, and all other messages."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._passed_at: OrderedDict[tuple[str, str, int], float] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a message is to be logged."""
        bug = record.exc_info[1] if record.exc_info else None
        return bug is None or self._is_first(_place_of(bug), self._monotonic())

    def _is_first(self, place: tuple[str, str, int], now: float) -> bool:
        with self._lock:
            passed_at = self._passed_at.get(place)
            if passed_at is not None and now - passed_at < AGAIN_SECONDS:
                return False
            self._passed_at[place] = now
            self._passed_at.move_to_end(place)
            if len(self._passed_at) > PLACES:
                self._passed_at.popitem(last=False)
            return True


def _place_of(bug: BaseException) -> tuple[str, str, int]:
    """Return what an exception is, and where it was raised."""
    trace = bug.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ("", 0) if trace is None else (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return (type(bug).__name__, *where)


first_tracebacks = FirstTracebacks()
"""The filter of the dashboard's log."""
