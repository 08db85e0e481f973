"""The looks of files: for how long each has looked the same, and what it still waits for.

How long a file must look the same depends on what else is known about it. If a lease, or the kernel's report
that it was closed, tells who writes to it, `settle_seconds` are enough, and a file that was old already when
it was first seen has had them. If nobody can tell, its time of last change says nothing either: a copy that
keeps its source's time sets it before, between or after the writes. Such a file has to look the same for
`settle_unknown_seconds` from when it was first seen, the time of its inode's last change included, which no
program can set back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from fproc.config.model import Config, Intake
from fproc.spool.readiness.evidence import Evidence

READY = ""

Look = tuple[int, int, int, int]
"""How a file looks: inode, size, time of last change, and that of its inode, both in nanoseconds."""

_LEAST_QUIET_SECONDS = 0.1
"""Without a settle time, too, a file that keeps changing is not read over and over."""

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
        self._before: dict[str, tuple[Look, float]] = {}
        self._since: dict[str, tuple[Look, float]] = {}

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
            progress = f"{seconds:.1f} of {limit_seconds:g} s unchanged since it was first seen"
            return Wait(f"{Evidence.UNKNOWN.value} ({why_unknown}): {progress}", Needs.LONG_TIME)
        limit_seconds = self._intake.settle_seconds
        is_new = name not in self._before and name not in self._since
        if is_new and self._intake.ready == "auto" and self._age_seconds(status.st_mtime_ns) >= limit_seconds:
            return None  # and it is not remembered: there may be very many
        seconds = self._seen(name, status, _CONTENTS)
        return None if seconds >= limit_seconds else _settling(seconds, limit_seconds)

    def settled(self, wait: Callable[[str, os.stat_result], Wait | None]) -> Callable[..., Wait | None]:
        """Return a function that does as `wait` does, and is quick about files that are old and new here.

        They have settled, by their time of last change: it is compared with the time of this call. Nothing
        of them is remembered, as there may be very many. For files whose writers are known.
        """
        if self._intake.ready != "auto":
            return wait
        before, since = self._before, self._since
        last_ns = int((self._clock() - self._intake.settle_seconds) * 1e9)

        def quick_wait(name: str, status: os.stat_result) -> Wait | None:
            if status.st_mtime_ns <= last_ns and name not in before and name not in since:
                return None
            return wait(name, status)

        return quick_wait

    def wait_by_age(self, status: os.stat_result, why_unknown: str) -> Wait | None:
        """Return what a file waits for as far as one look can tell: settled since its last change."""
        if why_unknown:
            limit_seconds = self._intake.settle_unknown_seconds
            seconds = self._age_seconds(status.st_ctime_ns)
            if seconds >= limit_seconds:
                return None
            progress = f"changed {seconds:.1f} s ago, taken once it is seen unchanged for {limit_seconds:g} s"
            return Wait(f"{Evidence.UNKNOWN.value} ({why_unknown}): {progress}", Needs.LONG_TIME)
        seconds, limit_seconds = self._age_seconds(status.st_mtime_ns), self._intake.settle_seconds
        return None if seconds >= limit_seconds else _settling(seconds, limit_seconds)

    def _age_seconds(self, time_ns: int) -> float:
        return max(0.0, self._clock() - time_ns / 1e9)

    def _seen(self, name: str, status: os.stat_result, what: slice) -> float:
        """Note how a file looks; return for how long that has been the same, as far as `what` goes."""
        now = self._monotonic()
        look = look_of(status)
        earlier = self._since.get(name) or self._before.get(name)
        if earlier is not None and earlier[0] == look:
            self._since[name] = earlier
            return now - earlier[1]
        since = earlier[1] if earlier and earlier[0][what] == look[what] else now
        self._since[name] = (look, since)
        return now - since


def look_of(status: os.stat_result) -> Look:
    """Return how a file looks."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def quiet_seconds(intake: Intake, evidence: Evidence) -> float:
    """Return how long a file that was seen changing has to look the same before it is read again."""
    is_unknown = intake.ready == "auto" and evidence is Evidence.UNKNOWN
    return max(_LEAST_QUIET_SECONDS, intake.settle_unknown_seconds if is_unknown else intake.settle_seconds)


def longest_wait_seconds(config: Config) -> float:
    """Return how long an input that was taken before can have to wait: a time further off is no time."""
    intake = config.intake
    return max(config.retry.backoff_max_seconds, intake.settle_seconds, intake.settle_unknown_seconds)


def _settling(seconds: float, limit_seconds: float) -> Wait:
    return Wait(f"{seconds:.1f} of {limit_seconds:g} s settled", Needs.TIME)
