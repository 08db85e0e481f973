"""The verdict on a file whose run has ended: what happens to it next.

    ready --claim--> claimed --decide--> decided --publish, archive--> done (processed or failed)
                        ^  |
                        |  +--retry at--> waiting (still claimed, lock free, not before a time)
                        +--adopt--------- waiting, or orphaned by a crash

`decide` is the only function that turns an error into what happens next. It knows no folder and no clock:
`attempt` carries out the verdict.
"""

from __future__ import annotations

from enum import Enum

from fproc.base.errors import ChangedWhileReadError, FprocError, LostClaimError, OutputError, StoppedError
from fproc.base.faults import is_of_host, is_of_own_code, passes_by_itself
from fproc.config.model import RetryPolicy

INTERRUPTIONS = 200
"""How often in a row fproc itself may die while it processes a file, without getting further than before.

A worker that dies alone is the file's fault, and counts as an attempt. When all of fproc dies, it was most
likely killed or the host was switched off, which is no file's fault; but a file that brings everything down
(by using all memory, say) must not do so for ever.
"""


class Verdict(Enum):
    """What happens next to a claimed file.

    `CHANGED`, `WAIT`, `PAUSE`, `STOP` and `LOST` cost it no attempt: the file waits until nobody writes to it
    any more; until its name is usable; intake pauses until the host is well; fproc stops, and left the file
    at a checkpoint; or another process owns the file by now.
    """

    COMMIT = "commit"
    RETRY = "retry"
    FAIL = "fail"
    CHANGED = "changed"
    WAIT = "wait"
    PAUSE = "pause"
    STOP = "stop"
    LOST = "lost"


_AT_NO_COST = {
    StoppedError: Verdict.STOP,
    LostClaimError: Verdict.LOST,
    ChangedWhileReadError: Verdict.CHANGED,
}
"""The verdict on a file whose run ended through no fault of its own."""


def decide(error: Exception | None, attempts: int, policy: RetryPolicy) -> Verdict:
    """Return the verdict on a claimed file.

    Args:
        error: the error that ended the run, or None. An `OutputError` or a bare `OSError` comes from fproc's
            own work on its folders: the fault of the host or of the name, which costs the file nothing, as
            does a fault of fproc's own code. Any other `FprocError` is the file's fault; its `__cause__`
            tells whether that passes.
        attempts: runs of this file that failed, this one included.
        policy: how many of them are allowed.
    """
    if error is None:
        return Verdict.COMMIT
    if isinstance(error, StoppedError | LostClaimError | ChangedWhileReadError):
        return _AT_NO_COST[type(error)]
    if is_of_own_code(error):
        return Verdict.PAUSE
    if isinstance(error, OSError | OutputError):
        os_error = error.__cause__ if isinstance(error, OutputError) else error
        is_own = isinstance(os_error, OSError) and not is_of_host(os_error)
        return Verdict.WAIT if is_own else Verdict.PAUSE
    cause = error.__cause__ if isinstance(error, FprocError) and error.__cause__ else error
    if passes_by_itself(cause) and attempts < policy.max_attempts:
        return Verdict.RETRY
    return Verdict.FAIL
