"""The inputs in each folder and their number: cached, and scanned again no more often than it pays."""

from __future__ import annotations

import heapq
import logging
import os
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, groupby
from typing import Generic, TypeVar

from fproc.base.rest import Rest
from fproc.config.model import Config
from fproc.spool.disk.folder_watch import FolderWatch
from fproc.spool.intake.status import SpoolStatus, is_input
from fproc.spool.layout import NAME_BYTES, REJECTS_ENDING, REPORT_ENDING, REPORTS, about

T = TypeVar("T")

log = logging.getLogger("fproc.dashboard")

REST = 20
QUICK_SECONDS = 0.002
"""After a scan that took more processor time than this, the folder rests this many times as long: a small
folder is scanned whenever it has changed."""

WAIT_SECONDS = 0.2
"""Seconds to wait for another thread's scan."""

PATIENCE_SECONDS = 0.05
FIRST_SECONDS = 0.5
"""Seconds that `known_counts` and `known_waiting` wait for scans, which go on in the background; and those
that the first scan of a folder, before which nothing is known, may have taken for them to wait for it."""

MOST_LISTED = 100_000
MOST_WAITING = 50_000
"""The most inputs of a folder that are listed with their times, and of those that are not done; all are
counted."""

UNCUT_BYTES = NAME_BYTES - 4
"""The most bytes in a name that was not cut: a cut one is full, but for a part of a character."""

BREATH_ENTRIES = 500
BREATH_SECONDS = 0.0002
"""A scan pauses this long after this many entries, so that the work in the same interpreter goes on."""

PARTS = 64
"""Names that are counted are put into so many parts, and each of these is looked through by itself."""

Listed = list[tuple[int, str]]
"""Names with the time when each came there or was last changed (its ctime), in nanoseconds."""


