"""Files and lines on the dashboard: from the folders, the history, and the traces in memory."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from fproc.base.times import rfc3339
from fproc.config.model import Config
from fproc.spool.disk.paths import came_at
from fproc.spool.intake.status import SpoolStatus
from fproc.telemetry.history.chosen import ALL_EVENTS, ChosenEvents
from fproc.telemetry.history.history import History
from fproc.telemetry.traces import Traces
from fproc.web.inspect.details import FileDetails
from fproc.web.lists.cursors import cursor, list_and_position
from fproc.web.lists.ended_files import CHOSEN, ENDED, EndedFiles
from fproc.web.lists.folder_cache import FolderCache
from fproc.web.lists.folder_files import FolderFiles
from fproc.web.lists.keeping_up import KeepingUp
from fproc.web.lists.past_series import PastSeries
from fproc.web.lists.rows import REJECTED_LINES, STATES, FileRow, Page, time_of

ANY = "any"
"""Instead of a state: all files, those first that something may still happen to."""

CHOICES = (*STATES, REJECTED_LINES, ANY)
"""What a list may be of; empty: of files that ended."""

LISTS_OF_ANY = ("underprocess", "unprocessed", "failed", "processed")

ROWS, MOST_ROWS = 50, 500
"""The entries of a list in an answer, by default and at most."""

RECENT = 20
"""The number of files that ended last that are shown with the traces."""

MOST_GONE = 1000
"""The most names at the head of a list, whose files have gone since, that are skipped one by one."""


class Queries:
    """The lists. Any thread may call any method.

    Args:
        config: it has the folders, and the names to ignore.
        history: what happened so far, or None.
        current: returns the files that this process works on now.
        traces: the last traces.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
        thread_time: seconds of processor time of the thread that asks.

    Attributes:
        details: answers about one file.
        past: files that ended, over long windows.
        keeping_up: whether what comes is done in time.
    """

    def __init__(
        self,
        config: Config,
        history: History | None,
        current: Callable[[], list[FileRow]],
        traces: Traces,
        clock: Callable[[], float] = time.time,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        thread_time: Callable[[], float] = time.thread_time,
    ) -> None:
        self._config = config
        self._folder_cache = FolderCache(config, clock=clock, monotonic=monotonic, thread_time=thread_time)
        self._folders = self._folder_cache.folders
        self._history = history
        self._ended = EndedFiles(history)
        self._in_folders = FolderFiles(self._folder_cache, history, self._spool_status, self.current, clock)
        self._own = current
        self._traces = traces
        self.past = PastSeries(history, clock, monotonic)
        self.keeping_up = KeepingUp(history, self.known_counts, self.oldest_waiting, clock)
        self.details = FileDetails(config, history, traces)
        self._clock = clock
        self._monotonic = monotonic

    def counts(self) -> dict[str, int]:
        """Return how many inputs are in each state.

        Raises:
            OSError: a folder cannot be read.
        """
        return self._folder_cache.counts()

    def with_rejects(self) -> int:
        """Return how many inputs have lines that were set aside, as long as these are kept.

        Raises:
            OSError: the folder cannot be read.
        """
        return len(self._folder_cache.with_rejects())

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
                    return name, self._seconds_since(came_at(self._folders.unprocessed, name))
        return None

    def files(
        self,
        *,
        state: str,
        query: str,
        limit: int,
        after: str,
        sort: str = "",
        chosen: ChosenEvents = ALL_EVENTS,
    ) -> FileRow:
        """Return the answer of `/files`. A page that is not full, even an empty one, may have more after it.

        If some events are chosen, it has the files that ended with one of them, wherever they are now.

        Raises:
            ValueError: there is no such state or order, or none of chosen events, or `after` is from no
                answer; the message is one sentence.
            OSError: a folder cannot be read.
        """
        if state and state not in CHOICES:
            raise ValueError(f"state must be one of {', '.join(CHOICES)}, or empty")
        if chosen != ALL_EVENTS:
            if state not in CHOSEN:
                raise ValueError(f"by time, pipeline and node there are only files that ended, not {state}")
            recent, following = self._ended.page(state, query, limit, after, sort=sort, chosen=chosen)
        elif state == ANY:
            recent, following = self._of_any(query, limit, after, sort)
        else:
            recent, following = self._page(state, query, limit, after, sort)
        return {"counts": self.counts(), "current": self.current(), "recent": recent, "after": following}

    def _page(self, state: str, query: str, limit: int, after: str, sort: str = "") -> Page:
        source = self._ended if state in ENDED else self._in_folders
        return source.page(state, query, limit, after, sort=sort)

    def _of_any(self, query: str, limit: int, after: str, sort: str) -> Page:
        """Return a page of one list after the other: what is left of one, and the beginning of the next."""
        if sort:
            raise ValueError(f"state={ANY} has an order of its own; choose a state, or none, to sort")
        state, position = list_and_position(after, ANY, LISTS_OF_ANY)
        page: list[FileRow] = []
        for one in LISTS_OF_ANY[LISTS_OF_ANY.index(state) :]:
            if len(page) == limit:
                return page, cursor(ANY, [one, ""])
            rows, following = self._page(one, query, limit - len(page), position)
            page += rows
            if following is not None:
                return page, cursor(ANY, [one, following])
            position = ""
        return page, None

    def errors(self, *, limit: int, file: str = "", node: str = "") -> FileRow:
        """Return the answer of `/errors`: files that failed or are tried again, and lines left out."""
        if self._history is None:
            return {"errors": []}
        errors = self._history.errors(limit, file, node)
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

    def traces(self, *, file: str = "", limit: int) -> FileRow:
        """Return the answer of `/trace`; `file` is the name of one file, or empty for all."""
        return {
            "current": self.current(),
            "recent": self._ended.page("", "", RECENT, "")[0],
            "traces": [
                {"file": name, **trace.as_json()} for name, trace in self._traces.find(file=file, limit=limit)
            ],
        }

    def current(self) -> list[FileRow]:
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

    def _of_other(self, entry: Mapping[str, Any]) -> FileRow:
        started_at = time_of(entry.get("started"))
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
