"""Which files in `unprocessed/` are ready, and why the others are not.

The folder is listed again for every answer: no file can be forgotten, because nothing is remembered but
how long a file has looked the same.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable, Collection, Mapping

from fproc.base.text import shown
from fproc.base.values import dataclass, field
from fproc.config.model import Intake
from fproc.spool.disk.folder_watch import FolderWatch
from fproc.spool.disk.paths import kind_of_file
from fproc.spool.job.markers import find_marker
from fproc.spool.readiness.closings import Closings
from fproc.spool.readiness.evidence import Evidence, Reach, evidence_at, reach_of
from fproc.spool.readiness.looks import READY, Looks, Needs, Wait
from fproc.spool.readiness.names import InputNames

log = logging.getLogger("fproc.intake")

REFUSED = "the kernel refuses leases here"

CHECKED = 256
"""For how many files a look at the folder finds out whether they can be had now: that costs calls."""

_KNOWS_EFFECTIVE_IDS = os.access in os.supports_effective_ids

_LAST_TIME = (1 << 63) - 1
_PLACE_DIGITS = 20
"""Nanoseconds that 64 bits hold, to the year 2262, and how long twice as many are. Files may be later."""

SMALL_BYTES = 256 * 1024
"""Files up to this size may be done together with others."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at the folder: names that are ready, in order, and what the others wait for, by name.

    `settling` are those that need nothing but time, and `unknown` those of them of which nobody can tell
    whether they are being written; `large` are those that are ready, but too large to be done together with
    others; `unreadable` are those that this process may not read, and why, as far as was looked.
    """

    ready: list[str]
    waiting: dict[str, str]
    settling: list[str]
    large: Collection[str] = frozenset()
    unknown: Collection[str] = frozenset()
    unreadable: Mapping[str, str] = field(default_factory=dict)


class Scanner:
    """Looks at one folder again and again.

    Args:
        folder: `unprocessed/`.
        intake: the settings.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970, to compare with a file's time of last change.
        closings: which files the kernel has seen closed, where leases do not tell.
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
        self._left_alone = LeftAlone(self.names.is_taken, self.names)
        self._unreadable: dict[str, str] = {}
        self._refused: set[int] = set()
        self._empty = FolderWatch(folder, clock)

    def scan(self) -> Scan:
        """List the folder.

        Whether a file can be had now is found out for the first `CHECKED` only, and not remembered: who
        takes a file asks again (`is_free`).
        """
        placed: list[str] = []  # names with their places before them: tuples would take twice the memory
        large: set[str] = set()
        waits: dict[str, Wait] = {}
        self._empty.begin()
        wait_of = self._judge()
        self._left_alone.begin()
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if self._left_alone.says(entry):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                name = entry.name
                wait = wait_of(name, status)
                if wait is None:
                    placed.append(self._place(status) + name)
                    if status.st_size > SMALL_BYTES:
                        large.add(name)
                else:
                    waits[name] = wait
        placed.sort()
        _unplace(placed)
        self._set_aside(placed, waits)
        if placed or waits:
            self._empty.forget()
        waiting = {name: why for name, (why, _) in waits.items()}
        unknown = {name for name, (_, needs) in waits.items() if needs is Needs.LONG_TIME}
        settling = [name for name, (_, needs) in waits.items() if needs is Needs.TIME or name in unknown]
        return Scan(placed, waiting, settling, large, unknown, self._unreadable)

    def is_still_empty(self) -> bool:
        """Return whether nothing has come since the last look, which found nothing to wait for."""
        return self._empty.is_unchanged()

    def is_free(self, name: str) -> bool:
        """Whether a file that was ready at the last look is there and can be had, as far as can be told."""
        try:
            return self._hindrance(name) is None
        except FileNotFoundError:
            return False

    def why_waiting(self, name: str) -> str:
        """What one file waits for, or `READY`, as far as one look can tell: settled since its last change.

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
        wait = wait or self._hindrance(name, has_waited=True)
        return wait.why if wait else READY

    def _judge(self) -> Callable[[str, os.stat_result], Wait | None]:
        """Return what says of each file, during one look, what it waits for."""
        self._looks.begin()
        if self._intake.ready == "rename":
            return lambda _name, _status: None
        if self.names.marker is not None:
            return self._by_marker(self._markers())
        if self._intake.ready == "stable":
            return lambda name, status: self._looks.wait(name, status, "")
        reach = reach_of(self._folder)
        if self._closings is not None:
            self._closings.listen(is_wanted=reach.is_local and not reach.tells_all)
        if reach.tells_all:
            return lambda name, status: self._looks.wait(name, status, "")
        return lambda name, status: self._looks.wait(name, status, self._why_unknown(name, status, reach))

    def _by_marker(self, markers: set[str]) -> Callable[[str, os.stat_result], Wait | None]:
        def wait(name: str, _status: os.stat_result) -> Wait | None:
            wanted = self.names.marker_of(name)
            return None if wanted in markers else Wait(f"waiting for {shown(wanted)}")

        return wait

    def _markers(self) -> set[str]:
        """The names of the markers that are there, spelled as the pattern spells them."""
        marker = self.names.marker
        assert marker is not None
        with os.scandir(self._folder) as entries:
            return {
                marker.spelled(entry.name)
                for entry in entries
                if marker.is_marker(entry.name) and entry.is_file(follow_symlinks=False)
            }

    def _why_unknown(self, name: str, status: os.stat_result, reach: Reach) -> str:
        """Return why nobody can tell who writes to a file; "" if a lease will, or the kernel has."""
        if self._intake.ready != "auto":
            return ""
        why = reach.why_unknown(status.st_uid)
        return "" if why and self.was_closed(name) else why

    def was_closed(self, name: str) -> bool:
        """Whether the kernel has told that whoever wrote to a file has closed it."""
        return self._closings is not None and self._closings.was_closed(name)

    def _set_aside(self, names: list[str], waits: dict[str, Wait]) -> None:
        """Take from the first of the names that are ready those that cannot be had now."""
        unreadable = {}
        for name in names[:CHECKED]:
            try:
                wait = self._hindrance(name)
            except FileNotFoundError:
                names.remove(name)
                continue
            if wait is None:
                continue
            names.remove(name)
            waits[name] = wait
            if wait.needs is Needs.PERMISSION:
                unreadable[name] = wait.why
                if name not in self._unreadable:
                    log.warning("%s: %s; it waits until it can be", shown(name), wait.why)
        self._unreadable = unreadable

    def _hindrance(self, name: str, *, has_waited: bool = False) -> Wait | None:
        """Return why a file that is ready cannot be had now, if so.

        `has_waited` says that it has looked the same for long enough, should nobody be able to tell who
        writes to it.

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
        """Return what a file waits for that this process may not read.

        Raises:
            FileNotFoundError: it is gone.
        """
        if os.access(path, os.R_OK, effective_ids=_KNOWS_EFFECTIVE_IDS):
            return None
        os.lstat(path)
        return unreadable(os.strerror(errno.EACCES))

    def _place(self, status: os.stat_result) -> str:
        """What a file comes before others by, in digits."""
        order = self._intake.order
        number = 0 if order == "name" else status.st_mtime_ns if order == "oldest" else -status.st_mtime_ns
        return f"{min(max(number, -_LAST_TIME), _LAST_TIME) + _LAST_TIME:0{_PLACE_DIGITS}}"


