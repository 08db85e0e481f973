"""Databases of earlier and of newer versions, and none at all without sqlite3."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from fproc.pipeline.tracing.counts import NodeCounts
from fproc.telemetry.events import Failure
from fproc.telemetry.history.chosen import ChosenEvents
from fproc.telemetry.history.history import History
from fproc.telemetry.history.node_steps import STEP_SECONDS, NodeStep
from fproc.telemetry.history.schema import SCHEMA_VERSION
from tests.support.histories import NOW, Opener, asked_aside, event, jobs, lines

STEP = int(NOW // STEP_SECONDS)

VERSION_1 = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL, file TEXT NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL,
    attempt INTEGER NOT NULL, seconds REAL NOT NULL, lines_in INTEGER NOT NULL,
    lines_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL, rejected INTEGER NOT NULL,
    results TEXT NOT NULL, error TEXT NOT NULL, node TEXT, line_no INTEGER,
    UNIQUE (job, kind, attempt));
CREATE INDEX events_of_file ON events (file);
CREATE INDEX events_by_time ON events (time);
CREATE INDEX events_with_error ON events (id) WHERE error != '';
CREATE TABLE totals (
    files_processed INTEGER, files_failed INTEGER, lines_in INTEGER, lines_out INTEGER,
    bytes_in INTEGER, retries INTEGER, recovered INTEGER);
INSERT INTO totals VALUES (0, 0, 0, 0, 0, 0, 0);
CREATE TRIGGER count_event AFTER INSERT ON events BEGIN
    UPDATE totals SET
        files_processed = files_processed + (NEW.kind = 'processed'),
        files_failed = files_failed + (NEW.kind = 'failed'),
        lines_in = lines_in + (NEW.kind IN ('processed', 'failed')) * NEW.lines_in,
        lines_out = lines_out + (NEW.kind IN ('processed', 'failed')) * NEW.lines_out,
        bytes_in = bytes_in + (NEW.kind IN ('processed', 'failed')) * NEW.bytes_in,
        retries = retries + (NEW.kind = 'retry'),
        recovered = recovered + (NEW.kind = 'recovered'); END;
INSERT INTO events VALUES
    (NULL, 'j1', 'a.log', 'failed', 1795341600.0, 2, 1.5, 10, 8, 100, 1, '[]', 'bad', 'parse', 7),
    (NULL, 'j2', 'b.log', 'processed', 1795341600.0, 1, 1.5, 10, 8, 100, 1, '["b.out"]', '', NULL, NULL);
PRAGMA journal_mode = WAL;
PRAGMA user_version = 1;
"""
"""A database as the first version of the schema had it, with two events."""

VERSION_5 = """
ALTER TABLE events ADD COLUMN line TEXT;
CREATE TABLE line_errors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL, attempt INTEGER NOT NULL, file TEXT NOT NULL, time REAL NOT NULL,
    number INTEGER NOT NULL, node TEXT NOT NULL, line_no INTEGER, line TEXT, error TEXT NOT NULL,
    UNIQUE (job, attempt, number));
CREATE INDEX line_errors_of_file ON line_errors (file);
CREATE INDEX line_errors_by_time ON line_errors (time);
ALTER TABLE events ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN lines_rejected INTEGER NOT NULL DEFAULT 0;
ALTER TABLE totals ADD COLUMN lines_skipped INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER count_lost AFTER INSERT ON events WHEN NEW.kind IN ('processed', 'failed') BEGIN
    UPDATE totals SET
        lines_rejected = lines_rejected + NEW.rejected,
        lines_skipped = lines_skipped + NEW.skipped; END;
CREATE TABLE results (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, time REAL NOT NULL);
CREATE INDEX results_by_time ON results (time, id);
CREATE TABLE results_until (id INTEGER NOT NULL);
INSERT INTO results_until VALUES (0);
ALTER TABLE events ADD COLUMN client TEXT;
INSERT INTO events VALUES (NULL, 'j3', 'c.log', 'uploaded', 1795341600.0, 1, 0, 0, 0, 5, 0, '[]', '',
    NULL, NULL, NULL, 0, '10.0.0.1');
PRAGMA user_version = 5;
"""
"""What the fifth version had more, and an event of it."""

VERSION_6 = f"""
ALTER TABLE events ADD COLUMN pipeline TEXT;
ALTER TABLE events ADD COLUMN version TEXT;
CREATE INDEX events_of_pipeline ON events (pipeline) WHERE pipeline IS NOT NULL;
CREATE TABLE pipelines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL,
    pipeline TEXT NOT NULL, version TEXT NOT NULL, parts TEXT NOT NULL);
CREATE TABLE node_steps (
    node TEXT NOT NULL, step INTEGER NOT NULL, received INTEGER NOT NULL, emitted INTEGER NOT NULL,
    failed INTEGER NOT NULL, timed INTEGER NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (node, step)) WITHOUT ROWID;
CREATE TABLE left_files (
    time INTEGER PRIMARY KEY, files INTEGER NOT NULL, oldest_seconds REAL NOT NULL,
    ended INTEGER NOT NULL);
INSERT INTO node_steps VALUES ('start', {STEP}, 10, 8, 1, 2, 0.5), ('start', {STEP - 1}, 4, 4, 0, 0, 0);
PRAGMA user_version = 6;
"""
"""What the sixth version had more, and what a node did in two steps."""


