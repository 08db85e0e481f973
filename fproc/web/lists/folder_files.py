"""Files that lie in a folder: those that wait, are worked on, or have failed; in pages, by time or name."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from fproc.base.text import natural_key
from fproc.base.times import rfc3339
from fproc.run.outcome import FileEvent
from fproc.spool.disk.paths import came_at
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.layout import REJECTS_ENDING, REPORT_ENDING, about
from fproc.telemetry.history.history import History
from fproc.telemetry.rolling import rounded
from fproc.web.inspect.details import first_names
from fproc.web.lists.cursors import cursor, position_in, timed_name
from fproc.web.lists.folder_cache import FolderCache, Listed
from fproc.web.lists.rows import (
    REJECTED_LINES,
    STATES,
    FileRow,
    Page,
    rejects_fields,
    report_fields,
    row,
    time_of,
)
from fproc.web.lists.sorting import FOLDER_KEYS, SortOrder, order_of

UNPROCESSED, UNDERPROCESS, PROCESSED, FAILED = STATES

SEARCHED = (FAILED, REJECTED_LINES)
"""The lists that are searched by error, too; they begin with the newest."""

OLDEST_FIRST, NEWEST_FIRST = SortOrder("timestamp", is_down=False), SortOrder("timestamp", is_down=True)

MOST_SEARCHED = 2000
"""The most files that are read for one page. One that is not full by then says where to go on."""

SAME_SECONDS = 60.0
"""The most seconds between a report and an event about one failure."""

Key = tuple[Any, ...]


class FolderFiles:
    """The lists of the folders. Any thread may call any method.

    Args:
        cache: the content of the folders.
        history: what happened so far, or None.
        spool_status: returns a fresh one: it remembers each file that it is asked about.
        current: returns the files that are worked on now.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        cache: FolderCache,
        history: History | None,
        spool_status: Callable[[], SpoolStatus],
        current: Callable[[], list[FileRow]],
        clock: Callable[[], float],
    ) -> None:
        self._cache = cache
        self._folders = cache.folders
        self._history = history
        self._spool_status = spool_status
        self._current = current
        self._clock = clock
        self._by_name: tuple[Listed, list[Key]] = ([], [])

    def page(self, state: str, query: str, limit: int, after: str, *, sort: str = "") -> Page:
        """Return files in a folder; without an order, those that failed newest first, others oldest first.

        Raises:
            ValueError: there is no such order, or `after` is from no answer; the message is one sentence.
            OSError: the folder cannot be read.
        """
        order = order_of(sort, FOLDER_KEYS)
        name_of_list = f"{state} {order}" if order else state
        position = position_in(after, name_of_list, timed_name)
        page: list[FileRow] = []
        searched = 0
        describe = self._describer(state)
        usual = NEWEST_FIRST if state in SEARCHED else OLDEST_FIRST
        for entry in self._in_order(self._listed(state), order or usual, position):
            if len(page) == limit or searched == MOST_SEARCHED:
                return self._completed(page, state), cursor(name_of_list, position)
            position, name = entry, entry[1]
            is_named = query.lower() in name.lower()
            if is_named or state in SEARCHED:
                searched += not is_named
                with suppress(FileNotFoundError):  # it has gone on
                    described = describe(name)
                    if is_named or query.lower() in (described["error"] or "").lower():
                        page.append(described)
        return self._completed(page, state), None

    def _listed(self, state: str) -> Listed:
        cache = self._cache
        looks = {UNPROCESSED: cache.waiting, UNDERPROCESS: cache.at_work, REJECTED_LINES: cache.with_rejects}
        return looks.get(state, cache.failed)()

    def _describer(self, state: str) -> Callable[[str], FileRow]:
        """Return the call that describes a file in a state."""
        if state == FAILED:
            return self._failed
        if state == REJECTED_LINES:
            return self._with_rejects
        spool_status = self._spool_status()
        if state == UNPROCESSED:
            return lambda name: self._waiting(spool_status, name)
        running = {entry["file"]: entry for entry in self._current()}
        return lambda name: self._at_work(spool_status, name, running)

    def _in_order(
        self, listed: Listed, order: SortOrder, position: tuple[int, str] | None
    ) -> Iterator[tuple[int, str]]:
        """Yield the entries behind a position."""
        entries: Sequence[Key] = listed if order.key == "timestamp" else self._named(listed)
        place = position if order.key == "timestamp" else position and _named_key(position)
        found = _before(entries, place) if order.is_down else _behind(entries, place)
        return ((entry[-2], entry[-1]) for entry in found)

    def _named(self, listed: Listed) -> list[Key]:
        """Return the entries by name; the same ones are sorted once."""
        known, entries = self._by_name
        if known is not listed:
            entries = sorted(map(_named_key, listed))
            self._by_name = listed, entries
        return entries

    def _seconds_since(self, time_seconds: float) -> float:
        return round(max(0.0, self._clock() - time_seconds), 3)

    def _waiting(self, spool_status: SpoolStatus, name: str) -> FileRow:
        since = came_at(self._folders.unprocessed, name)
        seconds, why = self._seconds_since(since), spool_status.why_unprocessed(name)
        return row(name, UNPROCESSED, rfc3339(since), seconds=seconds, lines=0, error=why)

    def _at_work(self, spool_status: SpoolStatus, name: str, running: Mapping[str, FileRow]) -> FileRow:
        since = came_at(self._folders.underprocess, name)
        why, attempts = spool_status.why_underprocess(name), spool_status.attempts(name)
        described = row(name, UNDERPROCESS, rfc3339(since), attempts=attempts, error=why)
        counts = {key: running.get(name, {}).get(key) or 0 for key in ("lines", "rejected", "skipped")}
        return {**described, "seconds": self._seconds_since(since), **counts}

    def _failed(self, name: str) -> FileRow:
        """Return what is known about a failed input without the history."""
        since = came_at(self._folders.failed, name)
        report = report_fields(os.path.join(self._folders.failed, about(name, REPORT_ENDING)))
        failed_at = time_of(report.get("timestamp"))
        return row(
            name,
            FAILED,
            rfc3339(since if failed_at is None else failed_at),
            attempts=report.get("attempts", 0),
            error=report.get("reason"),
            rejected=report.get("rejected"),
            skipped=report.get("skipped"),
            node=report.get("node"),
            line_no=report.get("line_no"),
        )

    def _with_rejects(self, name: str) -> FileRow:
        """Return what is known about an input with lines that were set aside."""
        rejects = about(name, REJECTS_ENDING)
        since = came_at(self._folders.failed, rejects)
        reason, count = rejects_fields(os.path.join(self._folders.failed, rejects))
        is_failed = os.path.lexists(os.path.join(self._folders.failed, name))
        state = FAILED if is_failed else PROCESSED
        described = row(name, state, rfc3339(since), error=reason, rejected=count, skipped=None)
        event = self._nearest(name, since)
        if event is not None:
            described |= {"seconds": rounded(event.seconds), "lines": event.lines_in}
            described |= {"rejected": event.rejected, "skipped": event.skipped}
            described |= {"results": list(event.results), "attempts": event.attempt}
        return described

    def _nearest(self, name: str, since: float) -> FileEvent | None:
        """Return the end of a run that has set lines aside at a time, if it is known."""
        events = [
            found.event
            for first in first_names(name)
            for found in (self._history.timeline(first) if self._history else ())
            if found.event.rejected and abs(found.event.time - since) <= SAME_SECONDS
        ]
        return min(events, key=lambda event: abs(event.time - since), default=None)

    def _completed(self, page: list[FileRow], state: str) -> list[FileRow]:
        """Return the page, completed from the history for inputs that failed."""
        if state != FAILED or self._history is None:
            return page
        names = {name for described in page for name in first_names(described["file"])}
        failures: dict[str, list[FileEvent]] = {}
        for row_of_history in self._history.failures(names):
            failures.setdefault(row_of_history.event.file, []).append(row_of_history.event)
        for described in page:
            failed_at = time_of(described["timestamp"]) or 0.0
            events = [event for name in first_names(described["file"]) for event in failures.get(name, ())]
            event = min(events, key=lambda event: _apart(event.time, failed_at), default=None)
            if event and abs(event.time - failed_at) <= SAME_SECONDS:
                described |= {"seconds": rounded(event.seconds), "lines": event.lines_in}
                described |= {"rejected": event.rejected, "skipped": event.skipped}
                if described["error"] is None:
                    described |= {"error": event.error or None, "attempts": event.attempt}
                    described |= {"node": event.node, "line_no": event.line_no}
        return page


def _named_key(entry: tuple[int, str]) -> Key:
    return natural_key(os.fsencode(entry[1])), *entry


def _apart(recorded_at: float, failed_at: float) -> tuple[bool, float]:
    """Return a sort key: how well an event fits a failure, which is recorded after it has happened."""
    return recorded_at < failed_at, abs(recorded_at - failed_at)


def _behind(entries: Sequence[Key], place: Key | None) -> Iterator[Key]:
    return islice(entries, bisect_right(entries, place) if place else 0, None)


def _before(entries: Sequence[Key], place: Key | None) -> Iterator[Key]:
    """Yield entries backwards from a place, or from the end."""
    end = bisect_left(entries, place) if place else len(entries)
    return map(entries.__getitem__, reversed(range(end)))
