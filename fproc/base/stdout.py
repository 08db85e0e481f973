"""Standard output, which belongs to results, and to what an action was asked to print.

A user's processor may print, or start a program that does. So the real standard output is set aside before
any of them is loaded, and everything else that is written to descriptor 1 goes to standard error.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from typing import BinaryIO, cast

_kept: list[BinaryIO | None] = []


def keep_for_results() -> None:
    """Set standard output aside: from now on, only `standard_output` leads to it."""
    if _kept:
        return
    if is_open():
        sys.stdout.flush()
        _kept.append(open(os.dup(1), "wb", buffering=0))  # noqa: SIM115 - for as long as the process lives
    else:
        _kept.append(None)
    os.dup2(2, 1)


def is_open() -> bool:
    """Return whether there is a standard output.

    One that can only be read stands for a closed one: it keeps descriptor 1 from being given to a data file,
    and processes that are started inherit it, and fail to write to it as this one does.
    """
    if _kept:
        return _kept[0] is not None
    return sys.__stdout__ is not None and fcntl.fcntl(1, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY


def standard_output() -> BinaryIO:
    """Return standard output, unbuffered once it was set aside.

    Raises:
        OSError: it is closed.
    """
    if not is_open() or sys.__stdout__ is None:
        raise OSError(errno.EBADF, "standard output is closed")
    return cast(BinaryIO, _kept[0] if _kept else sys.__stdout__.buffer)


def say(line: str) -> None:
    """Print a line that was asked for to standard output."""
    write_all(standard_output(), f"{line}\n".encode("utf-8", "backslashreplace"))


def complain(what: object) -> None:
    """Print a message to standard error."""
    prefix = f"<{_ERROR_PRIORITY}>" if is_journal() else ""
    sys.stderr.write(f"{prefix}fproc: {what}\n")


_ERROR_PRIORITY = 3
"""`LOG_ERR` of syslog(3), as sd-daemon(3) puts it before a line."""


def is_journal() -> bool:
    """Return whether standard error leads to systemd's journal, which has times and priorities itself."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


def write_all(stream: BinaryIO, data: bytes | memoryview) -> None:
    """Write all of `data` and flush; an unbuffered stream may take it in several parts."""
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
    stream.flush()
