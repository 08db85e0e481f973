"""The life of a file, and who decides what happens to it next.

    ready --claim--> claimed --decide--> decided --publish, archive--> done (processed or failed)
                        ^  |
                        |  +--retry at--> waiting (still claimed, lock free, not before a time)
                        +--adopt--------- waiting, or orphaned by a crash

`decide` is the only place that turns what went wrong into what happens next. It knows no folder and no
clock: `fproc.spool` carries out what it says.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import Enum

from fproc.errors import ChangedWhileReadError, FprocError, OutputError, Retry

PASSING_ERRNOS = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EINTR,
        errno.ETIMEDOUT,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EMFILE,
        errno.ENFILE,
        errno.ESTALE,
    }
)
"""An `OSError` of these kinds, raised by a user's processor, is likely to pass by itself."""


MACHINE_ERRNOS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EROFS,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ESTALE,
        errno.ENODEV,
    }
)
"""What the machine says when no file can be worked on. Any other `OSError` may be one name's own trouble."""


class Fate(Enum):
    """What becomes of a claimed file.

    `WAIT` and `PAUSE` cost it no attempt: the file waits until its name can be worked with, or intake pauses
    until the machine is well.
    """

    COMMIT = "commit"
    RETRY = "retry"
    FAIL = "fail"
    WAIT = "wait"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a file is tried again."""

    max_attempts: int = 3
    backoff_seconds: float = 1.0
    backoff_max_seconds: float = 300.0

    def delay_seconds(self, attempt: int, jitter: float) -> float:
        """How long to wait after failed attempt number `attempt` (from 1).

        Exponential backoff with "equal jitter": half the delay is fixed, half is random, so that files
        which failed together do not come back together. `jitter` is a random number from 0 to 1.
        """
        full: float = min(self.backoff_max_seconds, self.backoff_seconds * 2.0 ** min(attempt - 1, 60))
        return full / 2 + full / 2 * jitter


def passes_by_itself(error: BaseException | None) -> bool:
    """Whether trying the same file again later may well succeed."""
    if isinstance(error, OSError):
        return error.errno in PASSING_ERRNOS or isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, Retry | ChangedWhileReadError)


def is_of_machine(error: OSError) -> bool:
    """Whether no file at all can be worked on, as far as this error tells."""
    return error.errno in MACHINE_ERRNOS


def decide(error: Exception | None, attempts: int, policy: RetryPolicy) -> Fate:
    """What to do with a claimed file.

    Args:
        error: what ended the run, or None. An `OutputError` or a bare `OSError` comes from fproc's own work
            on its folders: trouble of the machine or of the name, which costs the file nothing. Any other
            `FprocError` is trouble of the file; its `__cause__` tells whether that passes.
        attempts: runs of this file that failed, this one included.
        policy: how many of them are allowed.
    """
    if error is None:
        return Fate.COMMIT
    if isinstance(error, OSError | OutputError):
        trouble = error.__cause__ if isinstance(error, OutputError) else error
        is_own = isinstance(trouble, OSError) and not is_of_machine(trouble)
        return Fate.WAIT if is_own else Fate.PAUSE
    cause = error.__cause__ if isinstance(error, FprocError) and error.__cause__ else error
    if passes_by_itself(cause) and attempts < policy.max_attempts:
        return Fate.RETRY
    return Fate.FAIL
