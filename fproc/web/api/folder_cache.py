"""How many inputs lie in each folder, and which: looked up no more often than it pays, and remembered."""

from __future__ import annotations

import heapq
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

from fproc.base.rest import Rest
from fproc.config.model import Config
from fproc.spool.disk.folder_watch import FolderWatch
from fproc.spool.intake.status import SpoolStatus, is_input
from fproc.spool.layout import REPORT_ENDING, REPORTS

T = TypeVar("T")

REST = 20
QUICK_SECONDS = 0.002
"""How many times longer than a look took the folder is left alone after it, if it took longer than this, of
the processor's time: a small folder is looked at whenever it has changed."""

WAIT_SECONDS = 0.2
"""How long it is waited for another thread's look."""

MOST_LISTED = 100_000
"""How many inputs of a folder are listed with their times; the others are only counted."""

BREATH_ENTRIES = 500
BREATH_SECONDS = 0.0002
"""After so many entries a look stops so long, so that the work, which shares the interpreter, goes on."""

Listed = list[tuple[int, str]]
"""Names with the time when each came there or was last changed (its ctime), in nanoseconds."""


class FolderCache:
    """The four folders of a spool.

    Args:
        config: where they are, and which names are ignored.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self, config: Config, *, clock: Callable[[], float], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        spool_status = SpoolStatus(config, clock=clock, monotonic=monotonic)
        self.folders = spool_status.folders
        self._is_input_name = spool_status.is_input_name

        def remembered(look: Callable[[str], T], folder: str) -> _Remembered[T]:
            return _Remembered(look, folder, clock=clock, monotonic=monotonic)

        self._counts = {
            os.path.basename(folder): remembered(self._count, folder) for folder in self.folders.inputs()
        }
        self._waiting = remembered(self._oldest, self.folders.unprocessed)
        self._at_work = remembered(self._oldest, self.folders.underprocess)
        self._failed = remembered(self._newest, self.folders.failed)

    def counts(self) -> dict[str, int]:
        """How many inputs are in each state."""
        return {state: counted.value() for state, counted in self._counts.items()}

    def waiting(self) -> Listed:
        """Inputs in `unprocessed/`, oldest first."""
        return self._waiting.value()

    def at_work(self) -> Listed:
        """Inputs in `underprocess/`, oldest first."""
        return self._at_work.value()

    def failed(self) -> Listed:
        """Inputs in `failed/`, oldest first; of too many, the newest."""
        return self._failed.value()

    def _count(self, folder: str) -> int:
        return sum(1 for _ in self._inputs(folder))

    def _oldest(self, folder: str) -> Listed:
        return heapq.nsmallest(MOST_LISTED, _with_times(self._inputs(folder)))

    def _newest(self, folder: str) -> Listed:
        return heapq.nlargest(MOST_LISTED, _with_times(self._inputs(folder)))[::-1]

    def _inputs(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """The inputs in a folder; in `failed/`, a report is one only if there is a report about it."""
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
        """The files in a folder, each once: where files leave, a name may be listed again meanwhile."""
        seen: set[int] = set()
        is_left = folder != self.folders.processed
        try:
            with os.scandir(folder) as entries:
                for number, entry in enumerate(entries, 1):
                    is_new = not is_left or hash(entry.name) not in seen
                    is_named = is_new and self._is_input_name(entry.name, folder)
                    if is_named and entry.is_file(follow_symlinks=False):
                        if is_left:
                            seen.add(hash(entry.name))
                        yield entry
                    if number % BREATH_ENTRIES == 0:
                        time.sleep(BREATH_SECONDS)
        except (FileNotFoundError, NotADirectoryError):
            return


class _Remembered(Generic[T]):
    """What a look at a folder gave.

    It is as good as new while the folder has not changed since. And whatever changes, a look that took long
    is not soon followed by another one. Who asks while another thread looks waits for that for a moment, and
    gets what was seen before if it is not enough.
    """

    def __init__(
        self,
        look: Callable[[str], T],
        folder: str,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._look = look
        self._folder = folder
        self._watch = FolderWatch(folder, clock)
        self._rest = Rest(REST, monotonic)
        self._lock = threading.Lock()
        self._seen: T | None = None

    def value(self) -> T:
        """What is in the folder, as far as is known."""
        seen = self._seen
        if self._lock.acquire(timeout=-1 if seen is None else WAIT_SECONDS):
            try:
                return self._looked()
            finally:
                self._lock.release()
        assert seen is not None
        return seen

    def _looked(self) -> T:
        if self._seen is None or (self._rest.is_over() and not self._watch.is_unchanged()):
            begun = time.thread_time()
            with suppress(OSError):  # a folder that is missing has nothing in it
                self._watch.begin()
            self._seen = self._look(self._folder)
            cost_seconds = time.thread_time() - begun
            self._rest.after(cost_seconds if cost_seconds > QUICK_SECONDS else 0.0)
        return self._seen


def _with_times(entries: Iterable[os.DirEntry[str]]) -> Iterator[tuple[int, str]]:
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield status.st_ctime_ns, entry.name
