"""Being woken by the kernel when a name appears in a folder; polling goes on, and is what counts.

Linux tells of it by a signal (fcntl(2), F_NOTIFY, "dnotify"), once for each time that it is asked, so a burst
of files costs one signal for each look at the folder. The end of any other descriptor of the same open folder
would silently end it, so this one is used for nothing else.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Wakeup:
    """Tells whether names have appeared in a folder since the last look at it."""

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
