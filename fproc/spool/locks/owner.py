"""The process that holds something, and whether it is known to have ended."""

from __future__ import annotations

import os
from contextlib import suppress

from fproc.base.values import dataclass

BOOT_ID = "/proc/sys/kernel/random/boot_id"
_PID_NAMESPACE = "/proc/self/ns/pid"

_BEGAN_FIELD = 19
"""Where field 22 of proc_pid_stat(5) is, counted from behind the process's name."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: its host and container, that host's boot, the process's id, and when it began.

    What the system does not tell is "".
    """

    host: str
    container: str
    boot: str
    pid: int
    began: str

    @classmethod
    def current(cls) -> Owner:
        """Return this process."""
        container = ""
        with suppress(OSError):
            container = os.readlink(_PID_NAMESPACE)
        return cls(os.uname().nodename, container, read_text(BOOT_ID), os.getpid(), _began(os.getpid()))

    def is_neighbour(self, other: Owner) -> bool:
        """Return whether both are known to be of one boot of one kernel, and of one pid namespace.

        Two hosts may have one name, and the first pid namespace has the same number on every Linux. A boot's
        id is random, so two hosts never share it; two containers of one host do.
        """
        ours, theirs = (self.host, self.container, self.boot), (other.host, other.container, other.boot)
        return ours == theirs and all(ours)

    def is_surely_dead(self, observer: Owner) -> bool:
        """Return whether it has exited: a neighbour whose id is free, or is another process's by now.

        All else is unknown. A process that may not be looked at (`hidepid` of proc(5)) lives, and an earlier
        boot of a host cannot be told from another host of its name.
        """
        if not self.is_neighbour(observer):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False
        began = _began(self.pid)
        return bool(began and self.began) and began != self.began


def read_text(path: str) -> str:
    """Return what a small file says, or "" if it cannot be read."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _began(pid: int) -> str:
    """Return when a process began, in the kernel's words; "" if it is gone, or may not be looked at."""
    fields = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[_BEGAN_FIELD] if len(fields) > _BEGAN_FIELD else ""
