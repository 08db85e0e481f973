"""The folders that results appear in, and their names: what has to be right before a result is committed.

Folders in the names of results are made, durably. What such a folder passes on to new files (the group, the
ACL) results get as if they were made there. A name that the filesystem refuses is found out in the stage,
which is on the same one: after the commit it would be too late.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

from fproc.base.errors import ResultNameError
from fproc.base.text import shown
from fproc.spool.checks.access import Access
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.identity import identity_of
from fproc.spool.disk.paths import kind_of_file
from fproc.spool.layout import NAME_BYTES, numbered

NAME_ERRNOS = frozenset(
    {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EEXIST, errno.ELOOP}
)
"""What the system says of a name that it will refuse whenever it is asked."""

ACCESS_SECONDS = 1.0
"""How old what is known of the access that a folder passes on may be, in seconds."""

_USUAL = re.compile(r"[\w~-](?:[\w.~ -]{0,98}[\w~-])?", re.ASCII)
"""Names that all filesystems take."""

_HARD = ' a"*:<>?\\|\x01\x7f\xe9\udcff. '
_PATH_BYTES = 4095


class ResultFolders:
    """What this process knows of the folders that results appear in.

    Args:
        root: the folder of results, which is there.
        stage: the folder in which they grow.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(self, root: str, stage: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._stage = stage
        self._monotonic = monotonic
        self._durable: dict[str, str] = {}
        self._takes_all_names: bool | None = None
        self._looked_at: float | None = None
        self._access: Access | None = None

    def stage(self) -> str:
        """Return the folder in which results grow; it passes on to them what that of results would.

        Raises:
            OSError: one of them is not there.
        """
        now = self._monotonic()
        if self._looked_at is None or now - self._looked_at >= ACCESS_SECONDS:
            self._looked_at = now
            access = Access.of(self._root)
            if access != self._access:
                self._access = access
                access.give_to_folder(self._stage)
        return self._stage

    def prepare(self, disk: Disk, parts: Mapping[str, str]) -> None:
        """Prepare the names of results, each with the path of its part if it has one, for their commit.

        Raises:
            ResultNameError: a result cannot have its name.
            OSError: the disk refuses.
        """
        unusual = [result for result in parts if not _USUAL.fullmatch(result.rpartition("/")[2])]
        if unusual:
            self._try_names(disk, unusual)
        folders: dict[str, list[str]] = {}
        for result in parts:
            if "/" in result:
                folders.setdefault(result.rpartition("/")[0], []).append(result)
        for folder, results in folders.items():
            self._make(disk, folder, results[0])
            access = Access.of(f"{self._root}/{folder}")
            if access != self._access:
                for result in results:
                    if parts[result]:
                        access.give_to_file(parts[result])

    def check_appended(self, results: Iterable[str]) -> None:
        """Check that what these results are called is free, or a file that can be appended to.

        Raises:
            ResultNameError: one of them is not.
        """
        for result in results:
            path = f"{self._root}/{numbered(result, 1)}"
            with suppress(FileNotFoundError):
                if not stat.S_ISREG(os.lstat(path).st_mode):
                    raise refusal(result, OSError(errno.EINVAL, f"what is there {kind_of_file(path)}"))

    def _make(self, disk: Disk, folder: str, result: str) -> None:
        for path, above in _steps(self._root, folder):
            try:
                self._make_one(disk, path, above)
            except OSError as error:
                if error.errno not in NAME_ERRNOS:
                    raise
                raise refusal(result, error) from error

    def _make_one(self, disk: Disk, path: str, above: str) -> None:
        """Make one folder durable under its name, unless that was done and it is still the same."""
        known = self._durable.get(path)
        if known and known == identity_of(path):
            return
        make_one_durably(disk, path, above)
        if os.stat(path).st_dev != os.stat(self._root).st_dev:
            raise OSError(errno.EINVAL, "is on another filesystem than the folder of results", path)
        self._durable[path] = identity_of(path)

    def _try_names(self, disk: Disk, results: Iterable[str]) -> None:
        """Try out names in the stage, unless the filesystem there takes all that are not too long."""
        if self._takes_all_names is None:
            self._takes_all_names = self._refusal_of(disk, _HARD.rjust(NAME_BYTES - 2, "x")) is None
        for result in results:
            name = numbered(result.rpartition("/")[2], 1)
            error = None if self._takes_all_names else self._refusal_of(disk, name)
            if len(os.fsencode(f"{self._root}/{result}")) > _PATH_BYTES:
                error = OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            if error is not None:
                raise refusal(result, error) from error

    def _refusal_of(self, disk: Disk, name: str) -> OSError | None:
        """Return why the filesystem refuses a name, or None if it takes it.

        Raises:
            OSError: the disk refuses more than the name.
        """
        path = os.path.join(self._stage, name)
        try:
            disk.close(disk.create(path))
            disk.unlink(path)
        except OSError as error:
            if error.errno not in NAME_ERRNOS:
                raise
            return error
        return None


def make_again(disk: Disk, root: str, folder: str) -> None:
    """Make a folder of results that was removed after it was committed that a result appears there.

    Args:
        disk: makes the calls.
        root: the folder of results; that is never made here.
        folder: the one to make, relative to it.

    Raises:
        OSError: the disk refuses, or the folder of results is not there.
    """
    for path, above in _steps(root, folder):
        make_one_durably(disk, path, above)


def _steps(root: str, folder: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each folder on the way from `root` to one below it, with that of its parent."""
    path = root
    for name in folder.split("/"):
        above, path = path, f"{path}/{name}"
        yield path, above


def make_one_durably(disk: Disk, path: str, above: str) -> None:
    """Make a folder durable under its name; that of another process may be there, and not be durable yet."""
    disk.make_folder(path)
    disk.sync_folder(above)


def refusal(result: str, error: OSError) -> ResultNameError:
    """Return the error of a result whose name the filesystem refuses."""
    what = f"the result '{shown(result)}' cannot be put into the folder of results: {error.strerror}"
    return ResultNameError(f"{what}; give it another name in the node's 'file'")
