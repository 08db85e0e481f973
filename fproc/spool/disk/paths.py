"""Questions about a path: what is there, and who has locked it. Nothing here changes anything.

Several hosts may use the same folders, so what this one remembers of them may no longer be true.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})


def is_locked(path: str) -> bool:
    """Return whether someone holds the lock of a file or folder, which may be missing.

    To find out, it is shared for a moment; who wants it just then takes it for held, and asks again.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lock_holder(path: str) -> int | None:
    """Return the process that holds the lock of a file or folder, where Linux tells."""
    try:
        inode = os.stat(path).st_ino
        with open("/proc/locks", encoding="ascii") as file:
            locks = [line.split() for line in file]
    except OSError:
        return None
    for _, kind, _, _, pid, file_id, *_ in locks:
        if kind == "FLOCK" and file_id.rpartition(":")[2] == str(inode) and int(pid) > 0:
            return int(pid)
    return None


def is_at(descriptor: int, path: str) -> bool:
    """Return whether an open file or folder is the one at a path."""
    return is_still_at(os.fstat(descriptor), path)


def is_still_at(status: os.stat_result, path: str) -> bool:
    """Return whether the file or folder with this status is the one at a path."""
    try:
        now = os.stat(path)
    except FileNotFoundError:
        return False
    return now.st_ino == status.st_ino and now.st_dev == status.st_dev


def is_there(path: str) -> bool:
    """Return whether something has this path now, as all hosts see it.

    An NFS client remembers for up to a minute what a folder holds, and what it does not. It asks the server
    again when the folder is opened.
    """
    try:
        folder = os.open(os.path.dirname(path) or os.curdir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _GONE:
            return False
        raise
    try:
        os.stat(os.path.basename(path), dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in _GONE:
            return False
        raise
    finally:
        os.close(folder)
    return True


def same_file(one: str, other: str) -> bool:
    """Return whether two paths are names of one file."""
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except FileNotFoundError:
        return False


def kind_of_file(path: str) -> str:
    """Return what something that is not a regular file is, for a message."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return "gone"
    kinds: dict[str, Callable[[int], bool]] = {
        "a folder": stat.S_ISDIR,
        "a symbolic link": stat.S_ISLNK,
        "a FIFO": stat.S_ISFIFO,
        "a socket": stat.S_ISSOCK,
        "a character device": stat.S_ISCHR,
        "a block device": stat.S_ISBLK,
    }
    return next((f"is {kind}, not a file" for kind, fits in kinds.items() if fits(mode)), "is a file")


def has_other_names(path: str) -> bool:
    """Return whether the file at a path has other names."""
    return os.lstat(path).st_nlink > 1


def came_at(folder: str, name: str) -> float:
    """Return when a file came to a folder, or was last changed there.

    Raises:
        FileNotFoundError: it is gone.
    """
    return os.lstat(os.path.join(folder, name)).st_ctime


def seconds_since_change(folder: str, name: str, now: float) -> float:
    """Return how long ago, by a time, a file came to a folder or was last changed there; 0 if it is gone."""
    try:
        return max(now - came_at(folder, name), 0.0)
    except OSError:
        return 0.0
