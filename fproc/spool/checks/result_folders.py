"""The folders in the names of results: made, durably, before it is decided that a result appears there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from fproc.base.errors import ResultNameError
from fproc.base.text import shown
from fproc.spool.disk.disk import Disk

NAME_ERRNOS = frozenset(
    {
        errno.ENAMETOOLONG,
        errno.EINVAL,
        errno.EILSEQ,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ELOOP,
    }
)
"""What the system says of a name that it will refuse whenever it is asked."""


class ResultFolders:
    """Makes the folders that results appear in, and knows which of them are durable.

    Args:
        root: the folder of results, which is there.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._durable: dict[str, tuple[int, int]] = {}

    def make(self, disk: Disk, results: Iterable[str]) -> None:
        """Make the folders in the names of these results.

        Raises:
            ResultNameError: one of them cannot be made, or is on another filesystem.
            OSError: the disk refuses.
        """
        wanted = {result.rpartition("/")[0]: result for result in results if "/" in result}
        for folder, result in wanted.items():
            self._make(disk, folder, result)

    def _make(self, disk: Disk, folder: str, result: str) -> None:
        path = self._root
        for part in folder.split("/"):
            above, path = path, f"{path}/{part}"
            try:
                self._make_one(disk, path, above)
            except OSError as error:
                if error.errno not in NAME_ERRNOS:
                    raise
                raise refusal(result, error) from error

    def _make_one(self, disk: Disk, path: str, above: str) -> None:
        """Make one folder durable under its name, unless that was done and it is still the same."""
        known = self._durable.get(path)
        if known is not None and known == _identity(path):
            return
        make_one_durably(disk, path, above)
        identity = _identity(path)
        if identity is not None:
            if identity[0] != os.stat(self._root).st_dev:
                raise OSError(errno.EINVAL, "is on another filesystem than the folder of results", path)
            self._durable[path] = identity


def make_again(disk: Disk, root: str, folder: str) -> None:
    """Make a folder of results that was removed after it was decided that a result appears there.

    Args:
        disk: makes the calls.
        root: the folder of results; that is never made here.
        folder: the one to make, relative to it.

    Raises:
        OSError: the disk refuses, or the folder of results is not there.
    """
    path = root
    for part in folder.split("/"):
        above, path = path, f"{path}/{part}"
        make_one_durably(disk, path, above)


def make_one_durably(disk: Disk, path: str, above: str) -> None:
    """Make a folder durable under its name; that of another process may be there, and not be durable yet."""
    disk.make_folder(path)
    disk.sync_folder(above)


def refusal(result: str, error: OSError) -> ResultNameError:
    """Return the error of a result whose name the filesystem refuses."""
    what = f"the result {shown(result)!r} cannot be put into the folder of results: {error.strerror}"
    return ResultNameError(f"{what}; give it another name in the node's 'file'")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
