"""The upkeep of the history: what is too old, or too much, is deleted, and free pages are given back.

All of it in small steps, each a transaction of its own, so that those who record never wait for long. It runs
on a thread of its own. Events are deleted by age, number and size; the totals stay.

The names of results outlive their events, if results are removed when they are old: they are copied first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fproc.config.model import MEGABYTE
from fproc.config.retention import Retention
from fproc.spool.intake.old_results import PublishedResult
from fproc.spool.output.intents import is_place
from fproc.telemetry.events import bytes_of, names_of
from fproc.telemetry.history.arrivals import ArrivalLog
from fproc.telemetry.history.database import Database
from fproc.telemetry.history.node_steps import KEPT_SECONDS, NodeSteps

if TYPE_CHECKING:
    import sqlite3

DAY_SECONDS = 86400.0

PRUNED_AT_ONCE = 1000
"""How many rows one transaction deletes or copies, so that no other process has to wait for it."""

PRUNE_PAUSE_SECONDS = 0.01
"""How long other processes may have the database before the next rows are deleted."""

PAGES_AT_ONCE = 256
"""How many pages one transaction gives back to the filesystem."""

FREE_SHARE = 0.1
"""The share of free pages that is kept for what is recorded next."""

CONVERTED_BYTES = 16 << 20
"""The size up to which the database of an earlier fproc is rewritten while it is used, to give pages back."""

_DELETE = """DELETE FROM {table} WHERE id IN
    (SELECT id FROM {table} WHERE time {bound} ? ORDER BY time LIMIT ?)"""
_TIME_OF_NTH = "SELECT max(time) FROM (SELECT time FROM {table} ORDER BY time LIMIT ?)"
_NEW_RESULTS = """SELECT id, time, results FROM events
    WHERE id > (SELECT id FROM results_until) AND kind = 'processed' ORDER BY id LIMIT ?"""
_ADD_RESULT = "INSERT OR REPLACE INTO results (name, time) VALUES (CAST(? AS TEXT), ?)"
_ADDED_UNTIL = "UPDATE results_until SET id = max(id, ?)"
_RESULTS = "SELECT id, name, time FROM results WHERE (time, id) > (?, ?) ORDER BY time, id LIMIT ?"
_TRIM_PIPELINES = "DELETE FROM pipelines WHERE id < (SELECT max(id) FROM pipelines WHERE time < ?)"
_FORGET = "DELETE FROM results WHERE id = ?"


class Upkeep:
    """Keeps one history within the bounds that the configuration sets.

    Args:
        database: the history.
        retention: the bounds, which may be changed.
        clock: seconds since 1970, by which the age of events is measured.
    """

    def __init__(self, database: Database, retention: Retention, *, clock: Callable[[], float]) -> None:
        self._database = database
        self.retention = retention
        self._clock = clock

    def configure(self, retention: Retention) -> None:
        """Go by other bounds from now on."""
        self._retention = retention

    def prune(self, is_stopping: Callable[[], bool]) -> int:
        """Delete the events that are too old or too many, and return how many, until told to stop."""
        retention, deleted = self.retention, 0
        days = min(retention.history_days or math.inf, KEPT_SECONDS / DAY_SECONDS)
        for log in (NodeSteps(self._database), ArrivalLog(self._database)):
            log.prune(self._clock() - days * DAY_SECONDS)
        if retention.prunes_results:
            self.copy_results(is_stopping)
        if retention.history_days is not None:
            before = self._clock() - retention.history_days * DAY_SECONDS
            self._delete("line_errors", before, is_stopping)
            self._database.write((_TRIM_PIPELINES, [(before,)]))  # the last one before is what ran then
            deleted += self._delete("events", before, is_stopping)
        if retention.history_events is not None:
            deleted += self._delete_excess(retention.history_events, is_stopping)
        if retention.history_mb is not None:
            deleted += self._delete_bytes(retention.history_mb * MEGABYTE, is_stopping)
        self._give_back(is_stopping)
        return deleted

    def count_excess(self) -> int:
        """Return how many events are too old or too many; those that take too much room are not known."""
        retention, excess = self.retention, 0
        if retention.history_days is not None:
            before = self._clock() - retention.history_days * DAY_SECONDS
            excess = self._count("SELECT count(*) FROM events WHERE time < ?", before)
        if retention.history_events is not None:
            excess = max(excess, self._count("SELECT count(*) FROM events") - retention.history_events)
        return excess

    def copy_results(self, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """Copy the names of results from new events, but for those of results that were appended to."""
        while not is_stopping():
            rows = self._database.ask(_NEW_RESULTS, (PRUNED_AT_ONCE,))
            names = [(bytes_of(name), when) for _, when, text in rows for name in _whole(names_of(text))]
            if not rows:
                break
            written = self._database.write((_ADDED_UNTIL, [(rows[-1][0],)]), (_ADD_RESULT, names))
            if written is None or len(rows) < PRUNED_AT_ONCE:
                break
            time.sleep(PRUNE_PAUSE_SECONDS)

    def results(self, after: PublishedResult | None) -> list[PublishedResult]:
        """Return the results that follow another one, by their time; some of them, or none at the end."""
        position = (after.time, after.id) if after else (float("-inf"), 0)
        rows = self._database.ask(_RESULTS, (*position, PRUNED_AT_ONCE))
        return [PublishedResult(*row) for row in rows]

    def forget(self, results: Sequence[PublishedResult]) -> None:
        """Forget results that are gone, or someone else's now."""
        if results:
            self._database.write((_FORGET, [(result.id,) for result in results]))

    def compact(self) -> None:
        """Rewrite the database, so that it has no free pages; nobody can record meanwhile."""
        self._database.do(_rewrite, None)

    def _delete(
        self, table: str, time_bound: float, is_stopping: Callable[[], bool], *, bound: str = "<"
    ) -> int:
        """Delete the rows before a time, or with `<=` up to it, in steps; return how many."""
        deleted = 0
        while not is_stopping():
            sql = _DELETE.format(table=table, bound=bound)
            count = self._database.write((sql, [(time_bound, PRUNED_AT_ONCE)])) or 0
            deleted += count
            if count < PRUNED_AT_ONCE:
                break
            time.sleep(PRUNE_PAUSE_SECONDS)
        return deleted

    def _count(self, sql: str, *parameters: float) -> int:
        rows = self._database.ask(sql, parameters)
        return int(rows[0][0]) if rows else 0

    def _delete_excess(self, most: int, is_stopping: Callable[[], bool]) -> int:
        """Delete the oldest events of more than so many."""
        excess = self._count("SELECT count(*) FROM events") - most
        deleted = 0
        while deleted < excess and not is_stopping():
            step = min(excess - deleted, PRUNED_AT_ONCE)
            sql = _DELETE.format(table="events", bound="<=")
            count = self._database.write((sql, [(float("inf"), step)])) or 0
            if not count:
                break
            deleted += count
            time.sleep(PRUNE_PAUSE_SECONDS)
        return deleted

    def _delete_bytes(self, most_bytes: float, is_stopping: Callable[[], bool]) -> int:
        """Delete the oldest events, and lines from before them, until the rest takes no more than this."""
        deleted = 0
        while not is_stopping() and self._used_bytes() > most_bytes:
            rows = [
                self._database.ask(_TIME_OF_NTH.format(table=table), (PRUNED_AT_ONCE,))
                for table in ("events", "line_errors")
            ]
            times = [row[0][0] for row in rows if row and row[0][0] is not None]
            if not times:
                break
            count = self._delete("events", min(times), is_stopping, bound="<=")
            lines = self._delete("line_errors", min(times), is_stopping, bound="<=")
            deleted += count
            if not count + lines:
                break
        return deleted

    def _used_bytes(self) -> int:
        """Return the size of what is in the database."""
        pages, free, page_bytes, _ = self._pages()
        return (pages - free) * page_bytes

    def _pages(self) -> tuple[int, int, int, int]:
        """Return the numbers of pages, and of free ones; the bytes of one; and how they are given back."""
        names = ("page_count", "freelist_count", "page_size", "auto_vacuum")
        pages, free, page_bytes, mode = (
            (self._database.ask(f"PRAGMA {name}") or [(0,)])[0][0] for name in names
        )
        return pages, free, page_bytes, mode

    def _give_back(self, is_stopping: Callable[[], bool]) -> None:
        """Give free pages back to the filesystem, but for some that the next events need."""
        while not is_stopping():
            pages, free, page_bytes, mode = self._pages()
            if free <= max(PAGES_AT_ONCE, pages * FREE_SHARE):
                break
            if mode == 0:  # made by an earlier fproc; what is free is used again, and the rest stays as it is
                if pages * page_bytes <= CONVERTED_BYTES:
                    self.compact()
                break
            if not self._database.do(_give_pages_back, otherwise=False):
                break
            time.sleep(PRUNE_PAUSE_SECONDS)


def _rewrite(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("VACUUM")


def _give_pages_back(connection: sqlite3.Connection) -> bool:
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})").fetchall()
    return True


def _whole(names: Sequence[str]) -> list[str]:
    """Return the names of results that are one input's alone."""
    return [name for name in names if not is_place(name)]
