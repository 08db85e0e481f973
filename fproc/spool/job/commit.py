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
import os
from collections.abc import Iterable, Sequence

from fproc.pipeline.processors.options.result_names import APPENDED
from fproc.pipeline.records import decode_text, encode_text
from fproc.spool.checks.result_folders import make_again
from fproc.spool.disk import paths
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.identity import identity_of
from fproc.spool.job.decision import OF_JOB, CommitRecord, FileStamp, Publication, write_record
from fproc.spool.layout import Folders, free_number
from fproc.spool.output.appends import Appender
from fproc.spool.output.entries import AppendedPart, AppendedText, Entry
from fproc.spool.output.parts import Part

BY_WAY = "input"
"""The name of an input in the folder of a lease, on its way."""


def make_durable(disk: Disk, folders: Folders, job_folder: str, commit_record: CommitRecord) -> None:
    """Make what a writer that died may not have fsynced survive power loss, before going on from there.

    First the new names of parts: some parts come from the job folder, and its fsync makes their absence
    there durable. Then the record's own name. (If that was not durable, no part has moved.)
    """
    sync_targets(disk, folders, commit_record.publications)
    disk.sync_folder(job_folder)


def sync_targets(disk: Disk, folders: Folders, publications: Iterable[Publication]) -> None:
    """Make durable that parts have their names, in each folder that they got into.

    A reader may have taken what was in a folder below that of results, and removed the folder.

    Raises:
        OSError: the disk refuses.
    """
    moved = [move for move in publications if not move.appends]
    for folder, base in sorted({(move.target_folder, move.folder) for move in moved}):
        try:
            disk.sync_folder(folders.absolute(folder))
        except FileNotFoundError:
            if folder == base:
                raise
            disk.sync_folder(folders.absolute(base))  # if that is gone, so are the results


def check_parts(folders: Folders, job_folder: str, commit_record: CommitRecord) -> None:
    """Check that every part is either there, as the record has it, or known to have been published.

    Raises:
        OSError: one of them is neither; nothing may be done before it is back.
    """
    for move in commit_record.publications:
        if move.text:
            continue
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
    disk: Disk,
    folders: Folders,
    appender: Appender,
    job_folder: str,
    commit_record: CommitRecord,
    *,
    by_way: bool = False,
) -> CommitRecord:
    """Do all moves of a commit record that are not done yet; it may have been begun any number of times.

    The module's docstring says when a missing part was published. A name that is taken while its part is
    still there belongs to someone else: the record gets the next number first, then the part gets that name.
    An input of the same name that is not the committed one was put there by hand: it is left alone.

    Returns:
        The record with the names that parts and input really got.
    """
    for move in commit_record.appended:
        [commit_record] = append(folders, appender, move.name, [commit_record])
    commit_record = publish(disk, folders, job_folder, commit_record)
    sync_targets(disk, folders, commit_record.publications)  # before the input is archived
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
    """Give the parts their names, unless they have them; return the record with the names they really got.

    What is appended has been before.
    """
    for index, move in enumerate(commit_record.publications):
        if not move.appends:
            commit_record = _move(disk, folders, job_folder, commit_record, index)
    return commit_record


def publication(folders: Folders, result: str, part: Part, number: int, *, replaces: bool) -> Publication:
    """Return how a result of a run is published: it is moved to its name, or appended to what is there."""
    appends = result.startswith(APPENDED)
    return Publication(
        folders.portable(part.path) if part.path else "",
        folders.portable(folders.results),
        result.removeprefix(APPENDED),
        1 if appends else number,
        replaces=replaces and not appends,
        inode=part.inode,
        size_bytes=part.size_bytes,
        mtime_ns=part.mtime_ns,
        appends=appends,
        text=decode_text(part.text) if part.text else "",
    )


def append(
    folders: Folders, appender: Appender, name: str, commit_records: Sequence[CommitRecord]
) -> list[CommitRecord]:
    """Add what inputs have for a result to it, in this order, as far as that was not done yet.

    Returns:
        The commit records with the places of what was appended, as far as they are known.
    """
    entries = [
        _entry(folders, commit_record, move)
        for commit_record in commit_records
        for move in commit_record.appended
        if move.name == name
    ]
    offsets = appender.append(name, entries)
    return [
        commit_record.with_offset(name, offsets.get(entry.key))
        for commit_record, entry in zip(commit_records, entries, strict=True)
    ]


def _entry(folders: Folders, commit_record: CommitRecord, move: Publication) -> Entry:
    if not move.text:
        return AppendedPart(folders.absolute(move.part), move.size_bytes)
    return AppendedText(
        commit_record.archive.name, commit_record.job, move.size_bytes, encode_text(move.text)
    )


def end_publication(disk: Disk, folders: Folders, job_folder: str, commit_record: CommitRecord) -> None:
    """Do the second half of publishing, where moves have halves: the parts' new names are durable now."""
    for move in commit_record.publications if disk.has_halves else ():
        if not move.appends:
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
        except FileNotFoundError as error:
            if os.path.lexists(source):  # it is the target's folder that is missing
                if "/" not in move.name:
                    raise _of_result(commit_record, move, target, error) from error
                make_again(disk, folders.absolute(move.folder), os.path.dirname(move.name))
                continue
            if move is not commit_record.archive:
                _check_published(folders, commit_record, move)
        except OSError as error:
            raise _of_result(commit_record, move, target, error) from error
        return commit_record


def _of_result(commit_record: CommitRecord, move: Publication, target: str, error: OSError) -> OSError:
    """Return an error of a move that names the result, and not the part: who reads it looks for that."""
    return error if move is commit_record.archive else OSError(error.errno, error.strerror, target)


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
        return any(os.path.lexists(folders.absolute(move.target_with(number))) for move in moves)

    return free_number(taken, moves[0].number)


def with_free_numbers(
    folders: Folders, archive: Publication, publications: Sequence[Publication], *, keeps_number: bool
) -> tuple[Publication, list[Publication]]:
    """Return the moves with numbers that are free: one for the input and what is named after it.

    An input that `keeps_number` has one already, and may be there, after an interrupted retry.
    """
    kept = [move for move in publications if not (move.replaces or move.appends)]
    following = [move for move in kept if _is_named_after(move, archive.name)]
    if not keeps_number:
        number = next_number(folders, archive, *following)
    else:
        following = []
        is_there = paths.same_file(folders.absolute(archive.part), folders.absolute(archive.target))
        number = archive.number if is_there else next_number(folders, archive)

    def placed(move: Publication) -> Publication:
        if move not in kept:
            return move
        return move.with_number(number if move in following else next_number(folders, move))

    return archive.with_number(number), [placed(move) for move in publications]


def _is_named_after(move: Publication, name: str) -> bool:
    """Return whether the name of a result has that of its input in it, as a word of its own."""
    if move.name == name:
        return True
    stem = name.partition(".")[0] or name
    at = move.name.find(stem)
    around = move.name[:at][-1:] + move.name[at + len(stem) :][:1]
    return at >= 0 and not any(map(str.isalnum, around))
