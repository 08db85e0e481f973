"""Evidence of who has a file open for writing, and how it is found.

Linux grants a read lease only on a file that nobody has open for writing (fcntl(2), F_SETLEASE), and only to
the file's owner or to a process with CAP_LEASE. What a refusal means depends on the filesystem:

- On a local one EAGAIN says that a process of this host has the file open for writing. EACCES says nothing
  but that the file belongs to another user, as all do that an FTP, SFTP or SMB server has received.
- An NFSv4 client without a delegation answers EAGAIN whoever has the file open, and a lease that FUSE, SMB or
  9p grant knows nothing of writers elsewhere. So none is asked for there.
- An overlay refuses one for a writer that came through the overlay, but grants it while someone writes to the
  file below, in the lower or upper folder. So it is believed only when it refuses.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from contextlib import suppress
from enum import Enum
from functools import lru_cache

from fproc.base.values import dataclass
from fproc.spool.disk.mounts import LOCAL_TYPES, RECENT_SECONDS, recent_filesystem_type

_CAP_LEASE = 28
_ALL_USERS = 2**32 - 1
"""The bit of the capability (capabilities(7)), and how many users the first user namespace has."""


class Evidence(Enum):
    """Whether any process has a file open for writing; the values are words for messages."""

    NOBODY_WRITES = "nobody has it open for writing"
    SOMEONE_WRITES = "still open for writing"
    UNKNOWN = "nobody can tell whether it is still being written"


def evidence_at(path: str) -> Evidence:
    """Return what is known about who writes to the file at a path.

    Raises:
        FileNotFoundError: it is gone.
        PermissionError: it cannot be read yet.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return Evidence.UNKNOWN
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError:  # opening it for its contents will say what is wrong with it
        return Evidence.UNKNOWN
    try:
        return evidence_of(descriptor, path)
    finally:
        os.close(descriptor)


def evidence_of(descriptor: int, path: str) -> Evidence:
    """Return what is known about who writes to a file that this process has open for reading only.

    `path` is where it lies: its folder tells the filesystem. No other descriptor of this process may hold a
    lease on the file.
    """
    kind = recent_filesystem_type(path.rpartition("/")[0])
    if kind not in LOCAL_TYPES or not hasattr(fcntl, "F_SETLEASE"):
        return Evidence.UNKNOWN
    refusal = _ask_for_lease(descriptor)
    if refusal == errno.EAGAIN:
        return Evidence.SOMEONE_WRITES
    is_told = refusal == 0 and kind != "overlay"
    return Evidence.NOBODY_WRITES if is_told else Evidence.UNKNOWN


@dataclass(frozen=True, slots=True)
class Reach:
    """Of which files in a folder this process can tell who writes to them, by asking for a lease.

    `why_none` is why of none, or "". Of others' files than `user`'s it can only `of_all`. `is_local` says
    that the kernel hears of all who open files here.
    """

    why_none: str
    user: int
    of_all: bool
    is_local: bool = False

    @property
    def tells_all(self) -> bool:
        """Whether it can tell for every file."""
        return self.of_all and not self.why_none

    def why_unknown(self, owner: int) -> str:
        """Return why nobody can tell who writes to a file of this owner; "" if a lease tells."""
        if self.why_none or self.of_all or owner == self.user:
            return self.why_none
        return "its owner is another user, and fproc has no CAP_LEASE"


def reach_of(folder: str) -> Reach:
    """Return of which files in a folder a lease can tell who writes to them."""
    kind = recent_filesystem_type(folder)
    user = os.geteuid()
    why_none = ""
    if not hasattr(fcntl, "F_SETLEASE"):
        why_none = "this system has no leases"
    elif kind is None:
        why_none = "the system does not say what filesystem it is on"
    elif kind not in LOCAL_TYPES:
        why_none = f"other hosts or programs may write to it unseen on {kind}"
    elif kind == "overlay":
        why_none = "an overlay does not tell who writes to the file below it"
    of_all = _has_cap_lease(user, int(time.monotonic() // RECENT_SECONDS))
    return Reach(why_none, user, of_all, is_local=kind in LOCAL_TYPES)


@lru_cache(maxsize=4)
def _has_cap_lease(_user: int, _period: int) -> bool:
    """Return whether this process may take leases on others' files: with CAP_LEASE, in no user namespace."""
    with suppress(OSError, ValueError), open("/proc/self/status", encoding="ascii") as status:
        capabilities = [line.split()[1] for line in status if line.startswith("CapEff:")]
        with open("/proc/self/uid_map", encoding="ascii") as users:
            is_initial = [line.split() for line in users] == [["0", "0", str(_ALL_USERS)]]
        return is_initial and bool(capabilities) and bool(int(capabilities[0], 16) >> _CAP_LEASE & 1)
    return False


def _ask_for_lease(descriptor: int) -> int:
    """Take a read lease and give it back at once; return 0, or the number of the error that refused it.

    Were someone to open the file in between, the kernel would signal this process: SIGURG is asked for, which
    is ignored by default, instead of the deadly SIGIO.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno or errno.EINVAL
    return 0
