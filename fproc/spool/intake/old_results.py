"""Retention of results: those that fproc published whole, by the history, are removed when they are too old.

The folder of results may hold what others put there, and results that inputs append to, which are for a
log rotator. So only what the history names is removed, and only if it has not been written to since.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from fproc.base.ids import new_id
from fproc.base.text import shown
from fproc.base.values import dataclass
from fproc.config.retention import Retention
from fproc.spool.checks.home import Home
from fproc.spool.disk.disk import Disk, unlink_if_there
from fproc.spool.intake.bounds import Bounds, Kept, Removal, removals

log = logging.getLogger("fproc.spool")

SLACK_SECONDS = 600.0
"""How much later than its event a result may have been written: clocks of hosts and of a server differ."""

_MOVED = "removed-"
"""How the name of a result in the stage begins while it is removed."""


@dataclass(frozen=True, slots=True)
class PublishedResult:
    """A result under its name in the folder of results, and when it was recorded, in seconds since 1970."""

    id: int
    name: str
    time: float


class ResultNames(Protocol):
    """Who knows what was published."""

    def copy_results(self) -> None:
        """Take note of what was published since the last time."""

    def results(self, after: PublishedResult | None) -> list[PublishedResult]:
        """Return results that follow another one, by their time; none at the end."""

    def forget(self, results: Sequence[PublishedResult]) -> None:
        """Forget results that are gone."""


class OldResults:
    """The whole results of one spool that are still as they were published.

    Args:
        home: the spool's.
        folder: the folder of results.
        names: who knows what was published.
        is_dry: whether nothing is removed, nor forgotten.
    """

    def __init__(self, home: Home, folder: str, names: ResultNames, *, is_dry: bool = False) -> None:
        self._home = home
        self._folder = folder
        self._names = names
        self._is_dry = is_dry

    def removals(self, retention: Retention, now: float) -> Iterator[Removal]:
        """Yield what is not to be kept; `now` comes from `TrustedTime`.

        Raises:
            OSError: the folder of results has vanished, or cannot be searched.
        """
        bounds = Bounds.of(retention, "results")
        if bounds.is_set:
            self._names.copy_results()
            yield from removals(self._look, bounds, now)

    def remove(self, disk: Disk, kept: Kept) -> bool:
        """Remove a result, and folders in its name that are empty then; False if it is another one by now.

        A rerun, or `on_conflict`, may replace it at any time. So it is moved out of sight, and looked at
        there; what has come in its place is moved back.
        """
        path = kept.paths[0]
        try:
            status = os.lstat(path)
            aside = os.path.join(self._home.stage, f"{_MOVED}{_identity(status)}-{new_id(8)}")
            if status.st_ctime > kept.time:
                return False
            disk.replace(path, aside)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            unlink_if_there(disk, path)  # a folder of its own filesystem
        else:
            if _identity(os.lstat(aside)) != _identity(status):
                _put_back(disk, aside, path)
                return False
            unlink_if_there(disk, aside)
        self._remove_empty(disk, os.path.dirname(path))
        return True

    def clean(self, disk: Disk) -> None:
        """Remove what a crash has left in the stage, but for what is not what was to be removed.

        Raises:
            OSError: the folder of results has vanished.
        """
        self._home.check()
        for name in os.listdir(self._home.stage):
            path = os.path.join(self._home.stage, name)
            if not name.startswith(_MOVED):
                continue
            with suppress(FileNotFoundError):
                if name.startswith(f"{_MOVED}{_identity(os.lstat(path))}-"):
                    unlink_if_there(disk, path)
                else:
                    what = "%s was published over an old result just before a crash; move it back"
                    log.warning(what, shown(path))

    def _look(self) -> Iterator[Kept]:
        """Yield the results that are there, and forget the others.

        Raises:
            OSError: the folder of results has vanished; then nothing is forgotten.
        """
        last: PublishedResult | None = None
        while page := self._names.results(last):
            gone = []
            for result in page:
                kept = self._kept(result)
                if kept is None:
                    gone.append(result)
                else:
                    yield kept
            self._home.check()
            if not self._is_dry:
                self._names.forget(gone)
            last = page[-1]

    def _kept(self, result: PublishedResult) -> Kept | None:
        """Return a result if it is there, and has not been written to since it was published."""
        if os.path.isabs(result.name) or os.pardir in result.name.split("/"):
            return None
        path = os.path.join(self._folder, result.name)
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(status.st_mode) or status.st_mtime > result.time + SLACK_SECONDS:
            return None
        return Kept(max(result.time, status.st_ctime), (path,), status.st_size)

    def _remove_empty(self, disk: Disk, folder: str) -> None:
        """Remove the folders in the name of a result that are empty; a later one makes them again."""
        while folder != self._folder and folder.startswith(self._folder):
            try:
                disk.remove_folder(folder)
            except OSError:  # it is not empty, or not fproc's to remove
                return
            folder = os.path.dirname(folder)


def _identity(status: os.stat_result) -> str:
    """Return what a rename does not change."""
    return f"{status.st_ino}-{status.st_mtime_ns}"


def _put_back(disk: Disk, aside: str, path: str) -> None:
    try:
        disk.move(aside, path)
    except FileExistsError:  # the next one has come already, and replaces it
        unlink_if_there(disk, aside)
