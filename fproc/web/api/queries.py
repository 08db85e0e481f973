"""Files and lines on the dashboard: from the folders, the history, and the traces in memory."""

from __future__ import annotations

import json
import os
import socket
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from fproc.base.times import rfc3339
from fproc.config.model import Config
from fproc.run.outcome import FileEvent
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.layout import REPORT_ENDING, about
from fproc.telemetry.history.history import History
from fproc.telemetry.rolling import rounded
from fproc.telemetry.traces import Traces
from fproc.web.api.cursors import cursor, position_in, timed_name, whole_number
from fproc.web.api.folder_cache import FolderCache, Listed
from fproc.web.inspect.details import FileDetails, first_names

Row = dict[str, Any]
Page = tuple[list[Row], str | None]
"""Files, and the value of `after` for those that follow; None if there are no more."""

ENDED = {"": ("processed", "failed"), "processed": ("processed",)}
"""The kinds of events that record the end of a file, by `state`; empty: all files that ended."""

STATES = ("unprocessed", "underprocess", "processed", "failed")
"""The states of an input, in the order in which it goes through them."""

ROWS, MOST_ROWS = 50, 500
"""The entries of a list in an answer, by default and at most."""

RECENT = 20
"""The number of files that ended last that are shown with the traces."""

MOST_SEARCHED = 2000
"""The most files that are read for one page. One that is not full by then says where to go on."""

MOST_SEARCHED_EVENTS = 50_000
"""The same for events of the history, of which many are read at once."""

MOST_GONE = 1000
"""The most names at the head of a list, whose files have gone since, that are skipped one by one."""

MOST_REPORT_BYTES = 256 * 1024
"""Larger reports, which hold a very long line, are not read; the history knows as much."""

SAME_SECONDS = 60.0
"""The most seconds between a report and an event about one failure."""


