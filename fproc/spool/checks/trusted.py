"""The time that is believed when old things are removed: not that of a clock that has just leapt ahead.

A host that starts with a wrong clock, three months ahead, say, sees all archives as too old. So what is
believed is written down (`.fproc/clock.json`), from hour to hour and over restarts. A clock that is further
ahead of that than `LEAP_DAYS` is doubted: either fproc was off for so long, or the clock is wrong. It is
believed once it was looked at twice, `CONFIRM_DAYS` or more apart, and has not gone back in between. Until
then less is removed than could be, never more.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from contextlib import suppress

from fproc.base.values import asdict, dataclass
from fproc.spool.disk.disk import Disk, write_whole
from fproc.spool.layout import Folders

RECORD = "clock.json"

DAY_SECONDS = 86400.0
LEAP_DAYS = 2
CONFIRM_DAYS = 1
APART_DAYS = 31
"""Two looks that are further apart than the last confirm nothing: the clock may have leapt again."""


@dataclass(frozen=True, slots=True)
class Believed:
    """The time that is believed, and the later one that is doubted, or None; in seconds since 1970."""

    time: float
    doubted: float | None = None

    def after_look(self, now: float) -> Believed:
        """Return what is believed after a look at the clock."""
        time = min(self.time, now)
        if now - time <= LEAP_DAYS * DAY_SECONDS:
            return Believed(now)
        if self.doubted is None or not 0 <= now - self.doubted <= APART_DAYS * DAY_SECONDS:
            return Believed(time, now)
        if now - self.doubted < CONFIRM_DAYS * DAY_SECONDS:
            return Believed(time, self.doubted)
        return Believed(self.doubted).after_look(now)


class TrustedTime:
    """The time by which things are old enough to be removed.

    Args:
        folders: those of the spool.
        clock: seconds since 1970.
    """

    def __init__(self, folders: Folders, *, clock: Callable[[], float]) -> None:
        self._folders = folders
        self._disk = Disk(power=False)  # what power loss takes is only believed again later
        self._clock = clock

    def now(self) -> float:
        """Look at the clock, and return the time that is believed: the clock's, or an earlier one."""
        believed = self._looked()
        with suppress(OSError):  # a full disk, say: what is not written down is only believed later
            data = json.dumps(asdict(believed)).encode()
            write_whole(self._disk, self._folders.state, RECORD, data)
        return believed.time

    def peek(self) -> float:
        """Return the same without a note of this look."""
        return self._looked().time

    def _looked(self) -> Believed:
        now = self._clock()
        before = self._read()
        if before is None:
            before = Believed(newest_archived(self._folders, now))
        return before.after_look(now)

    def _read(self) -> Believed | None:
        """Return what was written down, or None where that is nothing of fproc's."""
        try:
            with open(os.path.join(self._folders.state, RECORD), encoding="ascii") as file:
                value = json.load(file)
            doubted = value["doubted"]
            believed = Believed(float(value["time"]), None if doubted is None else float(doubted))
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            return None
        return believed if math.isfinite(believed.time) and math.isfinite(believed.doubted or 0) else None


def newest_archived(folders: Folders, now: float) -> float:
    """Return when the last input was archived, by its folder, or `now` where there is none."""
    times = [now]
    for folder in (folders.processed, folders.failed):
        with suppress(OSError), os.scandir(folder) as entries:  # one that is gone holds nothing to remove
            times += [entry.stat(follow_symlinks=False).st_ctime for entry in entries]
    return min(now, max(times[1:], default=now))
