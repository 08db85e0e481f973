"""Whose trouble an error is: the host's, the file's, or that of fproc's own code; and whether it may pass.

What happens next to the file is decided in `fproc.run.verdict`.
"""

from __future__ import annotations

import errno

from fproc.base import own_code
from fproc.base.errors import (
    FprocError,
    OutputError,
    Reject,
    Retry,
    WorkerDiedError,
    reason_of,
)

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


HOST_ERRNOS = {
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
"""Errors of the host, with which no file can be worked on, and what to do about each.

Any other `OSError` may be the fault of one name.
"""


def passes_by_itself(error: BaseException | None) -> bool:
    """Return whether trying the same file again later may well succeed."""
    if isinstance(error, OSError):
        return error.errno in PASSING_ERRNOS or isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, Retry | WorkerDiedError | MemoryError)


def is_of_host(error: OSError) -> bool:
    """Return whether this error keeps all files from being worked on, not just one."""
    return error.errno in HOST_ERRNOS


def trouble_of(error: Exception) -> str:
    """Return what an error says, and what to do if it is one of the host."""
    if is_of_own_code(error):
        return f"{own_code.REPLACED} ({reason_of(error)})"
    os_error = error.__cause__ if isinstance(error, OutputError) else error
    number = os_error.errno if isinstance(os_error, OSError) else None
    return reason_of(error) + (f" ({HOST_ERRNOS[number]})" if number in HOST_ERRNOS else "")


def is_of_own_code(error: Exception) -> bool:
    """Return whether an error comes from fproc's own code, which was unreadable or had been replaced."""
    cause = error.__cause__ if isinstance(error, FprocError) else error
    is_foreign = not isinstance(cause, FprocError | Retry | Reject)
    return is_foreign and cause is not None and own_code.is_at_fault(cause)
