"""Databases that are deleted, replaced or emptied while they are open."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.support.histories import Opener, asked_aside, event, jobs, move_aside


def test_a_database_that_is_deleted_while_open_is_made_again(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event("before")])
    os.unlink(path)
    history.record([event("after")])
    assert jobs(history) == ["after"]
    assert asked_aside(path, "SELECT count(*) FROM events") == 1
    (warning,) = warnings()
    assert path in warning


def test_a_database_that_is_replaced_while_open_is_gone_on_with(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event("before")])
    move_aside(path)
    opened().record([event("other")])
    history.record([event("after")])
    assert jobs(history) == ["after", "other"]
    assert len(warnings()) == 1


def test_after_a_deletion_all_who_had_it_open_meet_in_the_new_database(opened: Opener, path: str) -> None:
    histories = [opened(), opened(), opened()]
    for number, history in enumerate(histories):
        history.record([event(f"before-{number}")])
    os.unlink(path)
    for number, history in enumerate(histories):
        history.record([event(f"after-{number}")])
    for history in histories:
        history.close()
    assert jobs(opened()) == ["after-2", "after-1", "after-0"]


def test_a_database_that_is_emptied_while_open_is_made_again(opened: Opener, path: str) -> None:
    history = opened()
    history.record([event("before")])
    os.truncate(path, 0)
    for number in range(3):
        history.record([event(f"after-{number}")])
        history.totals()
    assert "after-2" in jobs(history)


def test_a_database_that_is_deleted_while_it_is_opened_is_made_again(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def connect_too_late(*args: Any, **settings: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **settings)
        os.unlink(path)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect_too_late)
        history = opened()
    history.record([event()])
    assert jobs(history) == ["j1"]
    assert len(warnings()) == 1


def test_names_of_results_that_something_else_wrote_stop_nothing(opened: Opener, path: str) -> None:
    history = opened()
    history.record([event(str(number)) for number in range(2)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE events SET results = CASE job WHEN '0' THEN 'no JSON' ELSE '7' END")
    assert [row.event.results for row in history.recent(limit=2)] == [(), ()]
