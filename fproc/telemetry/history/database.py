"""The connection to the database of the history: opened, waited for, set aside when corrupt.

Trouble with it never stops the work: it is logged once, what was to be written is dropped, and the next is
tried again. Without Python's `sqlite3` there is no history.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from fproc.base.errors import reason_of
from fproc.base.text import natural_key, shown
from fproc.telemetry.history.schema import SCHEMA_VERSION, make_tables, version_of
from fproc.telemetry.rolling import bin_of

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

ANSWER_SECONDS = 10.0
"""The most time that a query may take; one that takes longer is ended and has no rows."""

STEPS_BETWEEN_LOOKS = 10_000
"""The steps of SQLite's virtual machine, some tenths of a millisecond, between two looks at the clock."""

JOURNAL_BYTES = 4 << 20
"""What the write-ahead log is cut to after a change that made it larger."""


class Database:
    """The database at `path`, created if it is missing. No method raises because of it.

    Any thread may call any method. Writes go through one connection, under a lock; each query opens its own,
    so a slow query does not hold up the work.

    Args:
        path: the database. Its folder must exist.
        is_shared: whether other hosts may use its filesystem too.
        set_aside: moves the database at a path out of the way, and its `-wal` and `-shm` before it, and
            returns its new path. May raise `OSError`, which ends the history of this run.
    """

    def __init__(self, path: str, *, is_shared: bool, set_aside: Callable[[str], str]) -> None:
        self._path = path
        self._journal_mode = "TRUNCATE" if is_shared else "WAL"
        self._move_aside = set_aside
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

    def write(self, *changes: Change) -> int | None:
        """Make changes in one transaction; return how many rows the first affected, or None on trouble."""
        with self._lock:
            count = self._attempt(lambda connection: _change(connection, changes), None)
            if count is not None:
                self._busy_seconds = BUSY_SECONDS
        return count

    def ask(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none on trouble, or if it takes more than `ANSWER_SECONDS`."""

        def answer(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            deadline = time.monotonic() + ANSWER_SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
            try:
                return connection.execute(sql, parameters).fetchall()
            except self._sqlite3.OperationalError:
                if time.monotonic() <= deadline:
                    raise
                log.warning("a query of the history took more than %g s and was ended", ANSWER_SECONDS)
                return []

        return self.do(answer, [])

    def do(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Return the result of work on a connection of its own, or `otherwise` on trouble."""
        with self._lock:
            opened = self._attempt(lambda _: self._opened, None)
        if opened is None:
            return otherwise
        try:
            with closing(self._connect(BUSY_SECONDS)) as connection:
                return work(connection)
        except self._troubles as error:
            with self._lock:
                self._recover(error, opened)
        return otherwise

    def close(self) -> None:
        """Close it for good; later writes are dropped, and queries return nothing."""
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
        if version == 0:  # only a database without tables takes it
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        with suppress(self._sqlite3.OperationalError):
            connection.execute(f"PRAGMA journal_mode = {self._journal_mode}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
        if version < SCHEMA_VERSION:
            make_tables(connection)
            if version:
                what = "%s was brought up to date (schema %d, before %d)"
                log.info(what, shown(self._path), SCHEMA_VERSION, version)

    def _connect(self, busy_seconds: float) -> sqlite3.Connection:
        connection = self._sqlite3.connect(
            self._path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        connection.create_function("bin_of", 1, bin_of, deterministic=True)
        connection.create_function("natural_key", 1, natural_key, deterministic=True)
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
