"""The contents of inputs, which nobody has made durable: whoever dropped them wrote them and went away.

A claim makes the names of inputs survive power loss. What is in them has to survive it first, or else what
comes back is an empty file that has its place in the spool, and would be processed for a whole one.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence

from fproc.spool.disk import Disk

_UNREADABLE = frozenset({errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP})
"""What cannot be opened cannot be read either, so nothing is decided about contents that may be lost."""


def sync_contents(disk: Disk, paths: Sequence[str]) -> dict[str, OSError]:
    """Make what is in these files survive power loss; gives what stood in the way, by path."""
    troubles: dict[str, OSError] = {}
    opened: dict[str, int] = {}
    if not disk.power:
        return troubles
    try:
        for path in paths:
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    opened[path] = disk.open_to_sync(path)
                    disk.start_sync(opened[path])
            except OSError as error:
                if error.errno not in _UNREADABLE:
                    troubles[path] = error
        errors = disk.sync_all(list(opened.values()))
        troubles |= {path: error for path, error in zip(opened, errors, strict=True) if error}
    finally:
        while opened:
            disk.close(opened.popitem()[1])
    return troubles
