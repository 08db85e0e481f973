"""Files in `unprocessed/` that their writers have closed, by the kernel's events.

Where a lease does not tell who writes to a file (another user's, without CAP_LEASE), the kernel's events do,
for files that were created while we watched: opens and closes of each are counted. One that was closed after
writing, and that nobody has open, is complete as far as its writers are concerned. The filesystem must be a
local one; of writers on other hosts, or below a FUSE or overlay mount, the kernel reports nothing, so a file
that such a writer makes is not seen being created, and is not vouched for.

If the count is doubtful, nothing is known about the file, and only time can tell: events were lost, or the
file was moved here from elsewhere, was written to while nobody seemed to have it open, or was closed more
often than opened. (Two opens in a row are reported as one if nothing happens between them, and nobody read
the events.) Polling goes on, and is what counts.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress

from fproc.base.errors import reason_of
from fproc.spool.readiness import inotify
from fproc.spool.readiness.inotify import Inotify

log = logging.getLogger("fproc.intake")

MOST_FILES = 50_000
"""Of how many files at a time opens and closes are counted."""


class _OpenCount:
    """How often a file is open, and whether it was closed after writing; unknown once `is_doubtful`."""

    __slots__ = ("is_doubtful", "is_written", "opens")

    def __init__(self) -> None:
        self.opens = 0
        self.is_written = False
        self.is_doubtful = False


class Closings:
    """Listens to one folder, from the first `listen` on."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._identity: tuple[int, int] | None = None
        self._inotify: Inotify | None = None
        self._counts: dict[str, _OpenCount] = {}
        self._has_failed = False

    def listen(self, *, is_wanted: bool) -> None:
        """Begin to listen, or continue with the folder that is there now; or stop, if it is not needed."""
        if not is_wanted:
            self.close()
            return
        with suppress(OSError):  # without a folder there is nothing to hear
            status = os.stat(self._folder)
            if (status.st_dev, status.st_ino) != self._identity:
                self.close()
                self._identity = status.st_dev, status.st_ino
                self._begin()
        self.hear()

    def hear(self) -> None:
        """Take in what the kernel has told since the last time."""
        if self._inotify is None:
            return
        renames: dict[int, _OpenCount] = {}  # a rename's two events come together
        for mask, cookie, name in self._inotify.events():
            if mask & inotify.ENDED:
                self.close()
                return
            if not mask & inotify.IS_FOLDER:
                self._note(mask, cookie, name, renames)

    def was_closed(self, name: str) -> bool:
        """Return whether a file was written and closed, and nobody had it open when events were last read."""
        count = self._counts.get(name)
        return count is not None and count.is_written and count.opens == 0 and not count.is_doubtful

    def close(self) -> None:
        """Stop listening, and forget all events."""
        if self._inotify is not None:
            self._inotify.close()
        self._inotify = self._identity = None
        self._counts.clear()

    def _begin(self) -> None:
        try:
            self._inotify = Inotify(self._folder)
        except OSError as error:
            if not self._has_failed:
                log.info("the kernel does not tell of closed files here: %s", reason_of(error))
            self._has_failed = True

    def _note(self, mask: int, cookie: int, name: str, renames: dict[int, _OpenCount]) -> None:
        """Note an event about a file; `renames` has the files that left, by their rename's cookie."""
        if mask & inotify.CREATE:
            if len(self._counts) < MOST_FILES:
                self._counts[name] = _OpenCount()
        elif mask & inotify.MOVED_TO:
            count = renames.pop(cookie, None)
            self._counts.pop(name, None)
            if count is not None:
                self._counts[name] = count
        elif mask & (inotify.MOVED_FROM | inotify.DELETE):
            count = self._counts.pop(name, None)
            if count is not None and mask & inotify.MOVED_FROM:
                renames[cookie] = count
        elif name in self._counts:
            _count(self._counts[name], mask)


def _count(count: _OpenCount, mask: int) -> None:
    """Count an open or a close, and doubt what does not fit."""
    if mask & inotify.OPEN:
        count.opens += 1
        return
    count.is_doubtful = count.is_doubtful or count.opens == 0
    if mask & (inotify.CLOSE_WRITE | inotify.CLOSE_NOWRITE):
        count.opens -= 1
        count.is_written = count.is_written or bool(mask & inotify.CLOSE_WRITE)
