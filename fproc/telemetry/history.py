"""The history of every input, in an SQLite database; with `history_schema`, all of fproc's SQL.

The folders are the state; deleting the database loses no file. So trouble with it never stops the work:
it is logged once, the events are dropped, and the next ones are tried again. Without Python's `sqlite3`
there is no history.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from fproc.base.errors import reason_of
from fproc.base.text import shown
from fproc.run.outcome import FileEvent
from fproc.telemetry.events import Failure, Row, bytes_of, line_values_of, row_of, values_of
from fproc.telemetry.history_schema import SCHEMA_VERSION, TOTALS, make_tables, version_of
from fproc.telemetry.rolling import Ended

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

Change = tuple[str, list[tuple[Any, ...]]]
"""A statement, and the rows of parameters to execute it with."""

log = logging.getLogger("fproc.history")

BUSY_SECONDS = 5.0
"""How long to wait for another process's transaction."""

BUSY_AGAIN_SECONDS = 0.1
"""The same after trouble, so that a database that stays locked does not hold up every batch."""

SET_ASIDE_LIMIT = 3
"""How many corrupt databases one run sets aside before it takes the disk to be bad."""

PRUNED_AT_ONCE = 1000
"""How many rows one transaction of `prune` deletes, so that no other process has to wait for it."""

PRUNE_PAUSE_SECONDS = 0.01
"""How long other processes may have the database before the next rows are deleted."""

MOST_LINE_ERRORS = 100_000
"""How many left-out lines are kept at most: each takes ten times the space of an event."""

ASKED_AT_ONCE = 400
"""How many names one query has; old versions of SQLite allow no more than 999."""

_DAY_SECONDS = 86400
_HIGHEST_ID = 2**63 - 1

# Text is bound as bytes and cast, because a name need not be UTF-8.
# Columns are named: SQLite then notices when another process has just added one.
_INSERT = """INSERT OR IGNORE INTO events (job, file, kind, time, attempt, seconds, lines_in, lines_out,
        bytes_in, rejected, results, error, node, line_no, line, skipped)
    VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
        ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, CAST(? AS TEXT), ?)"""
_INSERT_LINE = """INSERT OR IGNORE INTO line_errors
        (job, attempt, file, time, number, node, line_no, line, error)
    VALUES (CAST(? AS TEXT), ?, CAST(? AS TEXT), ?, ?,
        CAST(? AS TEXT), ?, CAST(? AS TEXT), CAST(? AS TEXT))"""
_TRIM_LINES = "DELETE FROM line_errors WHERE id <= (SELECT max(id) FROM line_errors) - ?"

_RECENT = r"""SELECT * FROM events
    WHERE id < :before
        AND (length(:kinds) = 0 OR instr(CAST(:kinds AS TEXT), char(10) || kind || char(10)))
        AND (file LIKE CAST(:pattern AS TEXT) ESCAPE '\' OR error LIKE CAST(:pattern AS TEXT) ESCAPE '\')
    ORDER BY id DESC LIMIT :limit"""

_TIMELINE = "SELECT * FROM events WHERE file = CAST(? AS TEXT) ORDER BY id"
_OF_FILE = "file = CAST(:file AS TEXT)"
_ERRORS = """SELECT time, file, node, line_no, line, error, attempt FROM (
    SELECT * FROM (
        SELECT time, file, node, line_no, line, error, attempt, 0 AS number FROM events
        WHERE error != '' AND {which} ORDER BY id DESC LIMIT :limit)
    UNION ALL SELECT * FROM (
        SELECT time, file, node, line_no, line, error, attempt, number FROM line_errors
        WHERE {which} ORDER BY id DESC LIMIT :limit))
    ORDER BY time DESC, file, number = 0 DESC, number DESC LIMIT :limit"""
_FAILURES = "SELECT * FROM events WHERE kind = 'failed' AND file IN ({names}) ORDER BY id DESC"
_SAME = "SELECT file FROM events WHERE job = CAST(? AS TEXT) AND kind = CAST(? AS TEXT) AND attempt = ?"
_LAST = "SELECT time FROM events WHERE kind = CAST(? AS TEXT) ORDER BY id DESC LIMIT 1"
_ENDED = """SELECT time, seconds, lines_in, bytes_in, kind = 'failed' FROM events
    WHERE time >= ? AND time < ? AND kind IN ('processed', 'failed') ORDER BY time DESC LIMIT ?"""
_PRUNE = "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE time < ? ORDER BY time LIMIT ?)"


