"""Reruns: an archived input runs again, and its results replace those of the previous run.

The results of an input are in its commit record. If lines of it were rejected, a copy of that is kept in
`.fproc/published/`, under a digest of the name that the input has in the archive; if it was written to late,
under a digest of the id of its claim, as another input may get that name. Whoever puts the input back to work
leaves a copy with the job, the note, stamped with the file that is put back: it is ignored for any other
file. The commit of the rerun replaces those results of the note that are still what was published then, and
never another file.
"""

from __future__ import annotations

import json
import logging
import os

from fproc.base.ids import sha256
from fproc.base.text import shown
from fproc.base.values import dataclass, replace
from fproc.spool.disk.disk import Disk, unlink_if_there, write_whole
from fproc.spool.job import decision
from fproc.spool.job.decision import CommitRecord, FileStamp, Publication
from fproc.spool.layout import REPORT_ENDING, Folders, about, make_durably

log = logging.getLogger("fproc.spool")

NOTE = "rerun.json"
"""The record in the job folder of an input that is put back to work."""


def keep(disk: Disk, folders: Folders, job_folder: str, done: CommitRecord) -> None:
    """Keep the record of what was published, if lines were rejected; the commit record is still there."""
    if done.archive.folder != "processed":
        return
    if not any(move.extra for move in done.publications):
        forget(disk, folders, done)
        return
    make_durably(disk, folders.published)
    path = _kept_at(folders, _archived(done))
    record = decision.as_record(done)
    write_whole(disk, folders.published, os.path.basename(path), record, begin_in=job_folder)


def forget(disk: Disk, folders: Folders, done: CommitRecord) -> None:
    """Remove the record of an earlier input that had the same name in the archive."""
    path = _kept_at(folders, _archived(done))
    if os.path.lexists(path):
        unlink_if_there(disk, path)
        disk.sync_folder(folders.published)


def keep_incomplete(disk: Disk, folders: Folders, job_folder: str, done: CommitRecord) -> dict[str, str]:
    """Keep, durably, the record of an input that was written to late and is to go to `failed/`.

    Return what its report says, so that a retry knows of the results.
    """
    make_durably(disk, folders.published)
    path = _kept_at(folders, _of_job(done.job))
    record = decision.as_record(done)
    write_whole(disk, folders.published, os.path.basename(path), record, begin_in=job_folder)
    return _reference(done)


def end_rerun(disk: Disk, folders: Folders, job_folder: str, done: CommitRecord) -> None:
    """Remove the note of a job that was rolled forward, and the record that its run has made obsolete."""
    note_path = os.path.join(job_folder, NOTE)
    before = decision.read_from(note_path)
    if before is not None and done.archive.folder == "processed":
        unlink_if_there(disk, _kept_at(folders, _of_job(before.job)))
    unlink_if_there(disk, note_path)


def published(folders: Folders, archived: str) -> CommitRecord | None:
    """Return the commit record of an input in `processed/`, if it was kept."""
    return decision.read_from(_kept_at(folders, archived))


