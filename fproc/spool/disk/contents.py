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

    Gives for each path the inode number of the file that is durable now, or what stood in the way. A path
    at which nothing can be read is left out.
    """
    found: dict[str, int | OSError] = {}
    opened: dict[str, int] = {}
    if not disk.power:
        return found
    try:
        for path in paths:
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    opened[path] = disk.open_to_sync(path)
            except OSError as error:
                if error.errno not in _UNREADABLE:
                    found[path] = error
        errors = disk.sync_all(list(opened.values()))
        for (path, descriptor), trouble in zip(opened.items(), errors, strict=True):
            found[path] = trouble or os.fstat(descriptor).st_ino
    finally:
        while opened:
            disk.close(opened.popitem()[1])
    return found


def sync_unless(disk: Disk, path: str, status: os.stat_result, synced: int | None) -> None:
    """Make the contents of a file durable, unless it is the one that `sync_contents` returned.

    Args:
        disk: makes the calls.
        path: where the file is.
        status: what `os.lstat` says of it.
        synced: the inode number of the file that is durable, or None.

    Raises:
        OSError: something stood in the way.
    """
    if disk.power and status.st_ino != synced:
        for found in sync_contents(disk, [path]).values():
            if isinstance(found, OSError):
                raise found
