"""Databases that may not be used as they are meant to be: their journals, permissions, locks and disks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from fproc.config.retention import Retention
from fproc.telemetry.history import database as module
from fproc.telemetry.history.history import History
from tests.support.helpers import as_user
from tests.support.histories import Opener, asked_aside, event, fill, jobs, move_aside
from tests.support.programs.running import NOBODY


def test_the_journal_keeps_each_event_through_a_power_loss(opened: Opener, path: str) -> None:
    history = opened()
    assert history._database._connection is not None
    assert history._database._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert asked_aside(path, "PRAGMA journal_mode") == "wal"


def test_a_filesystem_without_shared_memory_gets_the_rollback_journal(
    opened: Opener, path: str, monkeypatch: pytest.MonkeyPatch, warnings: Callable[[], list[str]]
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3,
        "connect",
        lambda place, **settings: connect(f"file:{place}?vfs=unix-dotfile", uri=True, **settings),
    )
    history = opened()
    history.record([event()])
    assert jobs(history) == ["j1"]
    assert warnings() == []
    history.close()
    monkeypatch.undo()
    assert asked_aside(path, "PRAGMA journal_mode") == "delete"


def test_a_database_whose_journal_cannot_be_changed_just_now_is_used_as_it_is(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    fill(opened, 1)
    asked_aside(path, "PRAGMA journal_mode = DELETE")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM totals").fetchone()
        assert jobs(opened()) == ["0"]
    assert warnings() == []


def test_a_folder_in_its_place_is_warned_of_once_and_left_alone(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    os.mkdir(path)
    history = opened(days=1)
    history.record([event()])
    history.record([event("j2")])
    assert history.prune() == 0
    assert history.recent(limit=1) == []
    assert os.listdir(path) == []
    assert len(warnings()) == 1
    os.rmdir(path)
    history.record([event("j3")])
    assert jobs(history) == ["j3"]


def test_a_database_that_may_not_be_written_can_be_read(
    opened: Opener, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened().record([event()])
    connect = sqlite3.connect

    def connect_to_read(*args: Any, **settings: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **settings)
        connection.execute("PRAGMA query_only = ON")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_to_read)
    history = opened(days=1)
    history.record([event("j2")])
    history.record([event("j3")])
    assert history.prune() == 0
    assert jobs(history) == ["j1"]
    (warning,) = warnings()
    assert "readonly" in warning


def test_a_folder_that_may_not_be_written_is_warned_of_once(
    memory_path: Path, warnings: Callable[[], list[str]]
) -> None:
    memory_path.chmod(0o555)
    with as_user(NOBODY) if os.geteuid() == 0 else nullcontext():  # root may write anyway
        history = History(str(memory_path / "history.db"), retention=Retention(), set_aside=move_aside)
        history.record([event()])
        history.record([event("j2")])
        assert history.recent(limit=1) == []
        history.close()
    (warning,) = warnings()
    assert "unable to open" in warning


def test_a_full_disk_costs_whole_batches_and_not_what_comes_when_there_is_room(
    opened: Opener, warnings: Callable[[], list[str]]
) -> None:
    history = opened()
    history.record([event("before")])
    assert history._database._connection is not None
    (pages,) = history._database._connection.execute("PRAGMA page_count").fetchone()
    history._database._connection.execute(f"PRAGMA max_page_count = {pages}")
    history.record([event(str(number)) for number in range(1000)])
    history.record([event("after")])
    assert jobs(history) == ["after", "before"]
    assert history.totals()["files_processed"] == 2
    (warning,) = warnings()
    assert "full" in warning


def test_a_locked_database_is_warned_of_once_and_used_again_when_it_is_free(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(module, "BUSY_AGAIN_SECONDS", 0.01)
    history = opened()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        history.record([event("1")])
        history.record([event("2")])
        assert jobs(history) == []
    history.record([event("3")])
    assert jobs(history) == ["3"]
    (warning,) = warnings()
    assert "locked" in warning


def test_a_database_that_stays_locked_is_waited_for_only_once(
    opened: Opener, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(module, "BUSY_AGAIN_SECONDS", 0.002)
    history = opened()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        history.record([event("1")])
        history.recent(limit=1)
        assert history._database._busy_seconds == 0.002
    history.record([event("2")])
    assert history._database._busy_seconds == 0.01
