"""Obstacles that keep a user from taking or reading a file, as far as a look can tell."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from itertools import islice

from fproc.base.text import shown

CAP_FOWNER = 3
"""The number of the capability that sticky folders do not bind (capabilities(7))."""

_STATUS = "/proc/self/status"


def may_take_from_others(folder: str) -> bool:
    """Return whether a folder's sticky bit lets this user move other users' files out of it.

    Raises:
        OSError: the folder cannot be looked at.
    """
    status = os.stat(folder)
    is_sticky = bool(status.st_mode & stat.S_ISVTX)
    return not is_sticky or status.st_uid == os.geteuid() or _ignores_owners()


def obstacle(folder: str, name: str) -> str:
    """Return why this user cannot take or read a file in a folder, or "" where nothing is in the way.

    Raises:
        FileNotFoundError: it is gone.
    """
    path = os.path.join(folder, name)
    owner = os.lstat(path).st_uid
    if owner != os.geteuid() and not may_take_from_others(folder):
        return (
            f"{os.strerror(errno.EPERM)}: {shown(folder)} has the sticky bit, and neither the folder nor the"
            f" file belongs to {this_user()}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"cannot write to {shown(folder)}"
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        return f"cannot be read: {os.strerror(errno.EACCES)}"
    return ""


def obstacles(folder: str, most: int) -> list[tuple[str, str]]:
    """Return the files in a folder that this user cannot take or read, and why.

    No more than `most` are looked at.
    """
    stuck = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in islice(entries, most):
            with suppress(FileNotFoundError):  # taken meanwhile
                if entry.is_file(follow_symlinks=False) and (why := obstacle(folder, entry.name)):
                    stuck.append((entry.name, why))
    return stuck


def this_user() -> str:
    """Return the user that this process works for, in words."""
    return f"the user with id {os.geteuid()}"


def _ignores_owners() -> bool:
    """Return whether this process may do what only owners may: CAP_FOWNER, where Linux tells, else root."""
    with suppress(OSError, ValueError), open(_STATUS, encoding="ascii") as file:
        for line in file:
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> CAP_FOWNER & 1)
    return os.geteuid() == 0
