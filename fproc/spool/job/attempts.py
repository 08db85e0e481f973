"""The record of earlier runs of an input: how many failed, and when the next one may begin."""

from __future__ import annotations

import json
import math
import os
from typing import Any

from fproc.base.values import dataclass, field
from fproc.spool.readiness.looks import Look

ATTEMPTS = "attempts.json"


@dataclass(frozen=True, slots=True)
class Attempts:
    """The record of earlier runs of an input.

    `attempts` counts those that failed, `interrupted` those during which fproc itself died, since one of
    them got further than `offset_bytes`. The next starts at `not_before`, in seconds since 1970, or later.
    `was_left` says that the input was left in good order, and no run of it has begun since. `changing` is
    the state of the input when it was last left because someone was writing to it.
    """

    attempts: int = 0
    not_before: float = 0.0
    interrupted: int = 0
    offset_bytes: int = 0
    was_left: bool = False
    changing: Look | None = None

    def left_seconds(self, now: float, most: float) -> float:
        """Return how long the input still has to wait; `now` is in seconds since 1970.

        No delay is longer than `most`: a time that is further off was written while the clock was ahead.
        """
        return min(max(self.not_before - now, 0.0), most)


@dataclass(frozen=True, slots=True)
class NotYet:
    """An input that is to be tried again, but not before a time, in seconds since 1970.

    `wait_seconds` is how long that is. Who has waited that long names the time that it waited for, as the
    clock may have been set meanwhile.
    """

    not_before: float
    wait_seconds: float = field(default=0.0, compare=False)


def read_attempts(job_folder: str) -> Attempts:
    """Return the record of earlier runs in a job folder; an empty one if there is none of fproc's."""
    try:
        with open(os.path.join(job_folder, ATTEMPTS), encoding="ascii") as file:
            value = json.load(file)
        attempts = Attempts(
            int(value["attempts"]),
            float(value["not_before"]),
            int(value.get("interrupted", 0)),
            int(value.get("offset_bytes", 0)),
            value.get("was_left") is True,
            _look(value.get("changing")),
        )
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return Attempts()
    return attempts if math.isfinite(attempts.not_before) else Attempts(attempts.attempts)


def _look(value: Any) -> Look | None:
    """Return the look of an input from its value in a record."""
    if value is None:
        return None
    inode, size_bytes, mtime_ns, ctime_ns = map(int, value)
    return inode, size_bytes, mtime_ns, ctime_ns
