"""The contents of inputs, which nobody has made durable: whoever dropped them wrote them and went away.

A claim gives an input a new name, which any process makes durable that fsyncs the folder for an input of its
own. What is in it has to be durable before, or else what comes back after a loss of power is an empty file
that has its place in the spool, and would be processed for a whole one.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

from fproc.spool.disk.disk import Disk

_UNREADABLE = frozenset({errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP})
"""What cannot be opened cannot be read either, so nothing is decided about contents that may be lost."""


def sync_contents(disk: Disk, paths: Sequence[str]) -> dict[str, int | OSError]:
    """Make the contents of these files durable.

    Return for each path the inode number of the file that is durable now, or the error. A path at which
    nothing can be read is left out.
    """
    outcomes: dict[str, int | OSError] = {}
    descriptors: dict[str, int] = {}
    if not disk.power:
        return outcomes
    try:
        for path in paths:
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    descriptors[path] = disk.open_to_sync(path)
            except OSError as error:
                if error.errno not in _UNREADABLE:
                    outcomes[path] = error
        errors = disk.sync_all(list(descriptors.values()))
        for (path, descriptor), error_or_none in zip(descriptors.items(), errors, strict=True):
            outcomes[path] = error_or_none or os.fstat(descriptor).st_ino
    finally:
        while descriptors:
            disk.close(descriptors.popitem()[1])
    return outcomes


def sync_unless(disk: Disk, path: str, status: os.stat_result, durable_inode: int | None) -> None:
    """Make the contents of a file durable, unless it is the one that `sync_contents` returned.

    Args:
        disk: makes the calls.
        path: where the file is.
        status: its status by `os.lstat`.
        durable_inode: the inode number of the file that is durable, or None.

    Raises:
        OSError: the disk refuses.
    """
    if disk.power and status.st_ino != durable_inode:
        for outcome in sync_contents(disk, [path]).values():
            if isinstance(outcome, OSError):
                raise outcome
