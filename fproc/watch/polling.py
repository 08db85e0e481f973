"""When a folder is looked at: often enough, and never so often that looking keeps from working.

Polling is what counts. Where the kernel tells of new names (fcntl(2), F_NOTIFY, "dnotify"), a look only comes
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
"""How many times longer than a look took the folder is left alone after it, whoever wakes us."""

QUIET_SECONDS = 2.0
"""How long polls may see no more than that empty folders have not changed."""


IDLE_SECONDS = 1.0
"""How long it is between polls of empty folders, where the kernel tells of new names as well."""


class Polling:
    """Decides about each turn of the loop.

    Args:
        poll_seconds: how long it is from one look to the next.
        is_still_empty: whether nothing can have come since a look that found nothing; asked at polls.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self, poll_seconds: float, is_still_empty: Callable[[], bool], *, monotonic: Callable[[], float]
    ) -> None:
        self._poll_seconds = poll_seconds
        self._is_still_empty = is_still_empty
        self._monotonic = monotonic
        self._can_be_woken = False
        self._rest = Rest(REST, monotonic)
        self._poll_at = self._quiet_until = monotonic()

    def is_rested(self) -> bool:
        """Whether a look may follow, for a reason."""
        return self._rest.is_over()

    def is_poll_due(self) -> bool:
        """Whether a look has to follow, for no reason but the time."""
        now = self._monotonic()
        if now < self._poll_at:
            return False
        if now < self._quiet_until and self._is_still_empty():
            self._poll_at = now + (IDLE_SECONDS if self._can_be_woken else self._poll_seconds)
            return False
        return True

    def looked(self, seconds: float, *, can_be_woken: bool) -> None:
        """A look has ended, which took so long; the kernel will tell of the next name, or may not."""
        self._can_be_woken = can_be_woken
        self._rest.after(seconds)
        now = self._monotonic()
        self._quiet_until = now + QUIET_SECONDS
        self._poll_at = max(self._rest.until, now + self._poll_seconds)

    def left_seconds(self, *, is_woken: bool) -> float:
        """How long to wait for the next look."""
        at = self._rest.until if is_woken else self._poll_at
        return max(0.0, at - self._monotonic())


class Wakeup:
    """Tells whether names have appeared in a folder since the last look at it.

    Linux sends a signal once for each time that it is asked, so a burst of files costs one signal for each
    look. The end of any other descriptor of the same open folder would silently end it, so this one is used
    for nothing else.
    """

    def __init__(self, folder: str) -> None:
        self.is_due = False
        self._folder = folder
        self._descriptor = -1
        self._opened = 0, 0

    def arm(self) -> bool:
        """Ask, before each look, to be told of the next name; whether that is possible."""
        self.is_due = False
        if not hasattr(fcntl, "F_NOTIFY"):
            return False
        try:
            status = os.stat(self._folder)
            if self._descriptor < 0 or (status.st_dev, status.st_ino) != self._opened:
                self._open()
            fcntl.fcntl(self._descriptor, fcntl.F_NOTIFY, fcntl.DN_CREATE | fcntl.DN_RENAME)
        except OSError:
            self.close()  # so that a folder that has vanished is not kept from being unmounted
            return False
        return True

    def close(self) -> None:
        """Be told no more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def tell(self, _number: int, _frame: FrameType | None) -> None:
        """A name has appeared: the handler of the signal."""
        self.is_due = True

    def _open(self) -> None:
        self.close()
        self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        status = os.fstat(self._descriptor)
        self._opened = status.st_dev, status.st_ino


@contextmanager
def woken(folder: str) -> Iterator[Wakeup]:
    """Within it, the process is told of new names in a folder; for the main thread."""
    wakeup = Wakeup(folder)
    earlier = signal.signal(signal.SIGIO, wakeup.tell)
    try:
        yield wakeup
    finally:
        wakeup.close()
        signal.signal(signal.SIGIO, earlier)