@dataclass(frozen=True, slots=True)
class Rerun:
    """An input that runs again, and what it had published before."""

    before: CommitRecord

    @classmethod
    def found(cls, disk: Disk, folders: Folders, job_folder: str, input_path: str) -> Rerun | None:
        """Return the rerun that the note of a claimed input describes; remove a note about another file.

        Lines that were rejected before are removed, too: this run rejects them again, if it has to.
        """
        before = decision.read_from(os.path.join(job_folder, NOTE))
        if before is None:
            return None
        if before.stamp != FileStamp.of(os.lstat(input_path)):
            name = shown(os.path.basename(input_path))
            log.warning("%s: is not the file that was put back to work; it replaces no results", name)
            _drop(disk, job_folder)
            return None
        for move in before.publications:
            path = folders.absolute(move.target)
            if move.extra and move.is_known and move.is_at(path):
                unlink_if_there(disk, path)
                disk.sync_folder(folders.failed)
        return cls(before)

    def without_what_was_appended(self, moves: list[Publication]) -> list[Publication]:
        """Return the moves but for those that would append to a result what the previous run has appended.

        That cannot be replaced, and nothing is ever appended twice.
        """
        appended = {old.name for old in self.before.appended}
        for move in moves:
            if move.appends and move.name in appended:
                name = shown(self.before.archive.name)
                what = "%s: the run before has appended to %s, which cannot be replaced; this one does not"
                log.warning(what, name, shown(move.name))
        return [move for move in moves if not (move.appends and move.name in appended)]

    def placed(self, folders: Folders, move: Publication) -> Publication:
        """Return how a result is published: over the previous one, if that is still there."""
        if move.appends:
            return move
        for old in self.before.publications:
            is_same = (old.folder, old.name, old.extra) == (move.folder, move.name, move.extra)
            if is_same and old.is_known and old.is_at(folders.absolute(old.target)):
                return replace(move, number=old.number, replaces=True)
        return move

    def say_what_stays(self, folders: Folders, moves: list[Publication]) -> None:
        """Log the results of the previous run that this one does not make."""
        new_results = {(move.folder, move.name) for move in moves}
        for old in self.before.publications:
            path = folders.absolute(old.target)
            if not old.extra and (old.folder, old.name) not in new_results and os.path.lexists(path):
                name = shown(self.before.archive.name)
                log.warning("%s: %s is of the run before; this one makes no such result", name, shown(path))

    def as_json(self) -> dict[str, str]:
        """Return what the report says if this run fails, so that a retry knows of the earlier results."""
        return _reference(self.before)


def noted_in(folders: Folders, report_path: str) -> CommitRecord | None:
    """Return the commit record of a failed input before it failed, as its report tells."""
    try:
        with open(report_path, encoding="utf-8") as file:
            replaces = json.load(file)["replaces"]
        archived, job = replaces["archived"], replaces["job"]
        before = decision.read_from(_kept_at(folders, _of_job(job))) or published(folders, archived)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return before if before and before.job == job else None


def forget_archived(disk: Disk, folders: Folders, folder: str, archived: str) -> None:
    """Remove what is kept for a rerun of an input that is to be removed from `processed` or `failed`."""
    if folder == "processed":
        unlink_if_there(disk, _kept_at(folders, archived))
        return
    before = noted_in(folders, os.path.join(folders.failed, about(archived, REPORT_ENDING)))
    if before is not None:
        for key in (_of_job(before.job), _archived(before)):
            path = _kept_at(folders, key)
            kept = decision.read_from(path)
            if kept is not None and kept.job == before.job:
                unlink_if_there(disk, path)


def note(disk: Disk, job_folder: str, before: CommitRecord, input_path: str) -> None:
    """Write a durable note of what the input at a path had published, before it is put back to work."""
    write_whole(
        disk, job_folder, NOTE, decision.as_record(replace(before, stamp=FileStamp.of(os.lstat(input_path))))
    )


def drop_if_stale(disk: Disk, job_folder: str, waiting: str) -> None:
    """Remove a note unless its input waits in `unprocessed/`."""
    before = decision.read_from(os.path.join(job_folder, NOTE))
    try:
        is_there = before is not None and before.stamp == FileStamp.of(os.lstat(waiting))
    except FileNotFoundError:
        is_there = False
    if not is_there:
        _drop(disk, job_folder)


def _drop(disk: Disk, job_folder: str) -> None:
    unlink_if_there(disk, os.path.join(job_folder, NOTE))
    disk.sync_folder(job_folder)


def _archived(done: CommitRecord) -> str:
    return os.path.basename(done.archive.target)


def _reference(done: CommitRecord) -> dict[str, str]:
    return {"archived": _archived(done), "job": done.job}


def _of_job(job: str) -> str:
    """Return the key of a claim among names in the archive: none of those has a slash."""
    return f"job/{job}"


def _kept_at(folders: Folders, archived: str) -> str:
    """Return the path of a record, by a digest, as a name may already have the greatest length."""
    return os.path.join(folders.published, sha256(os.fsencode(archived)).hexdigest()[:32])
