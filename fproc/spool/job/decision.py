"""The commit record: what was decided about an input, and how that is written down.

Renaming the record into place is the instant of commit; see `fproc.spool.job.commit`.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Collection
from operator import attrgetter
from typing import Any, TypeVar

from fproc.base.values import dataclass, fields, replace
from fproc.pipeline.records import encode_text
from fproc.spool.disk.disk import Disk, write_whole
from fproc.spool.layout import Folders, numbered
from fproc.spool.output.intents import place_in

RECORD = "commit.json"
OF_JOB = ":job:"
"""Prefix of the path of a part in the job folder, which is renamed when a lease changes hands."""
VERSION = 2
APPENDING_VERSION = 3
TEXT_VERSION = 4
_KNOWN_VERSIONS = frozenset({1, VERSION, APPENDING_VERSION, TEXT_VERSION})
"""Version 1 had neither the stage nor the parts' stamps; a release that knows only that one stops at ours.

Where something is appended, it is version 3, or 4 if the record holds it: no release that does not know that
may carry it out.
"""

_NOT_KNOWN = -1
_OF_APPENDED = frozenset({"appends", "offset_bytes", "text"})
"""Fields of publications that version 2 does not know."""

_Kind = TypeVar("_Kind", "FileStamp", "Publication")


@dataclass(frozen=True, slots=True)
class FileStamp:
    """The identity and state of a file: inode, size in bytes, time of last change in nanoseconds."""

    inode: int
    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """Return the stamp of a result of `os.stat`."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)

    def same_file(self, other: FileStamp) -> bool:
        """Return whether both are one file: the same inode, or (from a backup) unchanged size and time."""
        return self.inode == other.inode or (self.size_bytes, self.mtime_ns) == (
            other.size_bytes,
            other.mtime_ns,
        )


