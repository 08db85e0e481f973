"""The way in which jobs of a spool are held: by locks if these reach everyone, else by leases.

Both give a folder for the job's records that no one else writes to while it is held.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from fproc.base.values import dataclass
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.paths import is_locked, lock_holder
from fproc.spool.layout import Folders
from fproc.spool.locks.lease_folders import look_at
from fproc.spool.locks.leases import Leases
from fproc.spool.locks.locks import LockManager, Locks
from fproc.spool.locks.owner import Owner


def lock_manager(
    folders: Folders, disk: Disk, *, is_shared: bool, monotonic: Callable[[], float]
) -> LockManager:
    """Return how jobs are held in a spool that other hosts may see, or may not."""
    return Leases(folders, disk, monotonic=monotonic) if is_shared else Locks(folders, disk)


@dataclass(frozen=True, slots=True)
class HolderStatus:
    """What someone who changes nothing sees of a job: where its records are, and who holds it, or ""."""

    folder: str
    holder: str


def holder_status(folders: Folders, name: str) -> HolderStatus:
    """Look at a job."""
    job = os.path.join(folders.jobs, name)
    state = look_at(job)
    if state is None:
        pid = lock_holder(job)
        return HolderStatus(job, (f"pid {pid}" if pid else "another process") if is_locked(job) else "")
    folder = os.path.join(job, state.generation)
    if state.owner is None:
        return HolderStatus(folder, "another process")
    is_over = state.is_over(Owner.current())
    return HolderStatus(folder, "" if is_over else f"{state.owner.host} pid {state.owner.pid}")