def version_1(path: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(VERSION_1)


def test_a_database_of_the_first_version_is_brought_up_to_date_with_all_it_holds(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    version_1(path)
    inode = os.stat(path).st_ino
    history = opened(days=1)
    assert jobs(history) == ["j2", "j1"]
    assert history.errors(10) == [Failure(NOW, "a.log", "parse", 7, None, "bad", 2)]
    assert history.timeline("b.log")[0].event == event(
        "j2",
        file="b.log",
        seconds=1.5,
        lines_in=10,
        lines_out=8,
        bytes_in=100,
        rejected=1,
        results=("b.out",),
    )
    history.record([event("j3", line="x", error="bad", line_errors=lines(1))])
    assert [found.line for found in history.errors(10)] == ["x", None, "line 1"]
    totals = history.totals()
    assert (totals["files_processed"], totals["files_failed"], totals["lines_in"]) == (2, 1, 20)
    assert (totals["lines_rejected"], totals["lines_skipped"]) == (2, 0)
    assert asked_aside(path, "PRAGMA user_version") == SCHEMA_VERSION
    assert os.stat(path).st_ino == inode
    assert warnings() == [f"{path} was brought up to date (schema {SCHEMA_VERSION}, before 1)"]


def version_5(path: str) -> None:
    version_1(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(VERSION_5)


def test_a_database_of_the_fifth_version_is_brought_up_to_date_with_all_it_holds(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    version_5(path)
    history = opened(days=1)
    assert warnings() == [f"{path} was brought up to date (schema {SCHEMA_VERSION}, before 5)"]
    old = [row.event for row in history.recent(limit=9)]
    assert [(one.job, one.client, one.pipeline, one.version) for one in old] == [
        *(("j3", "10.0.0.1", None, None), ("j2", None, None, None), ("j1", None, None, None))
    ]
    history.record([event("j4", pipeline="0123456789ab", version="9.1")])
    (new,) = history.recent(limit=9, chosen=ChosenEvents(pipeline="0123456789ab"))
    assert (new.event.job, new.event.version) == ("j4", "9.1")
    assert history.totals()["files_processed"] == 2


def test_in_a_database_of_the_sixth_version_the_time_at_nodes_is_not_known_and_from_then_on_it_is(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    version_5(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(VERSION_6)
    history = opened(days=1)
    assert warnings() == [f"{path} was brought up to date (schema {SCHEMA_VERSION}, before 6)"]
    history.record([event("j4")], {"start": NodeCounts(5, 5)})
    history.nodes.note_sampled(NOW, {"start": 7.0, "end": 3.0})
    history.nodes.note_sampled(NOW + STEP_SECONDS, {"start": 9.0})
    assert history.nodes.by_step("start", STEP - 1, STEP_SECONDS) == {
        STEP - 1: NodeStep(NodeCounts(4, 4), None),
        STEP: NodeStep(NodeCounts(15, 13, 1, 2, 0.5), None),
        STEP + 1: NodeStep(NodeCounts(), 9.0),
    }
    assert history.nodes.by_step("end", STEP, STEP_SECONDS) == {STEP: NodeStep(NodeCounts(), 3.0)}
    longer = STEP_SECONDS * STEP * 2  # one step that has all of them
    assert history.nodes.by_step("start", 0, longer) == {0: NodeStep(NodeCounts(19, 17, 1, 2, 0.5), None)}
    assert [row.event.job for row in history.recent(limit=9)] == ["j4", "j3", "j2", "j1"]


def test_several_that_find_a_database_of_the_first_version_bring_it_up_to_date_once(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    version_1(path)
    with ThreadPoolExecutor(8) as pool:
        histories = list(pool.map(lambda _: opened(), range(8)))
    for number, history in enumerate(histories):
        history.record([event(f"new-{number}", line_errors=lines(1))])
    assert len(histories[0].errors(100)) == 9
    assert all("was brought up to date" in message for message in warnings())


def test_a_new_database_and_one_that_was_brought_up_to_date_have_the_same_tables(
    opened: Opener, path: str
) -> None:
    def tables() -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(
                "SELECT m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c"
                " ORDER BY 1, c.cid"
            ).fetchall()

    opened().close()
    new = tables()
    os.unlink(path)
    version_1(path)
    opened().close()
    assert tables() == new


def check_keeps_nothing(history: History) -> None:
    history.record([event()])
    assert history.prune() == 0
    assert history.recent(limit=1) == history.timeline("a.log") == history.failures(["a.log"]) == []
    assert history.errors(1) == []
    assert history.last("processed") is None
    assert history.totals() == {}
    history.close()


def test_a_database_of_a_newer_version_is_left_alone(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (something_else)")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = Path(path).read_bytes()
    history = opened(days=1)
    check_keeps_nothing(history)
    assert Path(path).read_bytes() == before
    assert os.listdir(Path(path).parent) == ["history.db"]
    (warning,) = warnings()
    assert "newer" in warning


def test_without_sqlite3_there_is_no_history_and_one_warning(
    opened: Opener, path: str, warnings: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    history = opened(days=1)
    check_keeps_nothing(history)
    assert not os.path.exists(path)
    assert len(warnings()) == 1
