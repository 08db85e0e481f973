"""The scanner: which files in `unprocessed/` are ready, and why the others are not.

The folder is listed again for every answer: no file can be forgotten, because the only state is how long a
file has looked the same.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from fproc.base.text import shown
from fproc.base.values import dataclass, field
from fproc.config.model import Intake
from fproc.spool.disk.folder_watch import FolderWatch
from fproc.spool.disk.paths import kind_of_file
from fproc.spool.intake.backlog import RunOfNames, entry_of, name_in
from fproc.spool.job.markers import find_marker
from fproc.spool.readiness.closings import Closings
from fproc.spool.readiness.evidence import Evidence, Reach, evidence_at, reach_of
from fproc.spool.readiness.left_alone import LeftAlone
from fproc.spool.readiness.looks import READY, Looks, Needs, Wait
from fproc.spool.readiness.names import InputNames

log = logging.getLogger("fproc.intake")

REFUSED = "the kernel refuses leases here"

CHECKED = 256
"""So many files of a run are checked for whether they can be taken now: that costs system calls."""

_KNOWS_EFFECTIVE_IDS = os.access in os.supports_effective_ids

_LAST_TIME = (1 << 63) - 1
_FIRST_KEY = 5 * 10**19
"""The most nanoseconds in 64 bits, in the year 2262; files may be later. Added to the number in the middle,
all from minus that to that have 20 digits."""

RUN_NAMES = 100_000
"""So many names that are ready are sorted together; with more, the first of them can be given out before all
were looked at."""

STEP_FILES = 1000
"""After so many files a look pauses, so that its caller can see to the work meanwhile."""

SMALL_BYTES = 256 * 1024
"""Files up to this size, in bytes, may be processed in a group."""


@dataclass(slots=True)
class Scan:
    """One scan of the folder: what is known so far of files that are not ready.

    `waits` has what they wait for, by name; `unreadable` are those that this process may not read, and why,
    among those that were checked.
    """

    waits: dict[str, Wait] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def are_any_settling(self) -> bool:
        """Return whether a file needs only time."""
        return any(wait.needs in {Needs.TIME, Needs.LONG_TIME} for wait in self.waits.values())

    def are_any_unknown(self) -> bool:
        """Return whether a file needs only time, and nothing tells whether it is being written."""
        return any(wait.needs is Needs.LONG_TIME for wait in self.waits.values())


class Scanner:
    """Scans one folder repeatedly.

    Args:
        folder: `unprocessed/`.
        intake: the settings.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970, to compare with a file's time of last change.
        closings: the files that the kernel has seen closed, where leases do not tell.
    """

    def __init__(
        self,
        folder: str,
        intake: Intake,
        *,
        monotonic: Callable[[], float],
        clock: Callable[[], float],
        closings: Closings | None = None,
    ) -> None:
        self.names = InputNames(intake)
        self._folder = folder
        self._intake = intake
        self._closings = closings
        self._looks = Looks(intake, monotonic=monotonic, clock=clock)
        self._left_alone = LeftAlone(folder, self.names.is_taken, self.names)
        self._unreadable: dict[str, str] = {}
        self._empty = FolderWatch(folder, clock)

    def look(self, scan: Scan) -> Iterator[RunOfNames]:
        """Look at the folder step by step: yield what is ready, and note in `scan` what is not.

        An empty run says that a moment has passed, and that there is more to look at; all others but the last
        have `RUN_NAMES` names or a few more. Only the first `CHECKED` files of a run are checked for whether
        they can be taken now, and that is not remembered: the caller checks again before it takes a file
        (`is_free`).
        """
        self._empty.begin()
        are_any = False
        for run in self._runs(self._judge(scan)):
            names = self._without_those_that_cannot_be_taken(run, scan) if run else run
            are_any = are_any or bool(names)
            if names or not run:
                yield names
        if not (are_any or scan.waits):
            self._empty.keep()
        self._unreadable = scan.unreadable

    def _runs(self, entries_of: Callable[[list[os.DirEntry[str]]], Iterator[str]]) -> Iterator[RunOfNames]:
        """Yield what is ready in sorted runs, and an empty one before each step but the first."""
        self._left_alone.begin()
        run: RunOfNames = []
        with _listing(self._folder) as listing:
            for number, step in enumerate(iter(lambda: list(islice(listing, STEP_FILES)), [])):
                if number:
                    yield []
                run += entries_of(step)
                if len(run) >= RUN_NAMES:
                    yield sorted(run)
                    run = []
        if run:
            yield sorted(run)

    def _judge(self, scan: Scan) -> Callable[[list[os.DirEntry[str]]], Iterator[str]]:
        """Return a function that yields what is ready of some files, and notes in `scan` what is not."""
        self._looks.begin()
        wait_of = self._wait_of()
        if wait_of is None and self._intake.order == "name":
            return self._by_names
        key_of = self._sort_key()

        def by_times(step: list[os.DirEntry[str]]) -> Iterator[str]:
            is_taken, waits = self._is_taken(step), scan.waits
            for file in step:
                name = file.name
                if not (is_taken(name) and file.is_file(follow_symlinks=False)):
                    self._left_alone.says(file)
                    continue
                try:
                    status = file.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                wait = wait_of and wait_of(name, status)
                if wait:
                    waits[name] = wait
                else:
                    yield entry_of(key_of(status), name)

        return by_times

    def _is_taken(self, step: list[os.DirEntry[str]]) -> Callable[[str], bool]:
        """Return a function that tells of each file of this step whether it is taken, going by its name."""
        return bool if self.names.are_surely_taken([file.name for file in step]) else self.names.is_taken

    def _by_names(self, step: list[os.DirEntry[str]]) -> Iterator[str]:
        """Yield the files of which nothing but their names says anything: no status is asked for."""
        is_taken = self._is_taken(step)
        for file in step:
            name = file.name
            if is_taken(name) and file.is_file(follow_symlinks=False):
                yield entry_of("", name)
            else:
                self._left_alone.says(file)

    def _without_those_that_cannot_be_taken(self, run: RunOfNames, scan: Scan) -> RunOfNames:
        """Return a run without the names that cannot be taken now: they are noted to wait."""
        checked = dict.fromkeys(run[:CHECKED])  # a name may be listed twice
        return [entry for entry in checked if self._can_be_taken(name_in(entry), scan)] + run[CHECKED:]

    def is_still_empty(self) -> bool:
        """Return whether nothing has come since the last scan, which found no input."""
        return self._empty.is_unchanged()

    def is_free(self, name: str) -> bool:
        """Return whether a file that was ready at the last scan is there and can be taken now."""
        try:
            return self._obstacle(name) is None
        except FileNotFoundError:
            return False

    def why_waiting(self, name: str) -> str:
        """Return what one file waits for, or `READY`, by one look at it: settled since its last change.

        Raises:
            FileNotFoundError: it is gone.
        """
        path = os.path.join(self._folder, name)
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or not self.names.is_taken(name):
            return f"left alone: {self.names.why_not(name) or f'it {kind_of_file(path)}'}"
        wait = self._unreadable_now(path)
        if wait is not None:
            return wait.why
        if self.names.marker is not None:
            if find_marker(self.names, self._folder, name) is None:
                wait = Wait(f"waiting for {shown(self.names.marker_of(name))}")
        elif self._intake.ready != "rename":
            wait = self._looks.wait_by_age(status, self._why_unknown(name, status, reach_of(self._folder)))
        wait = wait or self._obstacle(name, has_waited=True)
        return wait.why if wait else READY

    def _wait_of(self) -> Callable[[str, os.stat_result], Wait | None] | None:
        """Return a function that tells what a file waits for, valid during one look; None if none waits."""
        if self._intake.ready == "rename":
            return None
        if self.names.marker is not None:
            return self._by_marker(self._markers())
        if self._intake.ready == "stable":
            return lambda name, status: self._looks.wait(name, status, "")
        reach = reach_of(self._folder)
        if self._closings is not None:
            self._closings.listen(is_wanted=reach.is_local and not reach.tells_all)
        if reach.tells_all:
            return self._looks.settled(lambda name, status: self._looks.wait(name, status, ""))
        return lambda name, status: self._looks.wait(name, status, self._why_unknown(name, status, reach))

    def _by_marker(self, markers: set[str]) -> Callable[[str, os.stat_result], Wait | None]:
        def wait(name: str, _status: os.stat_result) -> Wait | None:
            marker = self.names.marker_of(name)
            return None if marker in markers else Wait(f"waiting for {shown(marker)}")

        return wait

    def _markers(self) -> set[str]:
        """Return the names of the markers that are there, spelled as the pattern spells them."""
        marker = self.names.marker
        assert marker is not None
        with os.scandir(self._folder) as entries:
            return {
                marker.spelled(entry.name)
                for entry in entries
                if marker.is_marker(entry.name) and entry.is_file(follow_symlinks=False)
            }

    def _why_unknown(self, name: str, status: os.stat_result, reach: Reach) -> str:
        """Return why it is not known who writes to a file; "" if a lease tells, or the kernel has told."""
        if self._intake.ready != "auto":
            return ""
        why = reach.why_unknown(status.st_uid)
        return "" if why and self.was_closed(name) else why

    def was_closed(self, name: str) -> bool:
        """Return whether the kernel has told that the writer of a file has closed it."""
        return self._closings is not None and self._closings.was_closed(name)

    def _can_be_taken(self, name: str, scan: Scan) -> bool:
        """Return whether a file that is ready can be taken now; note in `scan` what it waits for."""
        try:
            wait = self._obstacle(name)
        except FileNotFoundError:
            return False
        if wait is None:
            return True
        scan.waits[name] = wait
        if wait.needs is Needs.PERMISSION:
            scan.unreadable[name] = wait.why
            if name not in self._unreadable:
                log.warning("%s: %s; it waits until it can be", shown(name), wait.why)
        return False

    def _obstacle(self, name: str, *, has_waited: bool = False) -> Wait | None:
        """Return why a file that is ready cannot be taken now, or None if it can.

        `has_waited` says that it has looked the same for long enough, in case it is not known who writes to
        it.

        Raises:
            FileNotFoundError: it is gone.
        """
        path = os.path.join(self._folder, name)
        if self._intake.ready != "auto":
            return self._unreadable_now(path)
        try:
            evidence = evidence_at(path)
        except PermissionError as error:
            return unreadable(error.strerror)
        if evidence is Evidence.SOMEONE_WRITES:
            return Wait(evidence.value)
        if evidence is Evidence.UNKNOWN and self._closings is not None:
            self._closings.hear()
        if evidence is Evidence.UNKNOWN and not (has_waited or self.was_closed(name)):
            status = os.lstat(path)
            return self._looks.wait(
                name, status, reach_of(self._folder).why_unknown(status.st_uid) or REFUSED
            )
        return None

    def _unreadable_now(self, path: str) -> Wait | None:
        """Return the wait for permission if this process may not read a file, or None if it may.

        Raises:
            FileNotFoundError: it is gone.
        """
        if os.access(path, os.R_OK, effective_ids=_KNOWS_EFFECTIVE_IDS):
            return None
        os.lstat(path)
        return unreadable(os.strerror(errno.EACCES))

    def _sort_key(self) -> Callable[[os.stat_result], str]:
        """Return a function that returns the key that a file is sorted by, all of one length."""
        if self._intake.order == "name":
            return lambda _status: ""
        sign = 1 if self._intake.order == "oldest" else -1
        return lambda status: _key_of(sign * status.st_mtime_ns)


def is_large(folder: str, name: str) -> bool:
    """Return whether a file is too large for a group; one that is gone is not."""
    try:
        return os.lstat(os.path.join(folder, name)).st_size > SMALL_BYTES
    except OSError:
        return False


@contextmanager
def _listing(folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    """List a folder by its descriptor: so the kernel need not walk the whole path for each file's status."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with os.scandir(descriptor) as entries:
            yield iter(entries)
    finally:
        os.close(descriptor)


def _key_of(number: int) -> str:
    """Return a number of nanoseconds as text of 20 digits, in the order of the numbers."""
    if not -_LAST_TIME <= number <= _LAST_TIME:
        number = _LAST_TIME if number > 0 else -_LAST_TIME
    return str(_FIRST_KEY + number)


def unreadable(why: str | None) -> Wait:
    """Return the wait of a file that may not be read."""
    return Wait(f"cannot be read yet: {why}", Needs.PERMISSION)
