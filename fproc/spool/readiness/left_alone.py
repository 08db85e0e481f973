"""What lies in a folder of inputs and is none, said once in the log."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from fproc.base.text import shown
from fproc.spool.disk.paths import kind_of_file
from fproc.spool.readiness.names import InputNames

log = logging.getLogger("fproc.intake")


class LeftAlone:
    """Logs once, for each entry of a folder that is left alone, why it is.

    Args:
        folder: where it is.
        is_wanted: tells whether a file of this name is not left alone.
        names: tell why it is, if its name is the reason.
    """

    def __init__(self, folder: str, is_wanted: Callable[[str], bool], names: InputNames) -> None:
        self._folder = folder
        self._is_wanted = is_wanted
        self._names = names
        self._said: set[str] = set()
        self._seen: set[str] = set()

    def begin(self) -> None:
        """Begin a scan: an entry that was missing in a scan, and comes again, is logged again."""
        self._said, self._seen = self._seen, set()

    def says(self, entry: os.DirEntry[str]) -> bool:
        """Return whether an entry is left alone, for its kind or its name; log that once."""
        name = entry.name
        is_wanted = self._is_wanted(name)
        if is_wanted and entry.is_file(follow_symlinks=False):
            return False
        if self._names.is_marker(name):
            return True
        self._seen.add(name)
        if name not in self._said:
            self._said.add(name)
            path = os.path.join(self._folder, name)
            why = kind_of_file(path) if is_wanted else self._names.why_not(name)
            level = logging.WARNING if is_wanted else logging.INFO
            log.log(level, "%s: %s; it is left alone", shown(name), why)
        return True
