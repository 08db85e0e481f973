"""The commit record: what was decided about an input, durable before any of it is done.

Renaming the record into place is the instant of commit. Before it, a crash leaves the input claimed, and its
work is done again; after it, whoever finds the record rolls it forward, and never works on the input again.
Rolling forward is a list of renames that do not replace, and for each one can tell whether it was done.

A part that is gone from where it was written has been published if that was the job folder, which holds the
record too; or a stage with the identity that the record names, because only fproc takes anything out of that
(readers may have taken the result away since). Where the stage is another one (the results' filesystem is not
mounted, or the stage was removed), the result itself must be there. If it is not, its state is unknown:
nothing is archived, and the input waits until the stage is back.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from typing import Any, TypeVar

from fproc.base.values import dataclass, fields, replace
from fproc.spool.disk import paths
from fproc.spool.disk.disk import Disk, write_whole
from fproc.spool.disk.identity import identity_of
from fproc.spool.layout import Folders, free_number, numbered

RECORD = "commit.json"
BY_WAY = "input"
OF_JOB = ":job:"
"""Prefix of the path of a part in the job folder, which is renamed when a lease changes hands."""
VERSION = 2
_KNOWN_VERSIONS = frozenset({1, VERSION})
"""Version 1 had neither the stage nor the parts' stamps; a release that knows only that one stops at ours."""

_NOT_KNOWN = -1

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

    `name` is the wanted name, `number` the `~N` that it gets; `extra` is appended to that. The last three
    identify the file of the part, as far as it is known.
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

    @property
    def target(self) -> str:
        """The path that the part gets."""
        return f"{self.folder}/{numbered(self.name, self.number, self.extra)}"


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
        return os.path.basename(self.archive.target)

    @property
    def results(self) -> tuple[str, ...]:
        """The names that the results get, in the folder of results."""
        return tuple(os.path.basename(move.target) for move in self.publications if not move.extra)

    @property
    def moves(self) -> tuple[Publication, ...]:
        """Everything that is moved, the input last."""
        return (*self.publications, self.archive)

    def renumbered(self, index: int, number: int) -> CommitRecord:
        """Return the record with another number for the move at `index`."""
        moves = list(self.moves)
        moves[index] = replace(moves[index], number=number, replaces=False)
        return replace(self, publications=tuple(moves[:-1]), archive=moves[-1])


def write_record(disk: Disk, job_folder: str, commit_record: CommitRecord) -> None:
    """Make a commit record durable. The input is committed when this returns, and not before."""
    write_whole(disk, job_folder, RECORD, json.dumps({"version": VERSION, **as_json(commit_record)}).encode())


def as_json(commit_record: CommitRecord) -> dict[str, Any]:
    """Return a commit record as a JSON value (ten times as fast as `dataclasses.asdict`)."""
    return {
        "stamp": _values(commit_record.stamp),
        "publications": [_values(move) for move in commit_record.publications],
        "archive": _values(commit_record.archive),
        "job": commit_record.job,
        "stage": commit_record.stage,
        **({"is_watched": True, "incomplete": commit_record.incomplete} if commit_record.is_watched else {}),
    }


def _values(record: FileStamp | Publication) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


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


def make_durable(disk: Disk, folders: Folders, job_folder: str, commit_record: CommitRecord) -> None:
    """Make what a writer that died may not have fsynced survive power loss, before going on from there.

    First the new names of parts: some parts come from the job folder, and its fsync makes their absence
    there durable. Then the record's own name. (If that was not durable, no part has moved.)
    """
    for folder in sorted({publication.folder for publication in commit_record.publications}):
        disk.sync_folder(folders.absolute(folder))
    disk.sync_folder(job_folder)


def check_parts(folders: Folders, job_folder: str, commit_record: CommitRecord) -> None:
    """Check that every part is either there, as the record has it, or known to have been published.

    Raises:
        OSError: one of them is neither; nothing may be done before it is back.
    """
    for move in commit_record.publications:
        part = _part(folders, job_folder, move)
        if not os.path.lexists(part):
            _check_published(folders, commit_record, move)
        elif move.is_known and not move.is_at(part):
            raise OSError(errno.EBADMSG, "was changed after it was decided that it is published", part)


def _check_published(folders: Folders, commit_record: CommitRecord, move: Publication) -> None:
    """Check that a part that is not where it was written is known to have been published.

    Raises:
        OSError: it is not.
    """
    if move.part.startswith(OF_JOB) or not move.is_known:
        return
    part, target = folders.absolute(move.part), folders.absolute(move.target)
    stage = os.path.dirname(part)
    if identity_of(stage) != commit_record.stage and not move.is_at(target):
        what = f"the result is not there, nor is its part: {stage} is gone, or another folder"
        hint = "mount or put back the results folder as it was, then fproc goes on"
        raise OSError(errno.ENOLINK, f"{what}; {hint}", target)


