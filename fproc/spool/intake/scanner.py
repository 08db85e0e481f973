"""The scanner: which files in `unprocessed/` are ready, and why the others are not.

The folder is listed again for every answer: no file can be forgotten, because the only state is how long a
file has looked the same.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping

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
"""The number of files that a scan checks for whether they can be taken now: that costs system calls."""

_KNOWS_EFFECTIVE_IDS = os.access in os.supports_effective_ids

_LAST_TIME = (1 << 63) - 1
_FIRST_KEY = 5 * 10**19
_KEY_DIGITS = 20
"""The most nanoseconds in 64 bits, in the year 2262; files may be later. Added to the number in the middle,
all from minus that to that have as many digits."""

SMALL_BYTES = 256 * 1024
"""Files up to this size, in bytes, may be processed in a group."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan of the folder: names that are ready, in order, and what the others wait for, by name.

    `settling` are those that need only time, and `unknown` those of them for which nothing tells whether they
    are being written; `large` are those that are ready, but too large for a group; `unreadable` are those
    that this process may not read, and why, among those that were checked.
    """

    ready: list[str]
    waiting: dict[str, str]
    settling: list[str]
    large: Collection[str] = frozenset()
    unknown: Collection[str] = frozenset()
    unreadable: Mapping[str, str] = field(default_factory=dict)


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
        self._left_alone = LeftAlone(self.names.is_taken, self.names)
        self._unreadable: dict[str, str] = {}
        self._refused: set[int] = set()
        self._empty = FolderWatch(folder, clock)

    def scan(self) -> Scan:
        """List the folder.

        Only the first `CHECKED` files are checked for whether they can be taken now, and that is not
        remembered: the caller checks again before it takes a file (`is_free`).
        """
        self._empty.begin()
        wait_of = self._judge()
        self._left_alone.begin()
        if self._intake.ready == "rename" and self._intake.order == "name":
            ready, large, waits = self._names_alone()
        else:
            ready, large, waits = self._names_by(wait_of)
        self._set_aside(ready, waits)
        if not (ready or waits):
            self._empty.keep()
        waiting = {name: why for name, (why, _) in waits.items()}
        unknown = {name for name, (_, needs) in waits.items() if needs is Needs.LONG_TIME}
        settling = [name for name, (_, needs) in waits.items() if needs is Needs.TIME or name in unknown]
        return Scan(ready, waiting, settling, large, unknown, self._unreadable)

    def _names_alone(self) -> tuple[list[str], Collection[str], dict[str, Wait]]:
        """Return the names of files that nothing but their names says anything about, in their order."""
        is_taken, left_alone = self.names.is_taken, self._left_alone
        ready: list[str] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                name = entry.name
                if is_taken(name) and entry.is_file(follow_symlinks=False):
                    ready.append(name)
                else:
                    left_alone.says(entry)
        ready.sort()
        _keep_once(ready)
        return ready, LargeFiles(self._folder), {}

    def _names_by(
        self, wait_of: Callable[[str, os.stat_result], Wait | None]
    ) -> tuple[list[str], Collection[str], dict[str, Wait]]:
        """Return the names that do not wait, in order, the large ones, and what others wait for."""
        is_taken, left_alone, key_of = self.names.is_taken, self._left_alone, self._sort_key()
        keyed: list[str] = []  # names after their sort keys: tuples would take twice the memory
        large: set[str] = set()
        waits: dict[str, Wait] = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                name = entry.name
                if not (is_taken(name) and entry.is_file(follow_symlinks=False)):
                    left_alone.says(entry)
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                wait = wait_of(name, status)
                if wait is None:
                    keyed.append(key_of(status) + name)
                    if status.st_size > SMALL_BYTES:
                        large.add(name)
                else:
                    waits[name] = wait
        keyed.sort()
        for index, entry_key in enumerate(keyed):
            keyed[index] = entry_key[_KEY_DIGITS:]
        _keep_once(keyed)
        return keyed, large, waits

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

    def _judge(self) -> Callable[[str, os.stat_result], Wait | None]:
        """Return a function that tells what each file waits for, valid during one scan."""
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

    def _set_aside(self, names: list[str], waits: dict[str, Wait]) -> None:
        """Move the names that cannot be taken now from the first of the ready ones to `waits`."""
        unreadable = {}
        for name in names[:CHECKED]:
            try:
                wait = self._obstacle(name)
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
        """Return a function that returns the key that a file is sorted by, in digits."""
        if self._intake.order == "name":
            return lambda _status: _key_of(0)
        sign = 1 if self._intake.order == "oldest" else -1
        return lambda status: _key_of(sign * status.st_mtime_ns)


class LargeFiles(Collection[str]):
    """The files of a folder that are too large for a group, each looked at when it is asked for."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __contains__(self, name: object) -> bool:
        """Return whether the file of a name is large; one that is gone is not."""
        try:
            return os.lstat(os.path.join(self._folder, str(name))).st_size > SMALL_BYTES
        except OSError:
            return False

    def __iter__(self) -> Iterator[str]:
        """Yield all of them."""
        return (name for name in os.listdir(self._folder) if name in self)

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)


def _key_of(number: int) -> str:
    """Return a number of nanoseconds as text of `_KEY_DIGITS` digits, in the order of the numbers."""
    if not -_LAST_TIME <= number <= _LAST_TIME:
        number = _LAST_TIME if number > 0 else -_LAST_TIME
    return str(_FIRST_KEY + number)


def unreadable(why: str | None) -> Wait:
    """Return the wait of a file that may not be read."""
    return Wait(f"cannot be read yet: {why}", Needs.PERMISSION)


class LeftAlone:
    """Logs once, for each entry of a folder that is left alone, why it is.

    Args:
        is_wanted: tells whether a file of this name is not left alone.
        names: tell why it is, if its name is the reason.
    """

    def __init__(self, is_wanted: Callable[[str], bool], names: InputNames) -> None:
        self._is_wanted = is_wanted
        self._names = names
        self._said: set[str] = set()
        self._seen: set[str] = set()

    def begin(self) -> None:
        """Begin a scan: an entry that was missing in a scan, and comes again, is logged again."""
        self._said, self._seen = self._seen, set()

    def says(self, entry: os.DirEntry[str]) -> bool:
        """Return whether an entry is left alone, for its kind or its name; log that once."""
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


def _keep_once(names: list[str]) -> None:
    """Keep each of these sorted names once.

    Some filesystems (tmpfs of Linux 6.18) list a name again while others leave the folder.
    """
    count = 0
    for name in names:
        if count == 0 or name != names[count - 1]:
            names[count] = name
            count += 1
    del names[count:]
