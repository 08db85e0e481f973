"""The record of what is being appended to a result that inputs share; see `fproc.spool.output.appends`."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from typing import Any

from fproc.base.ids import sha256
from fproc.base.values import dataclass
from fproc.spool.disk.disk import Disk, unlink_if_there, write_whole
from fproc.spool.layout import Folders
from fproc.spool.output.entries import AppendedPart, AppendedText, Entry, TextReader, has_text

_VERSION = 1
_TEXT_VERSION = 2
"""The version of an intent in which texts are appended: an fproc that knows only parts may not settle it."""

_DONE = ".done"
"""What ends the name of an intent that is kept because of the texts in it; see `Intents`."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is being appended: to the file with this inode, from this offset on, these entries in this order.

    `stage` identifies the folder of the parts: if another one is in its place, none of them is gone.
    `earlier` are texts that were appended before, with their inputs' names by their jobs.
    """

    result: str
    inode: int
    offset_bytes: int
    entries: tuple[Entry, ...]
    stage: str
    earlier: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        """How much is being appended."""
        return sum(entry.size_bytes for entry in self.entries)

    @property
    def has_text(self) -> bool:
        """Whether texts are among it."""
        return has_text(self.entries)

    def offsets(self, end_bytes: int) -> dict[str, int]:
        """Return where each entry begins, by its key, if the result has this size after all of them."""
        offsets, begin = {}, end_bytes - self.size_bytes
        for entry in self.entries:
            offsets[entry.key] = begin
            begin += entry.size_bytes
        return offsets


class Intents:
    """The intents of one spool.

    A part that is gone was appended. A text is still there when it was: so an intent with texts is not
    removed when it is done, but gets another name, in the place of the one before, whose texts it remembers
    as long as their commit records may be there.

    Args:
        disk: makes the calls.
        folders: the spool's.
        read_text: returns what is to be appended from a commit record.
    """

    def __init__(self, disk: Disk, folders: Folders, read_text: TextReader) -> None:
        self._disk = disk
        self._folders = folders
        self._read_text = read_text

    def digests(self) -> set[str]:
        """Return the digests of all results to which something is being appended, or has been."""
        try:
            return {name.removesuffix(_DONE) for name in os.listdir(self._folders.appends)}
        except FileNotFoundError:
            return set()

    def write(self, intent: Intent, begin_in: str) -> None:
        """Make an intent durable, in the place of an earlier one about the same result.

        It is written in another folder first, where what a crash leaves is removed.
        """
        value = {
            "version": _TEXT_VERSION if intent.has_text else _VERSION,
            "result": intent.result,
            "inode": intent.inode,
            "offset_bytes": intent.offset_bytes,
            "parts": [self._as_json(entry) for entry in intent.entries],
            "stage": intent.stage,
            **({"earlier": intent.earlier} if intent.has_text else {}),
        }
        data, digest = json.dumps(value).encode(), digest_of(intent.result)
        write_whole(self._disk, self._folders.appends, digest, data, begin_in=begin_in)

    def _as_json(self, entry: Entry) -> list[str | int]:
        if isinstance(entry, AppendedPart):
            return [self._folders.portable(entry.path), entry.size_bytes]
        return [entry.name, entry.size_bytes, entry.job]

    def _entry(self, result: str, path_or_name: str, size_bytes: int, job: str = "") -> Entry:
        if not job:
            return AppendedPart(self._folders.absolute(path_or_name), int(size_bytes))
        return AppendedText(
            path_or_name, job, int(size_bytes), self._read_text(self._folders, path_or_name, job, result)
        )

    def read(self, digest: str) -> Intent | None:
        """Return the intent about a result, or None if there is none that fproc can have written.

        Raises:
            OSError: it was written by another version of fproc.
        """
        value = self._value(digest)
        try:
            if not value:
                return None
            result = str(value["result"])
            return Intent(
                result,
                int(value["inode"]),
                int(value["offset_bytes"]),
                tuple(self._entry(result, *entry) for entry in value["parts"]),
                str(value["stage"]),
                dict(value.get("earlier", {})),
            )
        except (ValueError, TypeError, KeyError):
            return None

    def _value(self, name: str) -> dict[str, Any]:
        """Return what is in the file of an intent; nothing if fproc cannot have written it."""
        path = os.path.join(self._folders.appends, name)
        try:
            with open(path, encoding="ascii") as file:
                value: dict[str, Any] = json.load(file)
            version = value["version"]
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return {}
        if version not in {_VERSION, _TEXT_VERSION}:
            raise OSError(errno.EINVAL, "was begun by another version of fproc, which must finish it", path)
        return value

    def appended(self, digest: str) -> dict[str, str]:
        """Return the names of inputs whose texts were appended to a result, by their jobs.

        Those are missing whose commit records are gone, durably.

        Raises:
            OSError: that was written by another version of fproc.
        """
        value = self._value(f"{digest}{_DONE}")
        jobs = {str(job): str(name) for job, name in value.get("earlier", {}).items()}
        for name, _, *job in value.get("parts", ()):
            if job:
                jobs[str(job[0])] = str(name)
        return jobs

    def with_records(self, appended: Mapping[str, str]) -> dict[str, str]:
        """Return those of the texts that were appended whose commit records may be there, or come back."""
        left = {job: name for job, name in appended.items() if self._has_record(name)}
        if left != appended:
            self._disk.sync_folder(self._folders.commits)
        return left

    def _has_record(self, name: str) -> bool:
        return os.path.lexists(os.path.join(self._folders.commits, name))

    def finish(self, result: str) -> None:
        """Keep an intent with texts as what was done, durably."""
        path = os.path.join(self._folders.appends, digest_of(result))
        self._disk.replace(path, f"{path}{_DONE}")
        self._disk.sync_folder(self._folders.appends)

    def forget_finished(self, digest: str) -> None:
        """Forget which texts were appended to a result, if none of their commit records is there."""
        appended = self.appended(digest)
        if not self.with_records(appended):
            unlink_if_there(self._disk, os.path.join(self._folders.appends, f"{digest}{_DONE}"))

    def remove(self, result: str) -> None:
        """Remove the intent about a result.

        It may come back after loss of power: all that it says is done then, which its parts tell.
        """
        unlink_if_there(self._disk, os.path.join(self._folders.appends, digest_of(result)))


APPENDED = " (appended, "
"""What stands between the name of a result and the place of what was appended to it."""


def is_place(told: str) -> bool:
    """Return whether this is what `place_in` returned."""
    return APPENDED in told


def place_in(result: str, size_bytes: int, offset_bytes: int | None) -> str:
    """Return what is told of something that was appended to a result: its place there, if that is known."""
    if offset_bytes is None:
        return f"{result}{APPENDED}{size_bytes} bytes)"
    return f"{result}{APPENDED}bytes {offset_bytes}-{offset_bytes + size_bytes - 1})"


def digest_of(result: str) -> str:
    """Return what the records and the lock of a result are named after."""
    return sha256(os.fsencode(result)).hexdigest()[:32]
