"""Sharing of a spool with other hosts, and how an instance holds jobs because of that.

That may change while it runs, see `fproc.spool.locks.lockers`.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from fproc.spool.disk.disk import Disk
from fproc.spool.layout import Folders, is_shared
from fproc.spool.locks.beats import Beats
from fproc.spool.locks.holding import lock_manager
from fproc.spool.locks.lockers import Lockers
from fproc.spool.locks.locks import LockManager

log = logging.getLogger("fproc.spool")


class Sharing:
    """How jobs of one spool are held.

    Args:
        folders: the spool's.
        disk: makes the calls.
        manager: holds jobs; by default by locks, or by leases where other hosts may use the spool.
        monotonic: seconds on a clock that is never set.

    Attributes:
        is_local: no other host uses this spool, as far as is known.
        holder: holds jobs.
    """

    def __init__(
        self,
        folders: Folders,
        disk: Disk,
        manager: LockManager | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        shared = is_shared(folders, disk)
        self.is_local = not shared
        self.lock_manager = manager or lock_manager(folders, disk, is_shared=shared, monotonic=monotonic)
        self._folders = folders
        self._disk = disk
        self._monotonic = monotonic
        self._lockers = Lockers(folders, monotonic=monotonic)
        self._is_without_lockers = False

    @contextmanager
    def attended(self, names: Callable[[], Iterable[str]]) -> Iterator[None]:
        """Look after what is held as long as this lasts, by the instance whose workers have these names."""
        with Beats(self._disk, self._folders.jobs).counting(lambda: () if self.is_local else names()):
            try:
                yield
            finally:
                self._lockers.leave()

    def sweep(self) -> None:
        """Remove what was left by those who died while they took hold of a job, or held some by locks.

        Raises:
            OSError: the disk refuses.
        """
        self.lock_manager.sweep()
        self._lockers.sweep()

    def agree(self, end_workers: Callable[[], None]) -> None:
        """Make sure that no two instances hold jobs in different ways, before any work is given out.

        An instance that has to change its way ends its workers first.

        Raises:
            OSError: nothing may be held now: the disk refuses, or another instance has not changed yet.
        """
        if self.is_local:
            self._lockers.join()
            if self._lockers.have_to_leave():
                log.warning("another host has begun to use this folder: jobs are held by leases from now on")
                end_workers()
                self.is_local = False
                self.lock_manager = lock_manager(
                    self._folders, self._disk, is_shared=True, monotonic=self._monotonic
                )
                self._lockers.leave()
        elif not self._is_without_lockers:
            others = self._lockers.others()
            if others:
                what = f"{', '.join(others)} began when no other host used this folder, and has to make way"
                raise OSError(errno.EBUSY, what, self._folders.watch)
            self._is_without_lockers = True