@dataclass(frozen=True, slots=True)
class Publication:
    """One part, and the folder and name it is to get. Paths are portable (see `Folders.portable`, `OF_JOB`).

    `name` is the wanted name, `number` the `~N` that it gets; `extra` is appended to that. Inode, size and
    time identify the file of the part, as far as it is known. What `appends` is added to the result of that
    name, from `offset_bytes` on once that is known. Without a part it is `text`, with surrogate escapes.
    """

    part: str
    folder: str
    name: str
    number: int = 1
    extra: str = ""
    replaces: bool = False
    inode: int = _NOT_KNOWN
    size_bytes: int = _NOT_KNOWN
    mtime_ns: int = _NOT_KNOWN
    appends: bool = False
    offset_bytes: int = _NOT_KNOWN
    text: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the file of the part is identified."""
        return self.size_bytes != _NOT_KNOWN

    def is_at(self, path: str) -> bool:
        """Return whether the part is at a path, as it was written, or a copy of it that kept its time."""
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        stamp = FileStamp.of(status)
        is_whole = stat.S_ISREG(status.st_mode) and stamp.size_bytes == self.size_bytes
        return is_whole and stamp.same_file(FileStamp(self.inode, self.size_bytes, self.mtime_ns))

    def with_number(self, number: int) -> Publication:
        """Return the same with another number."""
        return self if number == self.number else replace(self, number=number)

    def target_with(self, number: int) -> str:
        """Return the path that the part would get with this number."""
        return f"{self.folder}/{numbered(self.name, number, self.extra)}"

    @property
    def target(self) -> str:
        """The path that the part gets."""
        return f"{self.folder}/{self.target_name}"

    @property
    def target_name(self) -> str:
        """The name that the part gets in its folder, with the folders below that."""
        return numbered(self.name, self.number, self.extra)

    @property
    def told(self) -> str:
        """The name of the result, as it is told; with the part of it that this is, if it is appended."""
        if not self.appends:
            return self.target_name
        offset_bytes = None if self.offset_bytes == _NOT_KNOWN else self.offset_bytes
        return place_in(self.target_name, self.size_bytes, offset_bytes)

    @property
    def target_folder(self) -> str:
        """The path of the folder that the part gets into."""
        return os.path.dirname(self.target) if "/" in self.name else self.folder


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """The parts to publish, then the input itself to archive, in this order.

    `job` is the id of the claim that committed, under which it is in the history; `stage` identifies the
    folder of the parts (see `identity_of`). `is_watched` says that the record is kept, because the input may
    still be written to; `incomplete` names results that lack what was written too late.
    """

    stamp: FileStamp
    publications: tuple[Publication, ...]
    archive: Publication
    job: str = ""
    stage: str = ""
    is_watched: bool = False
    incomplete: tuple[str, ...] = ()

    @property
    def archived(self) -> str:
        """The name that the input gets in its archive."""
        return self.archive.target_name.rpartition("/")[2]

    @property
    def results(self) -> tuple[str, ...]:
        """The names that the results get, in the folder of results; of what is appended, with its place."""
        return tuple(move.told for move in self.publications if not move.extra)

    @property
    def appended(self) -> tuple[Publication, ...]:
        """What is added to results that inputs share."""
        return tuple(move for move in self.publications if move.appends)

    @property
    def moves(self) -> tuple[Publication, ...]:
        """Everything that is moved, the input last."""
        return (*self.publications, self.archive)

    def with_offset(self, result: str, offset_bytes: int | None) -> CommitRecord:
        """Return the record with the place of what was appended to a result, if that is known."""
        if offset_bytes is None:
            return self
        moves = [
            replace(move, offset_bytes=offset_bytes) if move.appends and move.name == result else move
            for move in self.publications
        ]
        return replace(self, publications=tuple(moves))

    def renumbered(self, index: int, number: int) -> CommitRecord:
        """Return the record with another number for the move at `index`."""
        moves = list(self.moves)
        moves[index] = replace(moves[index], number=number, replaces=False)
        return replace(self, publications=tuple(moves[:-1]), archive=moves[-1])


def record_version(*commit_records: CommitRecord) -> int:
    """Return the version of the form that these commit records need."""
    appended = [move for each in commit_records for move in each.appended]
    if any(move.text for move in appended):
        return TEXT_VERSION
    return APPENDING_VERSION if appended else VERSION


def write_record(disk: Disk, job_folder: str, commit_record: CommitRecord) -> None:
    """Make a commit record durable. The input is committed when this returns, and not before."""
    write_whole(disk, job_folder, RECORD, as_record(commit_record))


def as_record(commit_record: CommitRecord) -> bytes:
    """Return what is in the file of a commit record."""
    return json.dumps({"version": record_version(commit_record), **as_json(commit_record)}).encode()


def as_json(commit_record: CommitRecord) -> dict[str, Any]:
    """Return a commit record as a JSON value (ten times as fast as `dataclasses.asdict`)."""
    return {
        "stamp": _stamp_values(commit_record.stamp),
        "publications": [_values(move) for move in commit_record.publications],
        "archive": _values(commit_record.archive),
        "job": commit_record.job,
        "stage": commit_record.stage,
        **({"is_watched": True, "incomplete": commit_record.incomplete} if commit_record.is_watched else {}),
    }


def _getter(kind: type[Any], *, without: Collection[str] = ()) -> Callable[[Any], dict[str, Any]]:
    """Return a function that returns the fields of a dataclass by their names."""
    names = [entry.name for entry in fields(kind) if entry.name not in without]
    get = attrgetter(*names)
    return lambda record: dict(zip(names, get(record), strict=True))


_stamp_values = _getter(FileStamp)
_moved_values = _getter(Publication, without=_OF_APPENDED)
_appended_values = _getter(Publication)


def _values(move: Publication) -> dict[str, Any]:
    if not move.appends:
        return _moved_values(move)
    values = _appended_values(move)
    if not values["text"]:
        del values["text"]
    return values


def read_record(job_folder: str) -> CommitRecord | None:
    """Return the commit record in a job folder, or None if there is none that fproc can have written.

    Raises:
        OSError: it was written by another version of fproc, which has to roll it forward.
    """
    return _parsed(os.path.join(job_folder, RECORD), lambda value: value)


def read_from(path: str) -> CommitRecord | None:
    """Return the commit record at a path; None and raises as `read_record`."""
    return _parsed(path, lambda value: value)


def read_shared(folders: Folders, name: str) -> CommitRecord | None:
    """Return the commit record of an input that committed with others; None and raises as `read_record`."""
    return _parsed(os.path.join(folders.commits, name), lambda value: value["decisions"][name])


def appended_text(folders: Folders, name: str, job: str, result: str) -> bytes | None:
    """Return what the commit record that an input shares with others holds for a result, while it is there.

    Raises:
        OSError: it cannot be read, or was written by another version of fproc.
    """
    commit_record = read_shared(folders, name)
    if commit_record is None:
        path = os.path.join(folders.commits, name)
        if os.path.lexists(path):
            raise OSError(errno.EBADMSG, "cannot be read, and holds what is to be appended", path)
        return None
    if commit_record.job != job:
        return None
    text = next((move.text for move in commit_record.appended if move.name == result), "")
    return encode_text(text) if text else None


def read_kept(folder: str, archived: str) -> CommitRecord | None:
    """Return the commit record that is kept of an archived input; None and raises as `read_record`."""
    return _parsed(os.path.join(folder, archived), lambda value: _entry_of(value, archived))


def _entry_of(value: Any, archived: str) -> Any:
    """Return the entry, of those in a record, of the input that was archived under that name."""
    for entry in value.get("decisions", {"": value}).values():
        move = entry["archive"]
        if numbered(move["name"], move["number"], move["extra"]) == archived:
            return entry
    raise ValueError("it is about others")


def _parsed(path: str, select: Callable[[Any], Any]) -> CommitRecord | None:
    try:
        with open(path, encoding="ascii") as file:
            value = json.load(file)
        if value["version"] not in _KNOWN_VERSIONS:
            raise OSError(errno.EINVAL, "was decided by another version of fproc, which must finish it", path)
        value = select(value)
        return CommitRecord(
            _checked(FileStamp, value["stamp"]),
            tuple(_checked(Publication, publication) for publication in value["publications"]),
            _checked(Publication, value["archive"]),
            str(value.get("job", "")),
            str(value.get("stage", "")),
            value.get("is_watched") is True,
            tuple(map(str, value.get("incomplete", ()))),
        )
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _checked(kind: type[_Kind], value: dict[str, Any]) -> _Kind:
    """Return the dataclass that a record holds.

    Raises:
        ValueError: a value is not of its field's type.
        TypeError: a field is missing, and always was there, or is unknown.
    """
    types = {entry.name: entry.type for entry in fields(kind)}
    wrong = [name for name, entry in value.items() if type(entry).__name__ != types.get(name, "")]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: wrong type")
    return kind(**value)
