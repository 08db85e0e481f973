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
from enum import Enum

from fproc import own_code
from fproc.errors import (
    ChangedWhileReadError,
    FprocError,
    LostClaimError,
    OutputError,
    Reject,
    Retry,
    StoppedError,
    WorkerDiedError,
    reason_of,
)
from fproc.values import dataclass

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


MACHINE_ERRNOS = {
    errno.ENOSPC: "free some space, or inodes, on that disk",
    errno.EDQUOT: "free some space, or raise the quota",
    errno.EIO: "look at the disk, and at the kernel's log",
    errno.EROFS: "look at the kernel's log, and mount that disk for writing",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
    errno.ENOMEM: "free some memory, or use fewer workers",
    errno.EAGAIN: "raise the limit of processes (ulimit -u), or use fewer workers",
    errno.ESTALE: "look at the file server, and mount that folder again",
    errno.ENOTCONN: "mount that folder again",
    errno.ENODEV: "mount that disk, or put that folder back; a new start makes it anew",
}
"""What the machine says when no file can be worked on, and what to do about it.

Any other `OSError` may be one name's own trouble.
"""


INTERRUPTIONS = 200
"""How often in a row fproc itself may end while it works on a file, without getting further than before.

A worker that dies alone is the file's fault, and counts as an attempt. When all of fproc dies, it was most
likely stopped or the machine was switched off, and no file's fault; but a file that takes everything along
(all memory, say) must not do so for ever.
"""


class Fate(Enum):
    """What becomes of a claimed file.

    `CHANGED`, `WAIT`, `PAUSE`, `STOP` and `LOST` cost it no attempt: the file waits until nobody writes to it
    any more; until its name can be worked with; intake pauses until the machine is well; fproc stops, and
    left the file at a checkpoint; or someone else owns the file by now.
    """

    COMMIT = "commit"
    RETRY = "retry"
    FAIL = "fail"
    CHANGED = "changed"
    WAIT = "wait"
    PAUSE = "pause"
    STOP = "stop"
    LOST = "lost"


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
    return isinstance(error, Retry | WorkerDiedError | MemoryError)


def is_of_machine(error: OSError) -> bool:
    """Whether no file at all can be worked on, as far as this error tells."""
    return error.errno in MACHINE_ERRNOS


def trouble_of(error: Exception) -> str:
    """What an error says, and what to do if it is the machine's."""
    if _is_of_own_code(error):
        return f"{own_code.REPLACED} ({reason_of(error)})"
    trouble = error.__cause__ if isinstance(error, OutputError) else error
    number = trouble.errno if isinstance(trouble, OSError) else None
    return reason_of(error) + (f" ({MACHINE_ERRNOS[number]})" if number in MACHINE_ERRNOS else "")


def _is_of_own_code(error: Exception) -> bool:
    """Whether fproc's own code could not be read, or was replaced, and that has led to this error."""
    cause = error.__cause__ if isinstance(error, FprocError) else error
    is_foreign = not isinstance(cause, FprocError | Retry | Reject)
    return is_foreign and cause is not None and own_code.is_at_fault(cause)


_AT_NO_COST = {StoppedError: Fate.STOP, LostClaimError: Fate.LOST, ChangedWhileReadError: Fate.CHANGED}
"""What becomes of a file whose run ended for no fault of its own."""


def decide(error: Exception | None, attempts: int, policy: RetryPolicy) -> Fate:
    """What to do with a claimed file.

    Args:
        error: what ended the run, or None. An `OutputError` or a bare `OSError` comes from fproc's own work
            on its folders: trouble of the machine or of the name, which costs the file nothing, as does
            trouble of fproc's own code. Any other `FprocError` is trouble of the file; its `__cause__` tells
            whether that passes.
        attempts: runs of this file that failed, this one included.
        policy: how many of them are allowed.
    """
    if error is None:
        return Fate.COMMIT
    if isinstance(error, StoppedError | LostClaimError | ChangedWhileReadError):
        return _AT_NO_COST[type(error)]
    if _is_of_own_code(error):
        return Fate.PAUSE
    if isinstance(error, OSError | OutputError):
        trouble = error.__cause__ if isinstance(error, OutputError) else error
        is_own = isinstance(trouble, OSError) and not is_of_machine(trouble)
        return Fate.WAIT if is_own else Fate.PAUSE
    cause = error.__cause__ if isinstance(error, FprocError) and error.__cause__ else error
    if passes_by_itself(cause) and attempts < policy.max_attempts:
        return Fate.RETRY
    return Fate.FAIL
