"""Which files in `unprocessed/` are ready, and why the others are not.

The folder is listed again for every answer: no file can be forgotten, because nothing is remembered but
how long a file has looked the same.
"""

from __future__ import annotations

import fnmatch
import logging
import os
import re
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass

from fproc.config import Intake
from fproc.errors import shown
from fproc.spool.decision import Stamp
from fproc.spool.evidence import Evidence, evidence_at

log = logging.getLogger("fproc.intake")

READY = ""
OPEN = "still open for writing"

CHECKED = 256
"""For how many files a look at the folder finds out whether they are open for writing: that costs calls."""

COARSE_SECONDS = 2.0
"""Two changes of a folder this close together may leave it with one time: so coarse are some filesystems."""

_LAST_TIME = (1 << 63) - 1
_PLACE_DIGITS = 20
"""Nanoseconds that 64 bits hold, to the year 2262, and how long twice as many are. Files may be later."""

SMALL_BYTES = 256 * 1024
"""Files up to this size may be done together with others."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at the folder: names that are ready, in order, and what the others wait for, by name.

    `settling` are those that need nothing but time; `large` are those that are ready, but too large to be
    done together with others.
    """

    ready: list[str]
    waiting: dict[str, str]
    settling: list[str]
    large: Collection[str] = frozenset()


