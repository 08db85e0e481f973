"""The verdict on a file whose run has ended: what happens to it next.

    ready --claim--> claimed --decide--> decided --publish, archive--> done (processed or failed)
                        ^  |
                        |  +--retry at--> waiting (still claimed, lock free, not before a time)
                        +--adopt--------- waiting, or orphaned by a crash

`decide` is the only place that turns what went wrong into what happens next. It knows no folder and no
clock: `fproc.spool` carries out what it says.
"""

from __future__ import annotations

from enum import Enum

from fproc.base.errors import ChangedWhileReadError, FprocError, LostClaimError, OutputError, StoppedError
from fproc.base.faults import is_of_host, is_of_own_code, passes_by_itself
from fproc.config.model import RetryPolicy

INTERRUPTIONS = 200
"""How often in a row fproc itself may end while it works on a file, without getting further than before.

A worker that dies alone is the file's fault, and counts as an attempt. When all of fproc dies, it was most
likely stopped or the host was switched off, and no file's fault; but a file that takes everything along
(all memory, say) must not do so for ever.
"""


class Verdict(Enum):
    """What becomes of a claimed file.

    `CHANGED`, `WAIT`, `PAUSE`, `STOP` and `LOST` cost it no attempt: the file waits until nobody writes to it
    any more; until its name can be worked with; intake pauses until the host is well; fproc stops, and
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


_AT_NO_COST = {
    StoppedError: Verdict.STOP,
    LostClaimError: Verdict.LOST,
    ChangedWhileReadError: Verdict.CHANGED,
}
"""What becomes of a file whose run ended for no fault of its own."""


def decide(error: Exception | None, attempts: int, policy: RetryPolicy) -> Verdict:
    """What to do with a claimed file.

    Args:
        error: what ended the run, or None. An `OutputError` or a bare `OSError` comes from fproc's own work
            on its folders: trouble of the host or of the name, which costs the file nothing, as does
            trouble of fproc's own code. Any other `FprocError` is trouble of the file; its `__cause__` tells
            whether that passes.
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
        trouble = error.__cause__ if isinstance(error, OutputError) else error
        is_own = isinstance(trouble, OSError) and not is_of_host(trouble)
        return Verdict.WAIT if is_own else Verdict.PAUSE
    cause = error.__cause__ if isinstance(error, FprocError) and error.__cause__ else error
    if passes_by_itself(cause) and attempts < policy.max_attempts:
        return Verdict.RETRY
    return Verdict.FAIL
