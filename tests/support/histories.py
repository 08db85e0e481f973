"""Histories for tests: events, databases that are opened and closed again, and disks that refuse."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from fproc.base.values import replace
from fproc.pipeline.failures import LineFailure
from fproc.run.outcome import FileEvent
from fproc.telemetry.history.history import History
from tests.support.helpers import line_failure

DAY_SECONDS = 86400.0


NOW = 1_795_341_600.0


Opener = Callable[..., History]


def event(job: str = "j1", **fields: Any) -> FileEvent:
    return replace(FileEvent(job, "a.log", "processed", NOW), **fields)


def move_aside(path: str) -> str:
    number = 1
    while os.path.exists(f"{path}.corrupt-{number}"):
        number += 1
    for suffix in ("-wal", "-shm", ""):
        if os.path.exists(path + suffix):
            os.rename(path + suffix, f"{path}.corrupt-{number}{suffix}")
    return f"{path}.corrupt-{number}"


def jobs(history: History, **asked: Any) -> list[str]:
    return [row.event.job for row in history.recent(limit=asked.pop("limit", 100), **asked)]


def asked_aside(path: str, sql: str) -> Any:
    """What someone else who opens the database gets for a query: the first column of the first row."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchone()[0]


def fill(opened: Opener, count: int = 2000) -> None:
    """Make a database of many pages, and close it."""
    history = opened()
    history.record([event(str(number), error="no such account") for number in range(count)])
    history.close()


def lines(count: int, fate: str = "rejected") -> tuple[LineFailure, ...]:
    return tuple(line_failure(fate, "parse", n, f"line {n}", f"bad {n}") for n in range(1, count + 1))