class FolderCache:
    """A cache of the four folders of a spool.

    Args:
        config: it has the folders, and the names to ignore.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
        thread_time: seconds of processor time of the thread that asks.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        thread_time: Callable[[], float] = time.thread_time,
    ) -> None:
        spool_status = SpoolStatus(config, clock=clock, monotonic=monotonic)
        self.folders = spool_status.folders
        self._is_input_name = spool_status.is_input_name

        def remembered(look: Callable[[str], T], folder: str) -> _Remembered[T]:
            return _Remembered(look, folder, clock=clock, monotonic=monotonic, thread_time=thread_time)

        self._counts = {
            os.path.basename(folder): remembered(self._count, folder) for folder in self.folders.inputs()
        }
        self._waiting = remembered(self._oldest, self.folders.unprocessed)
        self._at_work = remembered(self._oldest, self.folders.underprocess)
        self._failed = remembered(self._newest, self.folders.failed)
        self._with_rejects = remembered(self._newest_rejects, self.folders.failed)

    def counts(self) -> dict[str, int]:
        """Return how many inputs are in each state."""
        return {state: counted.value() for state, counted in self._counts.items()}

    def known_counts(self) -> dict[str, int] | None:
        """Return the same at once, as far as it is known; None before the first scans."""
        until = time.monotonic() + PATIENCE_SECONDS
        for counted in self._counts.values():
            counted.refresh()
        counts = {state: counted.known(until) for state, counted in self._counts.items()}
        known = {state: count for state, count in counts.items() if count is not None}
        return known if len(known) == len(counts) else None

    def waiting(self) -> Listed:
        """Return inputs in `unprocessed/`, oldest first."""
        return self._waiting.value()

    def known_waiting(self) -> Listed:
        """Return the same at once, as far as it is known."""
        self._waiting.refresh()
        return self._waiting.known(time.monotonic() + PATIENCE_SECONDS) or []

    def at_work(self) -> Listed:
        """Return inputs in `underprocess/`, oldest first."""
        return self._at_work.value()

    def failed(self) -> Listed:
        """Return inputs in `failed/`, oldest first; of too many, the newest."""
        return self._failed.value()

    def with_rejects(self) -> Listed:
        """Return inputs with lines that were set aside, by the time of these, as `failed` does."""
        return self._with_rejects.value()

    def _count(self, folder: str) -> int:
        if folder == self.folders.processed:  # nothing leaves it but a few by retention
            return sum(1 for _ in self._inputs(folder))
        names = _DifferentNames()
        for entry in self._inputs(folder):
            names.add(entry.name)
        return names.count()

    def _oldest(self, folder: str) -> Listed:
        return _each_once(heapq.nsmallest(MOST_WAITING, _with_times(self._inputs(folder))))

    def _newest(self, folder: str) -> Listed:
        return _each_once(heapq.nlargest(MOST_LISTED, _with_times(self._inputs(folder)))[::-1])

    def _newest_rejects(self, folder: str) -> Listed:
        about_inputs = [entry for entry in self._entries(folder) if entry.name.endswith(REPORTS)]
        names = {entry.name for entry in about_inputs}
        rejects = (
            entry
            for entry in about_inputs
            if entry.name.endswith(REJECTS_ENDING) and not is_input(entry.name, names)
        )
        newest = _each_once(heapq.nlargest(MOST_LISTED, _with_times(rejects))[::-1])
        has_cut = any(len(os.fsencode(name)) > UNCUT_BYTES for _, name in newest)
        inputs = self._inputs_by_rejects() if has_cut else {}
        return [(time_ns, inputs.get(name, name.removesuffix(REJECTS_ENDING))) for time_ns, name in newest]

    def _inputs_by_rejects(self) -> dict[str, str]:
        """Return the inputs whose names are too long to be in that of their rejected lines, by the latter."""
        archived = chain.from_iterable(map(self._inputs, (self.folders.processed, self.folders.failed)))
        longest = NAME_BYTES - len(REJECTS_ENDING)
        names = (entry.name for entry in archived)
        return {about(name, REJECTS_ENDING): name for name in names if len(os.fsencode(name)) > longest}

    def _inputs(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """Yield the inputs in a folder; in `failed/`, a report is one only if there is a report about it.

        Where files leave the folder meanwhile, one may come twice.
        """
        doubtful: list[os.DirEntry[str]] = []
        reports: set[str] = set()
        for entry in self._entries(folder):
            if folder != self.folders.failed or not entry.name.endswith(REPORTS):
                yield entry
                continue
            doubtful.append(entry)
            if entry.name.endswith(REPORT_ENDING):
                reports.add(entry.name)
        yield from (entry for entry in doubtful if is_input(entry.name, reports))

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                for number, entry in enumerate(entries, 1):
                    if self._is_input_name(entry.name, folder) and entry.is_file(follow_symlinks=False):
                        yield entry
                    if number % BREATH_ENTRIES == 0:
                        time.sleep(BREATH_SECONDS)
        except (FileNotFoundError, NotADirectoryError):
            return


class _DifferentNames:
    """Counts different names; it takes eight bytes for each, and a set would take a hundred."""

    def __init__(self) -> None:
        self._hashes = [array("q") for _ in range(PARTS)]

    def add(self, name: str) -> None:
        number = hash(name)
        self._hashes[number % PARTS].append(number)

    def count(self) -> int:
        return sum(len(set(part)) for part in self._hashes)


class _Remembered(Generic[T]):
    """The result of a folder's last scan.

    It is current while the folder has not changed since. Whatever changes, a slow scan is not soon followed
    by another one. A caller waits a moment for the scan of another thread, and gets the last result if that
    is too short.
    """

    def __init__(
        self,
        look: Callable[[str], T],
        folder: str,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        thread_time: Callable[[], float],
    ) -> None:
        self._look = look
        self._folder = folder
        self._watch = FolderWatch(folder, clock)
        self._rest = Rest(REST, monotonic)
        self._thread_time = thread_time
        self._lock = threading.Lock()
        self._seen: T | None = None
        self._is_fresh = threading.Event()
        self._is_refreshing = threading.Lock()
        self._refreshed_at = 0.0

    def value(self) -> T:
        """Return the content of the folder, as far as it is known."""
        last_result = self._seen
        if self._lock.acquire(timeout=-1 if last_result is None else WAIT_SECONDS):
            try:
                return self._looked()
            finally:
                self._lock.release()
        assert last_result is not None
        return last_result

    def refresh(self) -> None:
        """Begin a scan in the background, if one is due and none is under way."""
        if not self._is_due():
            self._is_fresh.set()
        elif self._is_refreshing.acquire(blocking=False):
            self._is_fresh.clear()
            self._refreshed_at = time.monotonic()
            try:
                threading.Thread(target=self._refresh, name="dashboard-scan", daemon=True).start()
            except RuntimeError:  # the system has no more threads: what is known has to do
                self._is_refreshing.release()

    def known(self, until: float) -> T | None:
        """Return the last result, after a scan that was begun if that ends in time; None before the first."""
        if self._seen is None:
            until = max(until, self._refreshed_at + FIRST_SECONDS)
        self._is_fresh.wait(max(until - time.monotonic(), 0.0))
        return self._seen

    def _refresh(self) -> None:
        try:
            self.value()
        except OSError as error:  # the check of the folders reports what is wrong with one
            log.debug("cannot scan %s: %s", self._folder, error)
        finally:
            self._is_refreshing.release()
            self._is_fresh.set()

    def _is_due(self) -> bool:
        return self._seen is None or (self._rest.is_over() and not self._watch.is_unchanged())

    def _looked(self) -> T:
        if self._is_due() or self._seen is None:
            begun = self._thread_time()
            with suppress(OSError):  # a folder that is missing has nothing in it
                self._watch.begin()
            self._seen = self._look(self._folder)
            self._watch.keep()
            cost_seconds = self._thread_time() - begun
            self._rest.after(cost_seconds if cost_seconds > QUICK_SECONDS else 0.0)
        return self._seen


def _with_times(entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[int, str]]:
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield status.st_ctime_ns, entry.name


def _each_once(listed: Listed) -> Listed:
    """Return a sorted list without what comes twice in it."""
    return [entry for entry, _ in groupby(listed)]