class Queries:
    """The lists. Any thread may call any method.

    Args:
        config: it has the folders, and the names to ignore.
        history: what happened so far, or None.
        current: returns the files that this process works on now.
        traces: the last traces.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.

    Attributes:
        details: answers about one file.
    """

    def __init__(
        self,
        config: Config,
        history: History | None,
        current: Callable[[], list[Row]],
        traces: Traces,
        clock: Callable[[], float] = time.time,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._folder_cache = FolderCache(config, clock=clock, monotonic=monotonic)
        self._folders = self._folder_cache.folders
        self._history = history
        self._own = current
        self._traces = traces
        self.details = FileDetails(config, history, traces)
        self._clock = clock
        self._monotonic = monotonic

    def counts(self) -> dict[str, int]:
        """Return how many inputs are in each state.

        Raises:
            OSError: a folder cannot be read.
        """
        return self._folder_cache.counts()

    def known_counts(self) -> dict[str, int] | None:
        """Return the same at once, as far as it is known; None before the first scans have ended."""
        return self._folder_cache.known_counts()

    def oldest_waiting(self) -> tuple[str, float] | None:
        """Return the input in `unprocessed/` that came, or was last changed, first, and how long ago.

        Of very many that are claimed in the meantime, it may be a later one.
        """
        with suppress(OSError):  # the check of the folders reports what is wrong with one
            listed = self._folder_cache.known_waiting()
            for _, name in (*listed[:MOST_GONE], *listed[MOST_GONE :: len(listed) // MOST_GONE + 1]):
                with suppress(FileNotFoundError):
                    return name, self._seconds_since(_came_at(self._folders.unprocessed, name))
        return None

    def files(self, *, state: str, query: str, limit: int, after: str) -> Row:
        """Return the answer of `/files`. A page that is not full, even an empty one, may have more after it.

        Raises:
            ValueError: there is no such state, or `after` is from no answer; the message is one sentence.
            OSError: a folder cannot be read.
        """
        if state and state not in STATES:
            raise ValueError(f"state must be one of {', '.join(STATES)}, or empty")
        list_page = self._ended if state in ENDED else self._lying
        recent, following = list_page(state, query, limit, after)
        return {"counts": self.counts(), "current": self.current(), "recent": recent, "after": following}

    def errors(self, *, limit: int, file: str = "") -> Row:
        """Return the answer of `/errors`: files that failed or are tried again, and lines left out."""
        if self._history is None:
            return {"errors": []}
        errors = self._history.errors(limit, file)
        return {
            "errors": [
                {
                    "timestamp": rfc3339(error.time),
                    "file": error.file,
                    "node": error.node,
                    "line_no": error.line_no,
                    "line": error.line,
                    "error": error.error,
                    "attempt": error.attempt,
                }
                for error in errors
            ]
        }

    def traces(self, *, file: str = "", limit: int) -> Row:
        """Return the answer of `/trace`; `file` is the name of one file, or empty for all."""
        return {
            "current": self.current(),
            "recent": self._ended("", "", RECENT, "")[0],
            "traces": [
                {"file": name, **trace.as_json()} for name, trace in self._traces.find(file=file, limit=limit)
            ],
        }

    def current(self) -> list[Row]:
        """Return the files that are being processed, by this process and by the others on the spool."""
        spool_status = self._spool_status()
        own = os.getpid(), socket.gethostname()
        others = [
            self._of_other(entry)
            for instance in spool_status.instances()
            if (instance.pid, instance.host) != own
            for entry in instance.state.get("current", ())
        ]
        return [
            {**entry, "total_bytes": spool_status.size_bytes(entry["file"])}
            for entry in [*self._own(), *others]
        ]

    def _spool_status(self) -> SpoolStatus:
        """Return a fresh one: it remembers each file that it is asked about."""
        return SpoolStatus(self._config, clock=self._clock, monotonic=self._monotonic)

    def _of_other(self, entry: Mapping[str, Any]) -> Row:
        started_at = _time_of(entry.get("started"))
        return {
            "file": str(entry.get("file", "")),
            "started": entry.get("started"),
            "seconds": None if started_at is None else self._seconds_since(started_at),
            "lines": entry.get("lines"),
            "bytes": entry.get("bytes"),
            "rejected": entry.get("rejected"),
            "skipped": entry.get("skipped"),
            "worker": entry.get("worker"),
        }

    def _seconds_since(self, time_seconds: float) -> float:
        return round(max(0.0, self._clock() - time_seconds), 3)

    def _ended(self, state: str, query: str, limit: int, after: str) -> Page:
        """Return files that ended, newest first, from no more events than are read in a moment."""
        position = position_in(after, state, whole_number)
        if self._history is None:
            return [], None
        newest = self._history.last_id() + 1 if position is None else position
        least = max(newest - MOST_SEARCHED_EVENTS, 0)
        rows = self._history.recent(limit=limit, kinds=ENDED[state], query=query, after=newest, least=least)
        following = cursor(state, rows[-1].id) if len(rows) == limit else None
        if following is None and least > 1:
            following = cursor(state, least)
        return [_of_event(row.event) for row in rows], following

    def _lying(self, state: str, query: str, limit: int, after: str) -> Page:
        """Return files in a folder; those that failed newest first, others oldest first."""
        position = position_in(after, state, timed_name)
        page: list[Row] = []
        searched = 0
        describe, rest = self._shown(state, position)
        for entry in rest:
            if len(page) == limit or searched == MOST_SEARCHED:
                return self._completed(page, state), cursor(state, position)
            position, name = entry, entry[1]
            is_named = query.lower() in name.lower()
            if is_named or state == "failed":
                searched += not is_named
                with suppress(FileNotFoundError):  # it has gone on
                    row = describe(name)
                    if is_named or query.lower() in (row["error"] or "").lower():
                        page.append(row)
        return self._completed(page, state), None

    def _shown(
        self, state: str, position: tuple[int, str] | None
    ) -> tuple[Callable[[str], Row], Iterator[tuple[int, str]]]:
        """Return the call that describes a file in a state, and the files behind a position."""
        spool_status, cache = self._spool_status(), self._folder_cache
        if state == "unprocessed":
            return lambda name: self._waiting(spool_status, name), _behind(cache.waiting(), position)
        if state == "underprocess":
            running = {entry["file"]: entry for entry in self.current()}
            return (
                lambda name: self._at_work(spool_status, name, running),
                _behind(cache.at_work(), position),
            )
        return self._failed, _before(cache.failed(), position)

    def _waiting(self, spool_status: SpoolStatus, name: str) -> Row:
        came_at = _came_at(self._folders.unprocessed, name)
        seconds, why = self._seconds_since(came_at), spool_status.why_unprocessed(name)
        return _row(name, "unprocessed", rfc3339(came_at), seconds=seconds, lines=0, error=why)

    def _at_work(self, spool_status: SpoolStatus, name: str, running: Mapping[str, Row]) -> Row:
        came_at = _came_at(self._folders.underprocess, name)
        why, attempts = spool_status.why_underprocess(name), spool_status.attempts(name)
        row = _row(name, "underprocess", rfc3339(came_at), attempts=attempts, error=why)
        counts = {key: running.get(name, {}).get(key) or 0 for key in ("lines", "rejected", "skipped")}
        return {**row, "seconds": self._seconds_since(came_at), **counts}

    def _failed(self, name: str) -> Row:
        """Return what is known about a failed input without the history."""
        came_at = _came_at(self._folders.failed, name)
        report = _report(os.path.join(self._folders.failed, about(name, REPORT_ENDING)))
        failed_at = _time_of(report.get("timestamp"))
        return _row(
            name,
            "failed",
            rfc3339(came_at if failed_at is None else failed_at),
            attempts=report.get("attempts", 0),
            error=report.get("reason"),
            rejected=report.get("rejected"),
            skipped=report.get("skipped"),
        )

    def _completed(self, page: list[Row], state: str) -> list[Row]:
        """Return the page, completed from the history for inputs that failed."""
        if state != "failed" or self._history is None:
            return page
        names = {name for row in page for name in first_names(row["file"])}
        failures: dict[str, list[FileEvent]] = {}
        for row_of_event in self._history.failures(names):
            failures.setdefault(row_of_event.event.file, []).append(row_of_event.event)
        for row in page:
            failed_at = _time_of(row["timestamp"]) or 0.0
            events = [event for name in first_names(row["file"]) for event in failures.get(name, ())]
            event = min(events, key=lambda event: _apart(event.time, failed_at), default=None)
            if event and abs(event.time - failed_at) <= SAME_SECONDS:
                row |= {"seconds": rounded(event.seconds), "lines": event.lines_in}
                row |= {"rejected": event.rejected, "skipped": event.skipped}
                if row["error"] is None:
                    row |= {"error": event.error or None, "attempts": event.attempt}
        return page


def _came_at(folder: str, name: str) -> float:
    """Return when a file came to a folder, or was last changed there.

    Raises:
        FileNotFoundError: it is gone.
    """
    return os.lstat(os.path.join(folder, name)).st_ctime


def _row(
    name: str,
    state: str,
    timestamp: str,
    *,
    seconds: float | None = None,
    lines: int | None = None,
    results: tuple[str, ...] = (),
    attempts: int = 0,
    error: str | None = None,
    rejected: int | None = 0,
    skipped: int | None = 0,
) -> Row:
    return {
        "file": name,
        "state": state,
        "timestamp": timestamp,
        "seconds": seconds,
        "lines": lines,
        "rejected": rejected,
        "skipped": skipped,
        "results": list(results),
        "attempts": attempts,
        "error": error,
    }


def _of_event(event: FileEvent) -> Row:
    return _row(
        event.file,
        event.kind,
        rfc3339(event.time),
        seconds=rounded(event.seconds),
        lines=event.lines_in,
        rejected=event.rejected,
        skipped=event.skipped,
        results=event.results,
        attempts=event.attempt,
        error=event.error or None,
    )


def _report(path: str) -> Row:
    """Return the valid fields of a report; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            report = json.loads(file.read(MOST_REPORT_BYTES))
    except (OSError, ValueError):
        return {}
    kinds = {"reason": str, "attempts": int, "timestamp": str, "rejected": int, "skipped": int}
    if not isinstance(report, dict):
        return {}
    return {key: report[key] for key, kind in kinds.items() if type(report.get(key)) is kind}


def _time_of(text: Any) -> float | None:
    """Return a time as written by `rfc3339` in seconds since 1970; None if it is none."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (AttributeError, ValueError, OverflowError):
        return None


def _apart(recorded_at: float, failed_at: float) -> tuple[bool, float]:
    """Return a sort key: how well an event fits a failure, which is recorded after it has happened."""
    return recorded_at < failed_at, abs(recorded_at - failed_at)


def _behind(listed: Listed, position: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
    return islice(listed, bisect_right(listed, position) if position else 0, None)


def _before(listed: Listed, position: tuple[int, str] | None) -> Iterator[tuple[int, str]]:
    """Yield entries backwards from a position, or from the end."""
    end = bisect_left(listed, position) if position else len(listed)
    return map(listed.__getitem__, reversed(range(end)))