class History:
    """The database at `path`, created if it is missing. No method raises because of it.

    Any thread may call any method. Writes go through one connection, under a lock; each query opens its own,
    so a slow query does not hold up the work.

    Args:
        path: the database. Its folder must exist.
        is_shared: whether other hosts may use its filesystem too.
        history_days: how old an event may be when `prune` is called, or None to keep them all.
        set_aside: moves the database at a path out of the way, and its `-wal` and `-shm` before it, and
            returns its new path. May raise `OSError`, which ends the history of this run.
        clock: seconds since 1970, by which the age of events is measured.
    """

    def __init__(
        self,
        path: str,
        *,
        history_days: float | None,
        is_shared: bool = False,
        set_aside: Callable[[str], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._history_days = history_days
        self._journal_mode = "TRUNCATE" if is_shared else "WAL"
        self._move_aside = set_aside
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: os.stat_result | None = None
        self._busy_seconds = BUSY_SECONDS
        self._set_aside_count = 0
        self._said: set[str] = set()
        self._is_on = True
        try:
            import sqlite3  # noqa: PLC0415 - a Python without it must still run fproc
        except ImportError:
            log.warning("this Python has no sqlite3; no history is kept")
            self._is_on = False
            return
        self._sqlite3 = sqlite3
        self._troubles = (sqlite3.Error, OSError, OverflowError)
        with self._lock:
            self._attempt(lambda _: None, None)

    def record(self, events: Sequence[FileEvent]) -> None:
        """Add events, all in one transaction; an event that is recorded already changes nothing."""
        if not events:
            return
        changes: list[Change] = [(_INSERT, [values_of(event) for event in events])]
        lines = [values for event in events for values in line_values_of(event)]
        if lines:
            changes += [(_INSERT_LINE, lines), (_TRIM_LINES, [(MOST_LINE_ERRORS,)])]
        recorded = self._write(*changes)
        if recorded is not None and recorded < len(events):
            self._check_known(events)

    def _check_known(self, events: Sequence[FileEvent]) -> None:
        """Warn if a recorded event is another input's: an id that two inputs share would hide one of them."""
        for event in events:
            key = bytes_of(event.job), bytes_of(event.kind), event.attempt
            rows = self._ask(_SAME, key)
            if rows and rows[0][0] != event.file:
                log.warning(
                    "the history has %s for %s of %s, which has the same id %s; that is not recorded",
                    *map(shown, (rows[0][0], event.kind, event.file, event.job)),
                )

    def prune(self, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Delete the events older than `history_days`, and return how many; the totals stay.

        Rows are deleted in small steps until `is_stopping` says so.
        """
        if self._history_days is None:
            return 0
        before = self._clock() - self._history_days * _DAY_SECONDS
        self._prune("line_errors", before, is_stopping)
        return self._prune("events", before, is_stopping)

    def _prune(self, table: str, before: float, is_stopping: Callable[[], bool]) -> int:
        deleted = 0
        while not is_stopping():
            count = self._write((_PRUNE.format(table=table), [(before, PRUNED_AT_ONCE)])) or 0
            deleted += count
            if count < PRUNED_AT_ONCE:
                break
            time.sleep(PRUNE_PAUSE_SECONDS)
        return deleted

    def totals(self) -> dict[str, int]:
        """Return the totals of all events ever recorded, pruned ones included; empty if they are not known.

        `files_processed`, `files_failed`, `retries` and `recovered` count events of these kinds; the other
        totals are of the files that were processed or failed.
        """
        rows = self._ask("SELECT * FROM totals", ())
        return dict(zip(TOTALS, rows[0], strict=True)) if rows else {}

    def recent(
        self, *, limit: int, kinds: Collection[str] = (), query: str = "", after: int | None = None
    ) -> list[Row]:
        """Return events, newest first.

        Args:
            limit: how many at most.
            kinds: only events of these kinds, if any are named.
            query: only events with this in the file's name or the error; the case of A to Z is ignored.
            after: only the rows that follow the one with this id in the list, that is, older ones.
        """
        parameters = {
            "before": _HIGHEST_ID if after is None else after,
            "kinds": bytes_of("".join(f"\n{kind}\n" for kind in kinds)),
            "pattern": bytes_of("%" + re.sub(r"([\\%_])", r"\\\1", query) + "%"),
            "limit": max(limit, 0),
        }
        return [row_of(values) for values in self._ask(_RECENT, parameters)]

    def timeline(self, file: str) -> list[Row]:
        """Return all events of a name, oldest first."""
        return [row_of(values) for values in self._ask(_TIMELINE, (bytes_of(file),))]

    def errors(self, limit: int, file: str = "") -> list[Failure]:
        """Return files that failed or are retried, and left-out lines, newest first, `limit` at most.

        If a file is named, return only its own.
        """
        sql = _ERRORS.format(which=_OF_FILE if file else "1")
        rows = self._ask(sql, {"file": bytes_of(file), "limit": max(limit, 0)})
        return [Failure(*values) for values in rows]

    def failures(self, files: Collection[str]) -> list[Row]:
        """Return the `failed` events of files of these names, newest first for each name."""
        names = [bytes_of(file) for file in files]
        rows: list[Row] = []
        for start in range(0, len(names), ASKED_AT_ONCE):
            batch = names[start : start + ASKED_AT_ONCE]
            sql = _FAILURES.format(names=", ".join(["CAST(? AS TEXT)"] * len(batch)))
            rows += [row_of(values) for values in self._ask(sql, batch)]
        return rows

    def ended(self, since: float, before: float, limit: int) -> list[Ended]:
        """Return the files that ended in a time span (seconds since 1970), newest first, `limit` at most."""
        return [Ended(*values) for values in self._ask(_ENDED, (since, before, limit))]

    def last(self, kind: str) -> float | None:
        """Return when an event of this kind was last recorded, in seconds since 1970, or None."""
        rows = self._ask(_LAST, (bytes_of(kind),))
        return float(rows[0][0]) if rows else None

    def close(self) -> None:
        """Close the database for good; later events are dropped, and queries return nothing."""
        with self._lock:
            self._turn_off()

    def _attempt(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Return the result of work on the database, or `otherwise`; repeat it after a corrupt one is moved.

        The caller must hold the lock.
        """
        for _ in range(2):
            try:
                connection = self._ready()
                if connection is None:
                    break
                value = work(connection)
            except self._troubles as error:
                if not self._recover(error, self._opened):
                    break
            else:
                return value
        return otherwise

    def _write(self, *changes: Change) -> int | None:
        """Make changes in one transaction; return how many rows the first affected, or None on trouble."""
        with self._lock:
            count = self._attempt(lambda connection: _change(connection, changes), None)
            if count is not None:
                self._busy_seconds = BUSY_SECONDS
        return count

    def _ask(self, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none on trouble."""
        with self._lock:
            opened = self._attempt(lambda _: self._opened, None)
        if opened is None:
            return []
        try:
            with closing(self._connect(BUSY_SECONDS)) as connection:
                return connection.execute(sql, parameters).fetchall()
        except self._troubles as error:
            with self._lock:
                self._recover(error, opened)
        return []

    def _ready(self) -> sqlite3.Connection | None:
        """Return the connection to the database that is at the path now, or None if the history is off."""
        if self._connection is not None and not self._is_at_path(self._opened):
            log.warning("%s was removed or replaced; the history goes on without it", shown(self._path))
            self._disconnect()
        if self._connection is None and self._is_on:
            self._open()
        if self._connection is not None:
            self._connection.execute(f"PRAGMA busy_timeout = {self._busy_seconds * 1000:.0f}")
        return self._connection

    def _open(self) -> None:
        """Connect, and make the tables if there are none.

        The journal is a write-ahead log where the filesystem supports it: it needs memory that all users of
        the database share, which several hosts do not have. Only with `synchronous = FULL` does it keep every
        event through a power loss.
        """
        connection = self._connection = self._connect(self._busy_seconds)
        self._opened = os.stat(self._path)
        version = version_of(connection)
        if version > SCHEMA_VERSION:
            self._end(f"was made by a newer fproc (schema {version}, known is {SCHEMA_VERSION})")
            return
        with suppress(self._sqlite3.OperationalError):
            connection.execute(f"PRAGMA journal_mode = {self._journal_mode}")
        connection.execute("PRAGMA synchronous = FULL")
        if version < SCHEMA_VERSION:
            make_tables(connection)

    def _connect(self, busy_seconds: float) -> sqlite3.Connection:
        connection = self._sqlite3.connect(
            self._path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        return connection

    def _recover(self, error: Exception, opened: os.stat_result | None) -> bool:
        """Handle an error of the database that was `opened`; return whether to try again at once.

        The connection is closed in any case, so the next call starts afresh.
        """
        self._disconnect()
        reason = reason_of(error) if isinstance(error, OSError) else shown(str(error))
        if type(error) is self._sqlite3.DatabaseError:  # only for SQLITE_CORRUPT and SQLITE_NOTADB
            return self._set_aside(reason, opened)
        self._busy_seconds = BUSY_AGAIN_SECONDS
        if reason not in self._said:
            self._said.add(reason)
            log.warning("%s: %s; the history has gaps (said once)", shown(self._path), reason)
        return False

    def _set_aside(self, reason: str, opened: os.stat_result | None) -> bool:
        """Move a corrupt database away, unless another process has; return False if that is impossible."""
        if not self._is_at_path(opened):
            return True
        if self._set_aside_count == SET_ASIDE_LIMIT:
            self._end(f"is corrupt once more ({reason})")
            return False
        self._set_aside_count += 1
        try:
            new_path = self._move_aside(self._path)
        except OSError as refusal:
            self._end(f"is corrupt ({reason}) and cannot be set aside ({reason_of(refusal)})")
            return False
        message = "%s was corrupt (%s); it is now %s, and a new history begins"
        log.warning(message, shown(self._path), reason, shown(new_path))
        return True

    def _is_at_path(self, opened: os.stat_result | None) -> bool:
        """Return whether the database that was opened is still the one at the path."""
        try:
            return opened is not None and os.path.samestat(os.stat(self._path), opened)
        except OSError:
            return False

    def _end(self, why: str) -> None:
        log.warning("%s %s; it is left alone, and no history is kept", shown(self._path), why)
        self._turn_off()

    def _turn_off(self) -> None:
        self._is_on = False
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._troubles):
                connection.close()


def _change(connection: sqlite3.Connection, changes: Sequence[Change]) -> int:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        first, *_ = [connection.executemany(sql, values).rowcount for sql, values in changes]
        return first
