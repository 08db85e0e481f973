"""The markers of inputs, where those make files ready (`"ready": "marker"`).

A marker is removed after the claim of its input: if it were removed earlier, a crash would leave an input
that nothing makes ready. By then a second input of the name may have come with a marker of its own, so the
first marker is noted in the job folder, and identified by its stamp.

Inputs with one stem share a marker of that stem (`{stem}.ok`). It makes all of them ready, and is removed
with the last: whoever claims one checks, after that, whether another one is still waiting.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
from collections.abc import Collection
from contextlib import suppress

from fproc.base.text import shown
from fproc.base.values import asdict
from fproc.spool.disk.disk import Disk, unlink_if_there, write_whole
from fproc.spool.job.decision import FileStamp
from fproc.spool.job.job import MARKER, Job
from fproc.spool.readiness.names import InputNames

log = logging.getLogger("fproc.spool")


class Markers:
    """The markers in one `unprocessed/`.

    Args:
        names: the pattern of their names, if there are any.
        folder: where they are.
        disk: removes them.
    """

    def __init__(self, names: InputNames, folder: str, disk: Disk) -> None:
        self._names = names
        self._folder = folder
        self._disk = disk

    def are_used(self) -> bool:
        """Return whether only a marker makes an input ready."""
        return self._names.marker is not None

    def is_there(self, name: str) -> bool:
        """Return whether an input has the marker that it needs."""
        return not self.are_used() or find_marker(self._names, self._folder, name) is not None

    def remember(self, job: Job) -> None:
        """Note which marker makes an input ready, before the claim.

        Raises:
            FileNotFoundError: there is none.
        """
        if not self.are_used():
            return
        marker = find_marker(self._names, self._folder, job.name)
        if marker is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._names.marker_of(job.name))
        note = asdict(FileStamp.of(os.stat(os.path.join(self._folder, marker))))
        if marker != self._names.marker_of(job.name):
            note["name"] = marker
        job.make_durable()
        write_whole(self._disk, job.folder, MARKER, json.dumps(note).encode())

    def consume(self, job: Job) -> None:
        """Remove the marker of an input that was claimed, unless another input still needs it."""
        try:
            with open(job.path(MARKER), encoding="ascii") as file:
                note = json.load(file)
            marker = os.path.join(self._folder, note.pop("name", None) or self._names.marker_of(job.name))
            is_noted = FileStamp.of(os.stat(marker)) == FileStamp(**note)
        except FileNotFoundError:
            return
        except (ValueError, TypeError, AttributeError):
            log.warning("%s: the note about its marker is unreadable; the marker stays", shown(job.name))
            return
        if is_noted and not shares_marker(self._names, self._folder, job.name):
            unlink_if_there(self._disk, marker)


def find_marker(names: InputNames, folder: str, name: str) -> str | None:
    """Return the name of an input's marker in a folder, or None if it has none.

    The spelling of the pattern is tried first; another one costs a listing of the whole folder.
    """
    expected = names.marker_of(name)
    with suppress(FileNotFoundError):
        if stat.S_ISREG(os.lstat(os.path.join(folder, expected)).st_mode):
            return expected
    marker = names.marker
    assert marker is not None
    with os.scandir(folder) as entries:
        markers = [
            entry.name
            for entry in entries
            if marker.is_marker(entry.name)
            and marker.spelled(entry.name) == expected
            and entry.is_file(follow_symlinks=False)
        ]
    return min(markers, default=None)


def shares_marker(names: InputNames, folder: str, name: str, *, besides: Collection[str] = ()) -> bool:
    """Return whether another input in a folder, not one of `besides`, shares the marker, as one stem does."""
    if names.marker is None or not names.marker.is_of_stem:
        return False
    marker = names.marker_of(name)
    with os.scandir(folder) as entries:
        return any(
            entry.name != name
            and entry.name not in besides
            and names.is_taken(entry.name)
            and names.marker_of(entry.name) == marker
            and entry.is_file(follow_symlinks=False)
            for entry in entries
        )
