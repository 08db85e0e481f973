"""The identity of a spool, so that another one at its path, or an empty mount point, is not taken for it.

A spool's folders are made at a start, and never while fproc runs. A folder that vanishes then was unmounted,
moved or removed; made anew, it would lie on the disk below, hidden as soon as the mount is back.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from fproc.spool.checks.result_folders import ResultFolders
from fproc.spool.disk.identity import identity_of
from fproc.spool.layout import Folders, read_id, stage_of


class Home:
    """The spool that was found at a start: its folders, and the name in its `.fproc/id`.

    Args:
        folders: where it lies.
        name: what stands in its `.fproc/id`.
        results_mode: the mode of results, or None for what the umask says.

    Attributes:
        stage: the folder in which results grow.
        result_folders: what is known of the folders that they appear in.
    """

    def __init__(self, folders: Folders, name: str, results_mode: int | None = None) -> None:
        self.name = name
        self.stage = stage_of(folders, name)
        self.result_folders = ResultFolders(folders.results, self.stage)
        self.results_mode = results_mode
        self._folders = folders
        self._needed = (
            *folders.inputs(),
            folders.jobs,
            folders.commits,
            folders.late,
            folders.incomplete,
            folders.appends,
            self.stage,
        )
        self._seen: os.stat_result | None = None

    @classmethod
    def found(cls, folders: Folders) -> Home:
        """Return the home of the spool that is there now.

        Raises:
            OSError: there is none.
        """
        return cls(folders, read_id(folders))

    def check(self) -> None:
        """Check that the spool's folders are all there, results included.

        Raises:
            OSError: `ENODEV`, which is trouble of the host, with the folder that has vanished; or what the
                system says instead of whether it is there.
        """
        self.check_name()
        self._check(self._needed)

    def check_for_commit(self) -> str:
        """Check that the folders are there without which a commit would be half done.

        Return the identity of the stage. A commit opens other folders that it needs before the decision.

        Raises:
            OSError: as `check`.
        """
        self.check_name()
        self._check((self._folders.underprocess, self._folders.processed))
        return self.stage_identity()

    def stage_identity(self) -> str:
        """Return what `identity_of` says of the stage.

        Raises:
            OSError: as `check`, if the stage is gone: a decision without it could never be carried out.
        """
        identity = identity_of(self.stage)
        if not identity:
            raise self._gone(self.stage)
        return identity

    def check_name(self) -> None:
        """Check that the `.fproc/` that is there is this spool's.

        Raises:
            OSError: as `check`.
        """
        if not self._is_same():
            what = "the watched folder has vanished (no .fproc/id of this spool is in it)"
            raise _vanished(self._folders.watch, what)

    def _check(self, needed: Sequence[str]) -> None:
        for path in needed:
            if not os.path.isdir(path):
                raise self._gone(path)

    def _is_same(self) -> bool:
        """Return whether `.fproc/id` has this spool's name; read it only if the file has changed."""
        try:
            status = os.stat(self._folders.id)
            if self._seen is None or not _is_unchanged(self._seen, status):
                if read_id(self._folders) != self.name:
                    return False
                self._seen = status
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _gone(self, path: str) -> OSError:
        results = self._folders.results
        if path != self.stage:
            return _vanished(path, "a folder has vanished")
        part = os.path.relpath(path, results)
        without = f" (no {part} of this spool is in it)" if os.path.isdir(results) else ""
        return _vanished(results, f"the folder of results has vanished{without}")


def _is_unchanged(before: os.stat_result, now: os.stat_result) -> bool:
    return (before.st_dev, before.st_ino, before.st_mtime_ns) == (now.st_dev, now.st_ino, now.st_mtime_ns)


def _vanished(path: str, what: str) -> OSError:
    return OSError(errno.ENODEV, what, path)
