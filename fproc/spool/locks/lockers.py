"""Instances that hold jobs by locks, and how they make way for such as hold them by leases.

A lock does not reach another host, and a lease says nothing to who looks at locks only: so nobody may use one
where another instance uses the other. That may come about: a host works on a folder of its own disk, and
exports it to others by NFS.

Who holds by locks says so first, by a lease of its own in `.fproc/lockers/`, and then looks whether there is
`.fproc/shared`, again and again: if it is there, all workers end, and the instance goes on with leases. Who
holds by leases makes `.fproc/shared` first, and then waits until nobody is left in `.fproc/lockers/`, or has
not counted for as long as any owner of a lease is given. Whoever comes first, one of the two sees the other.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from contextlib import suppress

from fproc.base.ids import new_id
from fproc.spool.disk.disk import Disk
from fproc.spool.layout import Folders
from fproc.spool.locks.lease_folders import look_at
from fproc.spool.locks.leases import Leases
from fproc.spool.locks.locks import JobLock
from fproc.spool.locks.owner import Owner


class Lockers:
    """Those of one spool. Nothing of them has to survive a loss of power, for they do not either.

    Args:
        folders: the spool's.
        owner: who asks; by default this process.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self, folders: Folders, *, owner: Owner | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._folders = folders
        self._disk = Disk(power=False)
        places = copy.copy(folders)
        places.jobs = folders.lockers  # they are held as jobs are
        self._leases = Leases(places, self._disk, owner=owner, monotonic=monotonic)
        self._own: JobLock | None = None

    def join(self) -> None:
        """Say that this instance holds by locks, until it leaves.

        Raises:
            OSError: the disk refuses.
        """
        if self._own is None or not self._own.is_owner():
            self._disk.make_folder(self._folders.lockers)
            self._own = self._leases.hold(new_id())

    def leave(self) -> None:
        """Stop holding by locks."""
        if self._own is not None:
            self._own.release()
            self._own = None

    def have_to_leave(self) -> bool:
        """Return whether someone holds by leases, or wants to."""
        return os.path.exists(self._folders.shared)

    def sweep(self) -> None:
        """Remove what instances that were killed have left of their own.

        Raises:
            OSError: the disk refuses.
        """
        self._leases.sweep()
        self.others()

    def others(self) -> list[str]:
        """Return who still holds by locks, each as `HOST pid PID`; remove those that have died.

        Raises:
            OSError: it cannot be seen.
        """
        alive = []
        with suppress(FileNotFoundError):
            for name in sorted(os.listdir(self._folders.lockers)):
                with suppress(OSError):  # someone else was quicker, or has put something there
                    self._leases.finish_release(name)
                seen_version = self._leases.stale(name)
                if seen_version is None:
                    state = look_at(os.path.join(self._folders.lockers, name))
                    owner = state.owner if state else None
                    alive.append(f"{owner.host} pid {owner.pid}" if owner else "another instance")
                else:
                    hold = self._leases.hold(name, seen_version)
                    if hold is not None:
                        hold.release()
        return alive