def unreadable(why: str | None) -> Wait:
    """Return what a file waits for that may not be read."""
    return Wait(f"cannot be read yet: {why}", Needs.PERMISSION)


class LeftAlone:
    """Says once of each entry of a folder that is left alone why it is.

    Args:
        is_wanted: whether a file of this name is not left alone.
        names: why it is, if its name is to blame.
    """

    def __init__(self, is_wanted: Callable[[str], bool], names: InputNames) -> None:
        self._is_wanted = is_wanted
        self._names = names
        self._said: set[str] = set()
        self._seen: set[str] = set()

    def begin(self) -> None:
        """Begin a look at the folder: what went between two looks, and comes again, is said again."""
        self._said, self._seen = self._seen, set()

    def says(self, entry: os.DirEntry[str]) -> bool:
        """Whether an entry is left alone, as no file or by its name; the log says so once."""
        name = entry.name
        is_wanted = self._is_wanted(name)
        if is_wanted and entry.is_file(follow_symlinks=False):
            return False
        if self._names.is_marker(name):
            return True
        self._seen.add(name)
        if name not in self._said:
            self._said.add(name)
            why = kind_of_file(entry.path) if is_wanted else self._names.why_not(name)
            level = logging.WARNING if is_wanted else logging.INFO
            log.log(level, "%s: %s; it is left alone", shown(name), why)
        return True


def _unplace(names: list[str]) -> None:
    """Take the places from sorted names, each of which stays once.

    Some filesystems (tmpfs of Linux 6.18) list a name again while others leave the folder.
    """
    count = 0
    for placed in names:
        name = placed[_PLACE_DIGITS:]
        if count == 0 or name != names[count - 1]:
            names[count] = name
            count += 1
    del names[count:]
