"""The times of scans: often enough, and never so often that scanning keeps fproc from working.

Polling is what counts. Where the kernel reports new names (fcntl(2), F_NOTIFY, "dnotify"), a scan only comes
sooner.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fproc.base.rest import Rest

REST = 10
"""After a scan, rest this many times as long as it took, even if woken."""

QUIET_SECONDS = 2.0
"""How long after a scan a poll may just check that empty folders have not changed."""

IDLE_SECONDS = 1.0
"""The time between polls of empty folders, where the kernel reports new names as well."""


class Polling:
    """Decides about each turn of the loop.

    `can_be_woken` says whether the kernel will report the next name after the last scan.

    Args:
        poll_seconds: returns the time from one scan to the next.
        is_still_empty: whether nothing can have arrived since a scan that found nothing; called at polls.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        poll_seconds: Callable[[], float],
        is_still_empty: Callable[[], bool],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._poll_seconds = poll_seconds
        self._is_still_empty = is_still_empty
        self._monotonic = monotonic
        self.can_be_woken = False
        self._rest = Rest(REST, monotonic)
        self._poll_at = self._quiet_until = monotonic()

    def is_rested(self) -> bool:
        """Return whether a scan may follow, if there is a reason for one."""
        return self._rest.is_over()

    def is_poll_due(self) -> bool:
        """Return whether a scan must follow because its time has come."""
        now = self._monotonic()
        if now < self._poll_at:
            return False
        if now < self._quiet_until and self._is_still_empty():
            self._poll_at = now + (IDLE_SECONDS if self.can_be_woken else self._poll_seconds())
            return False
        return True

    def looked(self, seconds: float, *, can_be_woken: bool) -> None:
        """Note that a scan has ended, how long it took, and whether the kernel will report the next name."""
        self.can_be_woken = can_be_woken
        self._rest.after(seconds)
        now = self._monotonic()
        self._quiet_until = now + QUIET_SECONDS
        self._poll_at = max(self._rest.until, now + self._poll_seconds())

    def left_seconds(self, *, is_woken: bool) -> float:
        """Return how long to wait for the next scan."""
        at = self._rest.until if is_woken else self._poll_at
        return max(0.0, at - self._monotonic())


class Wakeup:
    """Tells whether names have appeared in a folder since the last scan.

    Linux sends one signal for each request, so a burst of files costs one signal for each scan. Closing any
    other descriptor of the same open folder would silently cancel the request, so this one has no other
    use.
    """

    def __init__(self, folder: str) -> None:
        self.is_due = False
        self._folder = folder
        self._descriptor = -1
        self._opened = 0, 0

    def arm(self) -> bool:
        """Request, before each scan, a signal for the next name; return whether that is possible."""
        self.is_due = False
        if not hasattr(fcntl, "F_NOTIFY"):
            return False
        try:
            status = os.stat(self._folder)
            if self._descriptor < 0 or (status.st_dev, status.st_ino) != self._opened:
                self._open()
            fcntl.fcntl(self._descriptor, fcntl.F_NOTIFY, fcntl.DN_CREATE | fcntl.DN_RENAME)
        except OSError:
            self.close()  # an open descriptor of a vanished folder would prevent its unmounting
            return False
        return True

    def close(self) -> None:
        """Cancel the request."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def tell(self, _number: int, _frame: FrameType | None) -> None:
        """Note that a name has appeared; the handler of the signal."""
        self.is_due = True

    def _open(self) -> None:
        self.close()
        self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        status = os.fstat(self._descriptor)
        self._opened = status.st_dev, status.st_ino


@contextmanager
def woken(folder: str) -> Iterator[Wakeup]:
    """Handle the signals of new names in a folder within the block; for the main thread."""
    wakeup = Wakeup(folder)
    earlier = signal.signal(signal.SIGIO, wakeup.tell)
    try:
        yield wakeup
    finally:
        wakeup.close()
        signal.signal(signal.SIGIO, earlier)
