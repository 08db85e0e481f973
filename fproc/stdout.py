"""Standard output belongs to results, and to what an action was asked to print.

A user's processor may print, or start a program that does. So the real standard output is kept aside before
any of them is loaded, and whatever else is written to descriptor 1 goes to standard error.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import BinaryIO, cast

_kept: list[BinaryIO] = []


def keep_for_results() -> None:
    """From now on, only `standard_output` leads to standard output."""
    if sys.stdout is None or _kept:
        return
    sys.stdout.flush()
    _kept.append(open(os.dup(1), "wb", buffering=0))  # noqa: SIM115 - for as long as the process lives
    os.dup2(2, 1)


def standard_output() -> BinaryIO:
    """Standard output, unbuffered once it was kept.

    Raises:
        OSError: it is closed.
    """
    if _kept:
        return _kept[0]
    if sys.__stdout__ is None:
        raise OSError(errno.EBADF, "standard output is closed")
    return cast(BinaryIO, sys.__stdout__.buffer)


def say(line: str) -> None:
    """Print a line of what was asked for."""
    write_all(standard_output(), f"{line}\n".encode("utf-8", "backslashreplace"))


def write_all(stream: BinaryIO, data: bytes | memoryview) -> None:
    """Write all of `data` and flush; an unbuffered stream may take it in several parts."""
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
    stream.flush()