def roll_forward(
    disk: Disk, folders: Folders, job_folder: str, commit_record: CommitRecord, *, by_way: bool = False
) -> CommitRecord:
    """Do all moves of a commit record that are not done yet; it may have been begun any number of times.

    The module's docstring says when a missing part was published. A name that is taken while its part is
    still there belongs to someone else: the record gets the next number first, then the part gets that name.
    An input of the same name that is not the committed one was put there by hand: it is left alone.

    Returns:
        The record with the names that parts and input really got.
    """
    commit_record = publish(disk, folders, job_folder, commit_record)
    for folder in sorted({publication.folder for publication in commit_record.publications}):
        disk.sync_folder(folders.absolute(folder))  # results are durable before their input is archived
    end_publication(disk, folders, job_folder, commit_record)
    source = folders.absolute(commit_record.archive.part)
    source_folder = os.path.dirname(source)
    if by_way:
        by_way_path = os.path.join(job_folder, BY_WAY)
        if os.path.lexists(source) and _is_about(commit_record, source):
            disk.take(source, by_way_path)
        disk.sync_folder(job_folder)
        disk.sync_folder(source_folder)
        source = by_way_path
    commit_record = archive(disk, folders, job_folder, commit_record, source=source)
    disk.sync_folder(folders.absolute(commit_record.archive.folder))
    end_archiving(disk, folders, job_folder, commit_record, source=source)
    disk.sync_folder(source_folder)
    return commit_record


def publish(disk: Disk, folders: Folders, job_folder: str, commit_record: CommitRecord) -> CommitRecord:
    """Give the parts their names, unless they have them; return the record with the names they really got."""
    for index in range(len(commit_record.publications)):
        commit_record = _move(disk, folders, job_folder, commit_record, index)
    return commit_record


def end_publication(disk: Disk, folders: Folders, job_folder: str, commit_record: CommitRecord) -> None:
    """Do the second half of publishing, where moves have halves: the parts' new names are durable now."""
    for move in commit_record.publications if disk.has_halves else ():
        disk.end_move(_part(folders, job_folder, move))


def end_archiving(
    disk: Disk, folders: Folders, _job_folder: str, commit_record: CommitRecord, *, source: str = ""
) -> None:
    """Do the second half of archiving, where moves have halves: remove the name that the input moved from."""
    source = source or folders.absolute(commit_record.archive.part)
    if disk.has_halves and _is_about(commit_record, source):
        disk.end_move(source)


def archive(
    disk: Disk, folders: Folders, job_folder: str, commit_record: CommitRecord, *, source: str = ""
) -> CommitRecord:
    """Move the input to its archive, if it is the committed one; publishing comes first."""
    source = source or folders.absolute(commit_record.archive.part)
    if not _is_about(commit_record, source):
        return commit_record
    return _move(disk, folders, job_folder, commit_record, len(commit_record.publications), source=source)


def _is_about(commit_record: CommitRecord, path: str) -> bool:
    try:
        return commit_record.stamp.same_file(FileStamp.of(os.stat(path, follow_symlinks=False)))
    except FileNotFoundError:
        return True  # archived already


def _move(
    disk: Disk,
    folders: Folders,
    job_folder: str,
    commit_record: CommitRecord,
    index: int,
    *,
    source: str = "",
) -> CommitRecord:
    """Do one of the moves, from `source` or else from the path of its part."""
    while True:
        move = commit_record.moves[index]
        source, target = source or _part(folders, job_folder, move), folders.absolute(move.target)
        try:
            if move.replaces:
                disk.begin_replace(source, target)
            elif not (disk.has_halves and _has_left(commit_record, move, source, target)):
                disk.begin_move(source, target)
        except (FileExistsError, IsADirectoryError):
            commit_record = commit_record.renumbered(index, next_number(folders, move))
            write_record(disk, job_folder, commit_record)
            continue
        except FileNotFoundError:
            if os.path.lexists(source):
                raise  # it is the target's folder that is missing
            if move is not commit_record.archive:
                _check_published(folders, commit_record, move)
        return commit_record


def _has_left(commit_record: CommitRecord, move: Publication, source: str, target: str) -> bool:
    """Return whether a part was published, and taken by a reader, before it lost its first name."""
    if move is commit_record.archive or os.path.lexists(target):
        return False
    return os.path.lexists(source) and paths.has_other_names(source)


def _part(folders: Folders, job_folder: str, move: Publication) -> str:
    if move.part.startswith(OF_JOB):
        return os.path.join(job_folder, move.part.removeprefix(OF_JOB))
    return folders.absolute(move.part)


def next_number(folders: Folders, *moves: Publication) -> int:
    """Return a number under which the targets of all these moves are free, that of the first if possible."""

    def taken(number: int) -> bool:
        return any(os.path.lexists(folders.absolute(move.with_number(number).target)) for move in moves)

    return free_number(taken, moves[0].number)
