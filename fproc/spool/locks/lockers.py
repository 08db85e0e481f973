"""Instances that hold jobs by locks, and how they make way for those that hold them by leases.

Other hosts do not see a lock, and an instance that uses locks does not see leases: so no instance may use one
while another uses the other. That can happen: a host works on a folder of its own disk, and exports it to
others by NFS.

An instance that uses locks says so first, by a lease of its own in `.fproc/lockers/`, and then checks for
`.fproc/shared`, again and again: once it is there, all workers end, and the instance goes on with leases. An
instance that uses leases first makes `.fproc/shared`, and then waits until `.fproc/lockers/` is empty, or no
one in it has counted for as long as a lease lasts. Whichever comes first, one of the two sees the other.
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
