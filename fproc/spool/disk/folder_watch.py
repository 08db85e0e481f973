"""Whether a folder has changed since its last scan, found out by one call instead of another scan."""

from __future__ import annotations

import os
from collections.abc import Callable

COARSE_SECONDS = 2.0
"""Two changes of a folder this close together may leave it with one time: so coarse are some filesystems."""


class FolderWatch:
    """What a folder was like before the last look at it that was kept.

    A look begins with `begin`; `keep` says that it came to its end, and that what it found still holds while
    the folder is unchanged. After a look that broke off, the folder counts as changed.

    Args:
        path: the folder.
        clock: seconds since 1970.
    """

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._begun: tuple[int, int, int] | None = None
        self._kept: tuple[int, int, int] | None = None

    def begin(self) -> None:
        """Take note of what the folder is like; the look at it follows.

        Raises:
            OSError: it is not there.
        """
        self._begun = self._kept = None
        status = os.stat(self._path)
        if self._clock() - status.st_mtime > COARSE_SECONDS:
            self._begun = _like(status)

    def keep(self) -> None:
        """Rely on the look that has just ended, until the folder changes."""
        self._kept = self._begun

    def is_unchanged(self) -> bool:
        """Return whether nothing has come into the folder, or left it, since the look that was kept."""
        if self._kept is None:
            return False
        try:
            return _like(os.stat(self._path)) == self._kept
        except OSError:
            return False


def _like(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns
