"""The tables of the history, and the migrations from older versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

TOTALS = (
    *("files_processed", "files_failed", "lines_in", "lines_out", "bytes_in", "retries", "recovered"),
    *("lines_rejected", "lines_skipped"),
)
"""What is added up over restarts: the columns of the table `totals`, in their order."""

SCHEMA_VERSION = 7
"""The `user_version` of new databases, and the highest that is understood; older ones are migrated to it."""

# The trigger fires only for an event that was not there yet, in the transaction that inserts it.
_VERSION_1 = (
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL, file TEXT NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL,
        attempt INTEGER NOT NULL, seconds REAL NOT NULL, lines_in INTEGER NOT NULL,
        lines_out INTEGER NOT NULL, bytes_in INTEGER NOT NULL, rejected INTEGER NOT NULL,
        results TEXT NOT NULL, error TEXT NOT NULL, node TEXT, line_no INTEGER,
        UNIQUE (job, kind, attempt))""",
    "CREATE INDEX events_of_file ON events (file)",
    "CREATE INDEX events_by_time ON events (time)",
    "CREATE INDEX events_with_error ON events (id) WHERE error != ''",
    """CREATE TABLE totals (
        files_processed INTEGER, files_failed INTEGER, lines_in INTEGER, lines_out INTEGER,
        bytes_in INTEGER, retries INTEGER, recovered INTEGER)""",
    "INSERT INTO totals VALUES (0, 0, 0, 0, 0, 0, 0)",
    """CREATE TRIGGER count_event AFTER INSERT ON events BEGIN
        UPDATE totals SET
            files_processed = files_processed + (NEW.kind = 'processed'),
            files_failed = files_failed + (NEW.kind = 'failed'),
            lines_in = lines_in + (NEW.kind IN ('processed', 'failed')) * NEW.lines_in,
            lines_out = lines_out + (NEW.kind IN ('processed', 'failed')) * NEW.lines_out,
            bytes_in = bytes_in + (NEW.kind IN ('processed', 'failed')) * NEW.bytes_in,
            retries = retries + (NEW.kind = 'retry'),
            recovered = recovered + (NEW.kind = 'recovered'); END""",
)
_VERSION_2 = (
    "ALTER TABLE events ADD COLUMN line TEXT",
    """CREATE TABLE line_errors (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL, attempt INTEGER NOT NULL, file TEXT NOT NULL, time REAL NOT NULL,
        number INTEGER NOT NULL, node TEXT NOT NULL, line_no INTEGER, line TEXT, error TEXT NOT NULL,
        UNIQUE (job, attempt, number))""",
    "CREATE INDEX line_errors_of_file ON line_errors (file)",
    "CREATE INDEX line_errors_by_time ON line_errors (time)",
)
# How many lines were skipped before this version is not known.
_VERSION_3 = (
    "ALTER TABLE events ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE totals ADD COLUMN lines_rejected INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE totals ADD COLUMN lines_skipped INTEGER NOT NULL DEFAULT 0",
    """UPDATE totals SET lines_rejected =
        (SELECT coalesce(sum(rejected), 0) FROM events WHERE kind IN ('processed', 'failed'))""",
    """CREATE TRIGGER count_lost AFTER INSERT ON events WHEN NEW.kind IN ('processed', 'failed') BEGIN
        UPDATE totals SET
            lines_rejected = lines_rejected + NEW.rejected,
            lines_skipped = lines_skipped + NEW.skipped; END""",
)
# Filled only where results are removed when they are old: from the events up to the id in `results_until`.
_VERSION_4 = (
    "CREATE TABLE results (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, time REAL NOT NULL)",
    "CREATE INDEX results_by_time ON results (time, id)",
    "CREATE TABLE results_until (id INTEGER NOT NULL)",
    "INSERT INTO results_until VALUES (0)",
)
_VERSION_5 = ("ALTER TABLE events ADD COLUMN client TEXT",)
_VERSION_6 = (
    "ALTER TABLE events ADD COLUMN pipeline TEXT",
    "ALTER TABLE events ADD COLUMN version TEXT",
    "CREATE INDEX events_of_pipeline ON events (pipeline) WHERE pipeline IS NOT NULL",
    """CREATE TABLE pipelines (
        id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL,
        pipeline TEXT NOT NULL, version TEXT NOT NULL, parts TEXT NOT NULL)""",
    """CREATE TABLE node_steps (
        node TEXT NOT NULL, step INTEGER NOT NULL, received INTEGER NOT NULL, emitted INTEGER NOT NULL,
        failed INTEGER NOT NULL, timed INTEGER NOT NULL, seconds REAL NOT NULL,
        PRIMARY KEY (node, step)) WITHOUT ROWID""",
    """CREATE TABLE left_files (
        time INTEGER PRIMARY KEY, files INTEGER NOT NULL, oldest_seconds REAL NOT NULL,
        ended INTEGER NOT NULL)""",
)
# For how long workers were seen at nodes before this version is not known.
_VERSION_7 = ("ALTER TABLE node_steps ADD COLUMN sampled_seconds REAL",)
_STEPS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6, _VERSION_7)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of a database; 0 if it has no tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables, or migrate them, unless another process has just done so."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for version in range(version_of(connection), SCHEMA_VERSION):
            for statement in _STEPS[version]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")
