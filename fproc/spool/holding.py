"""How the jobs of a spool are held: by locks where the kernel's reach everyone, by leases where they may not.

Both give a folder for the job's records that no one else writes to while it is held.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from fproc.spool.disk import Disk
from fproc.spool.folders import Folders
from fproc.spool.lease_folders import look_at
from fproc.spool.leases import Leases
from fproc.spool.locks import Holder, Locks
from fproc.spool.owner import Owner
from fproc.spool.paths import is_locked, lock_holder
from fproc.values import dataclass


def holder(folders: Folders, disk: Disk, *, is_shared: bool, monotonic: Callable[[], float]) -> Holder:
    """Return how jobs are held in a spool that other hosts may see, or may not."""
    return Leases(folders, disk, monotonic=monotonic) if is_shared else Locks(folders, disk)


@dataclass(frozen=True, slots=True)
class Look:
    """What someone who changes nothing sees of a job: where its records are, and who holds it, or ""."""

    folder: str
    holder: str


def look(folders: Folders, name: str) -> Look:
    """Look at a job."""
    job = os.path.join(folders.jobs, name)
    state = look_at(job)
    if state is None:
        pid = lock_holder(job)
        return Look(job, (f"pid {pid}" if pid else "another process") if is_locked(job) else "")
    folder = os.path.join(job, state.generation)
    if state.owner is None:
        return Look(folder, "another process")
    is_over = state.is_over(Owner.current())
    return Look(folder, "" if is_over else f"{state.owner.host} pid {state.owner.pid}")
