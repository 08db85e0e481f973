"""Holding a job: what both ways of it promise, and the way by the kernel's locks.

A lock is `flock` on `.fproc/jobs/X/`, which is also the folder for the job's records. The kernel
releases it however the process ends. It works for all processes of one host.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Protocol

from fproc.spool.disk.disk import Disk
from fproc.spool.disk.paths import is_locked, is_still_at
from fproc.spool.layout import Folders


class JobLock(Protocol):
    """A job that is held. `folder` is for its records; `is_fresh_start` says that no part can be trusted."""

    folder: str
    is_lease: bool
    is_fresh_start: bool

    @property
    def descriptor(self) -> int | None:
        """What another process inherits so that it holds the job as well; None where that is impossible."""

    def is_owner(self) -> bool:
        """Return whether it is still held: the folder may have been removed, or a lease taken over."""

    def make_durable(self) -> None:
        """Make the folder's own name survive power loss."""

    def release(self) -> None:
        """Release it; remove the folder if no record is left in it."""


class LockManager(Protocol):
    """Holds jobs of one spool, for this process."""

    def hold(self, name: str, seen_version: str = "") -> JobLock | None:
        """Hold a job, or return None if someone else does; `seen_version` is what `stale` returned."""

    def stale(self, name: str) -> str | None:
        """Return None if someone holds the job; else the `seen_version` with which `hold` takes it over."""

    def sweep(self) -> None:
        """Remove what was left behind by those who died while they took hold of a job."""


class Locks:
    """Holding by locks."""

    def __init__(self, folders: Folders, disk: Disk) -> None:
        self._folders = folders
        self._disk = disk

    def hold(self, name: str, seen_version: str = "") -> JobLock | None:  # noqa: ARG002 - a lock needs none
        """Take the lock."""
        folder = f"{self._folders.jobs}/{name}"
        descriptor = self._disk.lock(folder)
        return None if descriptor is None else _Lock(self._disk, folder, descriptor)

    def hold_new(self, name: str) -> JobLock | None:
        """Take the lock of a job that nothing is known about, or None if it has a folder already."""
        folder = f"{self._folders.jobs}/{name}"
        descriptor = self._disk.lock_new(folder)
        return None if descriptor is None else _Lock(self._disk, folder, descriptor)

    def stale(self, name: str) -> str | None:
        """Return "" if the lock is free, None if it is not."""
        return None if is_locked(os.path.join(self._folders.jobs, name)) else ""

    def sweep(self) -> None:
        """Do nothing: a lock leaves nothing behind."""


class _Lock:
    is_lease = False
    is_fresh_start = False

    def __init__(self, disk: Disk, folder: str, descriptor: int) -> None:
        self.folder = folder
        self._disk = disk
        self.descriptor = descriptor
        self._status = os.fstat(descriptor)

    def is_owner(self) -> bool:
        return is_still_at(self._status, self.folder)

    def make_durable(self) -> None:
        self._disk.sync_folder(os.path.dirname(self.folder))

    def release(self) -> None:
        try:
            if self.is_owner():
                with suppress(OSError):  # not empty: it remembers attempts, a checkpoint or a decision
                    self._disk.remove_folder(self.folder)
        finally:
            self._disk.close(self.descriptor)
