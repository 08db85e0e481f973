"""The record of what is being appended to a result that inputs share; see `fproc.spool.output.appends`."""

from __future__ import annotations

import errno
import json
import os

from fproc.base.ids import sha256
from fproc.base.values import dataclass
from fproc.spool.disk.disk import Disk, unlink_if_there, write_whole
from fproc.spool.layout import Folders

_VERSION = 1


@dataclass(frozen=True, slots=True)
class AppendedPart:
    """What one input adds to a result: the path of the part, and how long that is."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What is being appended: to the file with this inode, from this offset on, these parts in this order.

    `stage` identifies the folder of the parts: if another one is in its place, none of them is gone.
    """

    result: str
    inode: int
    offset_bytes: int
    parts: tuple[AppendedPart, ...]
    stage: str

    @property
    def size_bytes(self) -> int:
        """How much is being appended."""
        return sum(part.size_bytes for part in self.parts)

    def offsets(self, end_bytes: int) -> dict[str, int]:
        """Return where each part begins, by its path, if the result has this size after all of them."""
        found, begin = {}, end_bytes - self.size_bytes
        for part in self.parts:
            found[part.path] = begin
            begin += part.size_bytes
        return found


class Intents:
    """The intents of one spool.

    Args:
        disk: makes the calls.
        folders: the spool's.
    """

    def __init__(self, disk: Disk, folders: Folders) -> None:
        self._disk = disk
        self._folders = folders

    def digests(self) -> list[str]:
        """Return the digests of all results to which something is being appended."""
        try:
            return os.listdir(self._folders.appends)
        except FileNotFoundError:
            return []

    def write(self, intent: Intent, begin_in: str) -> None:
        """Make an intent durable, in the place of an earlier one about the same result.

        It is written in another folder first, where what a crash leaves is removed.
        """
        value = {
            "version": _VERSION,
            "result": intent.result,
            "inode": intent.inode,
            "offset_bytes": intent.offset_bytes,
            "parts": [[self._folders.portable(part.path), part.size_bytes] for part in intent.parts],
            "stage": intent.stage,
        }
        data, digest = json.dumps(value).encode(), digest_of(intent.result)
        write_whole(self._disk, self._folders.appends, digest, data, begin_in=begin_in)

    def read(self, digest: str) -> Intent | None:
        """Return the intent about a result, or None if there is none that fproc can have written.

        Raises:
            OSError: it was written by another version of fproc.
        """
        path = os.path.join(self._folders.appends, digest)
        try:
            with open(path, encoding="ascii") as file:
                value = json.load(file)
            if value["version"] != _VERSION:
                what = "was begun by another version of fproc, which must finish it"
                raise OSError(errno.EINVAL, what, path)
            absolute = self._folders.absolute
            return Intent(
                str(value["result"]),
                int(value["inode"]),
                int(value["offset_bytes"]),
                tuple(AppendedPart(absolute(part), int(size_bytes)) for part, size_bytes in value["parts"]),
                str(value["stage"]),
            )
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def remove(self, result: str) -> None:
        """Remove the intent about a result.

        It may come back after loss of power: all that it says is done then, which its parts tell.
        """
        unlink_if_there(self._disk, os.path.join(self._folders.appends, digest_of(result)))


_PLACE = " (appended, "


def is_place(told: str) -> bool:
    """Return whether this is what `place_in` returned."""
    return _PLACE in told


def place_in(result: str, size_bytes: int, offset_bytes: int | None) -> str:
    """Return what is told of something that was appended to a result: its place there, if that is known."""
    if offset_bytes is None:
        return f"{result}{_PLACE}{size_bytes} bytes)"
    return f"{result}{_PLACE}bytes {offset_bytes}-{offset_bytes + size_bytes - 1})"


def digest_of(result: str) -> str:
    """Return what the records and the lock of a result are named after."""
    return sha256(os.fsencode(result)).hexdigest()[:32]
