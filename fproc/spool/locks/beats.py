"""Counting on for the leases of workers, from the process that has started them.

A worker counts by itself, on a thread. But a processor may call C code that keeps the interpreter for longer
than a lease lasts: no thread of the worker runs meanwhile, and another host would take the file over, from
its beginning, with the same processor. The parent never runs processors, so it counts as well.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from fproc.base.errors import reason_of
from fproc.spool.disk.disk import Disk
from fproc.spool.locks import leases
from fproc.spool.locks.lease_folders import count_on, look_at
from fproc.spool.locks.owner import Owner

log = logging.getLogger("fproc.spool")


class Beats:
    """Counts for others who hold jobs.

    Args:
        disk: makes the calls.
        jobs: the folder of the jobs.
        observer: this process; by default as the system tells it.
    """

    def __init__(self, disk: Disk, jobs: str, observer: Owner | None = None) -> None:
        self._disk = disk
        self._jobs = jobs
        self._observer = observer or Owner.current()

    def count_for(self, names: Iterable[str]) -> None:
        """Count for jobs of these names, as far as living processes of this host and boot hold them."""
        for name in names:
            job = os.path.join(self._jobs, name)
            state = look_at(job)
            owner = state.owner if state else None
            if state is None or owner is None:
                continue
            if owner.is_neighbour(self._observer) and not owner.is_surely_dead(self._observer):
                try:
                    count_on(self._disk, os.path.join(job, state.generation))
                except OSError as error:  # it has ended just now; or else the worker's own count fails, too
                    log.debug("cannot count for %s: %s", name, reason_of(error))

    @contextmanager
    def counting(self, names: Callable[[], Iterable[str]]) -> Iterator[None]:
        """Count on a thread, for the jobs whose names are given each time, for as long as this lasts."""
        is_over = threading.Event()

        def count() -> None:
            while not is_over.wait(leases.BEAT_SECONDS):
                self.count_for(list(names()))

        threading.Thread(target=count, name="beats", daemon=True).start()
        try:
            yield
        finally:
            is_over.set()
