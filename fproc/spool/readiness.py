"""How long files have looked the same, and what each still waits for.

What a file's looks are worth depends on what else can be told about it. Where a lease, or the kernel's word
that it was closed, will tell who writes to it, `settle_seconds` are enough, and a file that was old already
when it was first seen has had them. Where nobody can tell, its time of last change says nothing either: a
copy that keeps its source's time sets it before, between or after the writes. Such a file has to look the
same for `settle_unknown_seconds` from when it was first seen, the time of its inode's last change included,
which no program can set back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from fproc.config import Intake
from fproc.spool.evidence import Evidence

READY = ""

_Look = tuple[int, int, int, int]

_CONTENTS = slice(0, 3)
_CHANGES = slice(0, 4)
"""What of a look has to stay the same: inode, size and time of last change; that of the inode as well."""


class Needs(Enum):
    """What has to come before a file can be taken."""

    TIME = "time"
    LONG_TIME = "long time"  # nobody can tell whether it is still being written
    PERMISSION = "permission"
    OTHERS = "others"  # its writer has to close it, or a marker has to come


class Wait(NamedTuple):
    """Why a file is not ready, for a message, and what it needs."""

    why: str
    needs: Needs = Needs.OTHERS


class Looks:
    """How the files of one folder have looked, and since when.

    Args:
        intake: the settings.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970, to compare with a file's time of last change.
    """

    def __init__(self, intake: Intake, *, monotonic: Callable[[], float], clock: Callable[[], float]) -> None:
        self._intake = intake
        self._monotonic = monotonic
        self._clock = clock
        self._before: dict[str, tuple[_Look, float]] = {}
        self._since: dict[str, tuple[_Look, float]] = {}

    def begin(self) -> None:
        """Begin a look at the folder: what is not seen in it is forgotten by the next one."""
        self._before, self._since = self._since, {}

    def wait(self, name: str, status: os.stat_result, why_unknown: str) -> Wait | None:
        """Return what a file that is seen, again or for the first time, waits for; None if it has waited.

        `why_unknown` is why nobody can tell who writes to it, or "" where something can.
        """
        if why_unknown:
            limit_seconds = self._intake.settle_unknown_seconds
            seconds = self._seen(name, status, _CHANGES)
            if seconds >= limit_seconds:
                return None
            waited = f"{seconds:.1f} of {limit_seconds:g} s unchanged since it was first seen"
            return Wait(f"{Evidence.UNKNOWN.value} ({why_unknown}): {waited}", Needs.LONG_TIME)
        limit_seconds = self._intake.settle_seconds
        is_new = name not in self._before and name not in self._since
        if is_new and self._intake.ready == "auto" and self._age_seconds(status.st_mtime_ns) >= limit_seconds:
            return None  # and it is not remembered: there may be very many
        seconds = self._seen(name, status, _CONTENTS)
        return None if seconds >= limit_seconds else _settling(seconds, limit_seconds)

    def wait_by_age(self, status: os.stat_result, why_unknown: str) -> Wait | None:
        """Return what a file waits for as far as one look can tell: settled since its last change."""
        if why_unknown:
            limit_seconds = self._intake.settle_unknown_seconds
            seconds = self._age_seconds(status.st_ctime_ns)
            if seconds >= limit_seconds:
                return None
            waited = f"changed {seconds:.1f} s ago, taken once it is seen unchanged for {limit_seconds:g} s"
            return Wait(f"{Evidence.UNKNOWN.value} ({why_unknown}): {waited}", Needs.LONG_TIME)
        seconds, limit_seconds = self._age_seconds(status.st_mtime_ns), self._intake.settle_seconds
        return None if seconds >= limit_seconds else _settling(seconds, limit_seconds)

    def _age_seconds(self, time_ns: int) -> float:
        return max(0.0, self._clock() - time_ns / 1e9)

    def _seen(self, name: str, status: os.stat_result, what: slice) -> float:
        """Note how a file looks; return for how long that has been the same, as far as `what` goes."""
        now = self._monotonic()
        look = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        seen = self._since.get(name) or self._before.get(name)
        since = seen[1] if seen and seen[0][what] == look[what] else now
        self._since[name] = (look, since)
        return now - since


def _settling(seconds: float, limit_seconds: float) -> Wait:
    return Wait(f"{seconds:.1f} of {limit_seconds:g} s settled", Needs.TIME)