class Scanner:
    """Looks at one folder again and again.

    Args:
        folder: `unprocessed/`.
        intake: the settings.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970, to compare with a file's time of last change.
    """

    def __init__(
        self, folder: str, intake: Intake, *, monotonic: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._intake = intake
        self._monotonic = monotonic
        self._clock = clock
        self._since: dict[str, tuple[Stamp, float]] = {}
        self._said: set[str] = set()
        self._empty_since: int | None = None
        self._ignored = re.compile("|".join(map(fnmatch.translate, intake.ignore)) or r"(?!)")

    def scan(self) -> Scan:
        """List the folder.

        Whether a file is open for writing is found out for the first `CHECKED` only, and not remembered: who
        takes a file asks again (`is_free`).
        """
        names: list[str] = []  # with their places before them: a tuple for each would take twice the memory
        large: set[str] = set()
        waiting: dict[str, str] = {}
        settling: list[str] = []
        changed_at = os.stat(self._folder).st_mtime_ns
        markers = self._markers()
        before, self._since = self._since, {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if self.say_if_left_alone(entry):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                name = entry.name
                settled = self._has_settled(name, Stamp.of(status), before.get(name))
                why = self._why_not(name, settled=settled, marked=name + self._intake.marker in markers)
                if why == READY:
                    names.append(self._place(status) + name)
                    if status.st_size > SMALL_BYTES:
                        large.add(name)
                else:
                    waiting[name] = why
                    if not settled:
                        settling.append(name)
        self._said = {path for path in self._said if os.path.lexists(path)}
        names.sort()
        _unplace(names)
        for name in [name for name in names[:CHECKED] if not self.is_free(name)]:
            names.remove(name)
            waiting[name] = OPEN
        is_old = self._clock() - changed_at / 1e9 > COARSE_SECONDS
        self._empty_since = changed_at if is_old and not (names or waiting) else None
        return Scan(names, waiting, settling, large)

    def is_still_empty(self) -> bool:
        """Whether nothing has come since the last look, which found nothing to wait for."""
        try:
            return os.stat(self._folder).st_mtime_ns == self._empty_since
        except OSError:
            return False

    def is_free(self, name: str) -> bool:
        """Whether a file that is ready is not open for writing, as far as that matters and can be told."""
        return self._intake.ready != "auto" or not is_open_for_writing(os.path.join(self._folder, name))

    def _markers(self) -> set[str]:
        """Names of markers, where those make files ready."""
        if self._intake.ready != "marker":
            return set()
        with os.scandir(self._folder) as entries:
            return {
                entry.name
                for entry in entries
                if entry.name.endswith(self._intake.marker) and entry.is_file(follow_symlinks=False)
            }

    def why_waiting(self, name: str) -> str:
        """What one file waits for, or `READY`, as far as one look can tell: settled since its last change.

        Raises:
            FileNotFoundError: it is gone.
        """
        path = os.path.join(self._folder, name)
        status = os.lstat(path)
        if self._ignored.match(name):
            return "left alone: its name is ignored (intake.ignore)"
        if not stat.S_ISREG(status.st_mode) or not self.is_input_name(name):
            return (
                "left alone: it is a marker"
                if stat.S_ISREG(status.st_mode)
                else f"left alone: it {kind_of_file(path)}"
            )
        age_seconds = max(0.0, self._clock() - status.st_mtime)
        stamp, since = Stamp.of(status), self._monotonic() - min(age_seconds, self._intake.settle_seconds)
        settled = self._has_settled(name, stamp, (stamp, since))
        why = self._why_not(name, settled=settled, marked=_is_regular(path + self._intake.marker))
        return OPEN if why == READY and not self.is_free(name) else why

    def is_input_name(self, name: str) -> bool:
        """Whether a file of this name is ever taken."""
        is_marker = self._intake.ready == "marker" and name.endswith(self._intake.marker)
        return not is_marker and not self._ignored.match(name)

    def say_if_left_alone(self, entry: os.DirEntry[str]) -> bool:
        """Whether an entry is left alone, as no file or by its name; the log says so once."""
        if self.is_input_name(entry.name) and entry.is_file(follow_symlinks=False):
            return False
        is_ignored = self._ignored.match(entry.name) is not None
        if entry.path not in self._said and (is_ignored or self.is_input_name(entry.name)):
            self._said.add(entry.path)
            why = "has an ignored name" if is_ignored else kind_of_file(entry.path)
            log.log(
                logging.INFO if is_ignored else logging.WARNING,
                "%s: %s; it is left alone",
                shown(entry.name),
                why,
            )
        return True

    def _has_settled(self, name: str, stamp: Stamp, seen: tuple[Stamp, float] | None) -> bool:
        """Whether a file's size and time have not changed for `settle_seconds`.

        `seen` is how it was seen before, and since when. One that was never seen unsettled is not remembered.
        """
        if self._intake.ready in {"rename", "marker"}:
            return True
        now, settle_seconds = self._monotonic(), self._intake.settle_seconds
        if seen is None and self._intake.ready == "auto":
            age_seconds = self._clock() - stamp.mtime_ns / 1e9
            if age_seconds >= settle_seconds:
                return True
        since = seen[1] if seen and seen[0] == stamp else now
        self._since[name] = (stamp, since)
        return now - since >= settle_seconds

    def _why_not(self, name: str, *, settled: bool, marked: bool) -> str:
        if self._intake.ready == "marker":
            return READY if marked else f"waiting for {shown(name + self._intake.marker)}"
        if not settled:
            since = self._since[name][1]
            return f"{self._monotonic() - since:.1f} of {self._intake.settle_seconds:g} s settled"
        return READY

    def _place(self, status: os.stat_result) -> str:
        """What a file comes before others by, in digits."""
        order = self._intake.order
        number = 0 if order == "name" else status.st_mtime_ns if order == "oldest" else -status.st_mtime_ns
        return f"{min(max(number, -_LAST_TIME), _LAST_TIME) + _LAST_TIME:0{_PLACE_DIGITS}}"


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


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def is_open_for_writing(path: str) -> bool:
    """Whether any process has a file open for writing, where the kernel can tell."""
    try:
        return evidence_at(path) is Evidence.SOMEONE_WRITES
    except OSError:
        return False  # gone, or unreadable: claiming it will tell


def kind_of_file(path: str) -> str:
    """What something that is not a regular file is, for a message."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return "gone"
    kinds: dict[str, Callable[[int], bool]] = {
        "a folder": stat.S_ISDIR,
        "a symbolic link": stat.S_ISLNK,
        "a FIFO": stat.S_ISFIFO,
        "a socket": stat.S_ISSOCK,
        "a character device": stat.S_ISCHR,
        "a block device": stat.S_ISBLK,
    }
    return next((f"is {kind}, not a file" for kind, fits in kinds.items() if fits(mode)), "is a file")
