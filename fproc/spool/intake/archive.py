"""Retention of archived inputs: which are removed, and how. Nothing else removes one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

from fproc.config.retention import Retention
from fproc.spool.disk.disk import Disk, unlink_if_there
from fproc.spool.intake.bounds import Bounds, Kept, Removal, removals
from fproc.spool.job import reruns
from fproc.spool.layout import REPORT_ENDING, REPORTS, Folders, about


class ArchivedInputs:
    """The inputs in `processed/` and `failed/`, those with reports together with these.

    How old one is says the last change of its inode, which is when it was renamed into the folder. Names
    that no input can have stay, and so do inputs that are watched because they may still be written to.

    Args:
        folders: those of the spool.
        is_input_name: whether an input can have a name.
    """

    def __init__(self, folders: Folders, is_input_name: Callable[[str], bool]) -> None:
        self._folders = folders
        self._is_input_name = is_input_name

    def removals(self, retention: Retention, now: float) -> Iterator[Removal]:
        """Yield what is not to be kept; `now` comes from `TrustedTime`."""
        yield from removals(self._processed, Bounds.of(retention, "processed"), now)
        yield from removals(self._failed, Bounds.of(retention, "failed"), now)

    def remove(self, disk: Disk, kept: Kept) -> bool:
        """Remove an input and its reports, and what is remembered for running it again.

        Return False if it is gone, or another one by now.
        """
        if _time_of(kept.paths[0]) != kept.time:
            return False
        folder, name = os.path.split(kept.paths[0])
        reruns.forget_archived(disk, self._folders, os.path.basename(folder), name)
        for path in kept.paths:  # a report without its input is nothing; an input without its report failed
            unlink_if_there(disk, path)
        return True

    def _processed(self) -> Iterator[Kept]:
        for entry in self._entries(self._folders.processed):
            if not os.path.lexists(os.path.join(self._folders.late, entry.name)):
                status = entry.stat(follow_symlinks=False)
                yield Kept(status.st_ctime, (entry.path,), status.st_size)

    def _failed(self) -> Iterator[Kept]:
        folder = self._folders.failed
        for entry in self._entries(folder):
            if _is_report(entry.path):
                continue
            status = entry.stat(follow_symlinks=False)
            paths, size_bytes = [entry.path], status.st_size
            for ending in REPORTS:
                path = os.path.join(folder, about(entry.name, ending))
                with suppress(FileNotFoundError):
                    size_bytes += os.lstat(path).st_size
                    paths.append(path)
            yield Kept(status.st_ctime, tuple(paths), size_bytes)

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        """Yield the files in a folder that may be inputs, or reports, and are still there."""
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if self._is_input_name(entry.name) and entry.is_file(follow_symlinks=False):
                        entry.stat(follow_symlinks=False)
                        yield entry


def _is_report(path: str) -> bool:
    """Return whether a file in `failed/` is about an input that is there, too, and goes with that."""
    for ending in REPORTS:
        if path.endswith(ending) and os.path.lexists(path.removesuffix(ending)):
            return not os.path.lexists(path + REPORT_ENDING)
    return False


def _time_of(path: str) -> float:
    try:
        return os.lstat(path).st_ctime
    except FileNotFoundError:
        return -1.0
