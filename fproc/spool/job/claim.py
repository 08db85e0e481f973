"""Ownership of an input: from the lock and the rename that claim it to its commit record."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from enum import Enum
from typing import Any

from fproc.base.errors import ConservationError, LostClaimError
from fproc.base.ids import new_id
from fproc.base.text import shown
from fproc.base.values import replace
from fproc.spool.disk.disk import write_whole
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job import commit, decision
from fproc.spool.job.attempts import ATTEMPTS, Attempts
from fproc.spool.job.checkpoint import Checkpoint, PartState, Position
from fproc.spool.job.decision import CommitRecord, FileStamp, Publication
from fproc.spool.job.job import REJECTED, REPORT, Job, RolledForward
from fproc.spool.job.reruns import Rerun
from fproc.spool.layout import REJECTS_ENDING, REPORT_ENDING
from fproc.spool.output.parts import Part
from fproc.spool.readiness.evidence import Evidence
from fproc.spool.readiness.looks import Look

log = logging.getLogger("fproc.spool")


class Origin(Enum):
    """How an input that is adopted came into `underprocess/`; the values are words for the log."""

    LEFT = "goes on after a stop"
    FOUND = "found in underprocess/, and taken up"
    CRASH = "taken up again after a crash"


class Claim:
    """An input that only this process owns, until one of the methods that end the claim is called.

    Those are `commit` and `bury` (for good), `retry` (to be adopted again at a given time), `leave` and
    `release` (to be adopted again). All but the last raise `OSError` if the disk refuses, and
    `LostClaimError` if another owner has the input by now; then `release` ends the claim. When the process
    exits, the lock is always released.

    `has_progressed` says that the previous run, which did not end, got further than those before it;
    `origin` how the input came into `underprocess/`, as far as an earlier owner's traces tell. `writers` is
    the evidence at the end of the run about who has the input open for writing: an `UNKNOWN` writer may go on
    after the commit, so the input `is_watched`. `changing` is the state of the input when it was last left
    because someone was writing to it.
    """

    def __init__(
        self,
        job: Job,
        attempts: Attempts,
        saved: Checkpoint | None = None,
        *,
        has_progressed: bool = False,
        had_owner: bool = True,
    ) -> None:
        self.id = new_id()
        self.name = job.name
        self.path = job.input_path
        self.attempts = attempts.attempts
        self.interrupted = attempts.interrupted
        self.has_progressed = has_progressed
        self.origin = Origin.LEFT if attempts.was_left else Origin.CRASH if had_owner else Origin.FOUND
        self.writers = Evidence.UNKNOWN
        self.is_watched = False
        self.changing = attempts.changing
        self.staging = job.staging(self.id)
        self.job = job
        self._remembered = attempts
        self._saved = saved
        self._rejects: int | None = None
        self._rejected_bytes = 0
        self._rerun: Rerun | None = None

    def as_rerun(self) -> Claim:
        """Return this claim, with the results that it is to replace if it was put back; not in a group."""
        job = self.job
        self._rerun = Rerun.found(job.disk, job.folders, job.folder, job.input_path)
        return self

    def resume(self, stamp: FileStamp, fingerprint: str) -> Position | None:
        """Resume from the checkpoint, if there is one and nothing has changed since; else remove it.

        Args:
            stamp: of the opened input.
            fingerprint: of the pipeline.

        Raises:
            OSError: the disk refuses.
        """
        if self._saved is None:
            return None
        try:
            self._resume(self._saved, stamp, fingerprint)
        except ValueError as error:
            log.info("%s: starts over, not from its checkpoint: %s", shown(self.name), error)
            self.start_over()
            return None
        return self._saved.place

    def start_over(self) -> None:
        """Remove the checkpoint, and all that an earlier run left behind."""
        self._close_rejects()
        self._rejected_bytes = 0
        self._clear()

    def _clear(self, *keep: str) -> None:
        """Remove the checkpoint, all parts, and all records but for those to keep."""
        self.staging.discard()
        for part in self._saved.parts if self._saved else ():
            path = self.job.folders.absolute(part.path)
            if os.path.basename(path).startswith(self.job.prefix):
                self.job.remove(path)
        self._saved = None
        self.job.clean(keep=(ATTEMPTS, *keep))

    def save(self, stamp: FileStamp, fingerprint: str, position: Position) -> None:
        """Make a checkpoint: make all that was written so far durable, then the record of it.

        Raises:
            UnsavableError: `position` cannot be kept.
            OutputError: results cannot be written.
            OSError: the disk refuses.
        """
        job = self.job
        job.check_owner()
        self.staging.flush()
        self.staging.sync()
        if self._rejects is not None:
            job.disk.sync(self._rejects)
        parts = tuple(
            PartState(result, job.portable(part.path), part.size_bytes, part.lines)
            for result, part in self.staging.parts.items()
        )
        checkpoint = Checkpoint(stamp, fingerprint, position, parts, self.staging.sent, self._rejected_bytes)
        job.make_durable()
        checkpoints.write_checkpoint(job.disk, job.folder, checkpoint)
        self._saved = checkpoint

    def reject(self, data: bytes) -> None:
        """Append to the rejected lines."""
        if self._rejects is None:
            self.job.check_owner()
            self._rejects = self.job.disk.create(self.job.path(REJECTED))
        self.job.disk.write(self._rejects, data)
        self._rejected_bytes += len(data)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to publish but results."""
        return self._rejects is None and self._saved is None and self._rerun is None

    def check_owner(self) -> None:
        """Check that this claim still owns the input.

        Raises:
            LostClaimError: it does not.
            OSError: the spool has vanished, and the input with it.
        """
        self.job.check_owner()

    def check_place(self) -> None:
        """Check that the spool is there, results included.

        Raises:
            OSError: a folder has vanished.
        """
        self.job.check_place()

    def seal(self) -> None:
        """Make all that was written durable; nothing is written after that.

        Raises:
            ConservationError: someone else has changed a part.
            ResultNameError: a result cannot have its name.
            OSError: the disk refuses, or a folder has vanished.
        """
        try:
            self.job.prepare_results(self.staging.parts)
            self.staging.seal()
        except ConservationError:
            self.check_place()
            raise
        self._seal_rejects()

    def commit(self, stamp: FileStamp, *, replace_results: bool = False) -> RolledForward:
        """Commit a success and roll it forward: results are published, the input goes to `processed/`.

        `stamp` is of the file that was read: another file that was put there instead is left alone.
        """
        self.check_owner()
        self.seal()
        stage = self.job.stage_identity()
        return self._carry_out(self.commit_record(stamp, stage, replace_results=replace_results))

    def commit_record(self, stamp: FileStamp, stage: str, *, replace_results: bool) -> CommitRecord:
        """Return the commit record of a success, once all is sealed; `stage` identifies the parts' folder."""
        job = self.job
        archive = self._archive()
        publications = [
            commit.publication(
                job.folders, result, part, 1 if replace_results else archive.number, replaces=replace_results
            )
            for result, part in self.staging.parts.items()
        ]
        if self._rejected_bytes:
            publications.append(self._rejects_to(archive.number))
        if self._rerun:
            self._rerun.say_what_stays(job.folders, publications)
            publications = self._rerun.without_what_was_appended(publications)
            publications = [self._rerun.placed(job.folders, entry) for entry in publications]
        archive, publications = commit.with_free_numbers(
            job.folders, archive, publications, keeps_number=self._rerun is not None
        )
        return CommitRecord(stamp, tuple(publications), archive, self.id, stage, self.is_watched)

    def _archive(self) -> Publication:
        """Return where the input goes if that is free: for a rerun where it was."""
        archive = Publication(self.job.portable(self.job.input_path), "processed", self.job.name)
        return archive.with_number(self._rerun.before.archive.number) if self._rerun else archive

    def _rejects_to(self, number: int) -> Publication:
        """Return where the rejected lines are published."""
        part, stamp = decision.OF_JOB + REJECTED, FileStamp.of(os.lstat(self.job.path(REJECTED)))
        return Publication(
            part,
            "failed",
            self.job.name,
            number,
            REJECTS_ENDING,
            inode=stamp.inode,
            size_bytes=stamp.size_bytes,
            mtime_ns=stamp.mtime_ns,
        )

    def bury(self, report: Mapping[str, Any]) -> RolledForward:
        """Commit a failure and roll it forward: no result, the input goes to `failed/` with the report.

        Lines that this run has rejected go there as well.
        """
        job = self.job
        job.check_owner()
        job.check_place()  # a missing folder may have caused the failure
        records = {REPORT: REPORT_ENDING, **({REJECTED: REJECTS_ENDING} if self._can_keep_rejects() else {})}
        self._clear(*records)
        report = {**report, "replaces": self._rerun.as_json()} if self._rerun else report
        write_whole(job.disk, job.folder, REPORT, json.dumps(report, indent=2).encode() + b"\n")
        archive = Publication(job.portable(job.input_path), "failed", job.name)
        records_to = [
            Publication(decision.OF_JOB + record, "failed", job.name, extra=extra)
            for record, extra in records.items()
        ]
        number = commit.next_number(job.folders, archive, *records_to)
        archive, *records_to = (replace(move, number=number) for move in (archive, *records_to))
        return self._carry_out(
            CommitRecord(FileStamp.of(os.lstat(job.input_path)), tuple(records_to), archive, self.id)
        )

    def retry(self, not_before: float) -> None:
        """Leave the input until a time (seconds since 1970); the attempt is remembered across restarts."""
        self.job.check_owner()
        self.job.check_place()
        self._leave(attempts=self.attempts + 1, not_before=not_before, interrupted=0, changing=None)

    def wait_until_quiet(self, look: Look, not_before: float) -> None:
        """Leave the input while someone writes to it; it is adopted once it is unchanged at the given time.

        That costs no attempt.
        """
        self.job.check_owner()
        self.job.check_place()
        self._leave(not_before=not_before, changing=look)

    def leave(self) -> None:
        """Leave the input as it is, in good order; adopting it again does not count as an interruption."""
        self.job.check_owner()
        self._leave()

    def release(self) -> None:
        """Release the input as it is.

        Whoever adopts it rolls the commit record forward, resumes from the checkpoint, or starts over.
        After a claim has ended, this does nothing.
        """
        if not self.job.is_held():
            return
        try:
            self._close_rejects()
            if self.job.is_owner() and self.job.is_decided():
                self.staging.close()
            else:
                saved = self._saved.parts if self._saved else ()
                self.staging.discard(keep={self.job.folders.absolute(part.path) for part in saved})
        finally:
            self.job.unlock()

    def _leave(self, **changes: Any) -> None:
        self.job.remember(replace(self._remembered, was_left=True, **changes))
        self.release()

    def is_lost(self) -> bool:
        """Return whether another owner has the input by now; not if the whole spool has vanished."""
        try:
            if self.job.is_held():
                self.job.check_owner()
        except LostClaimError:
            return True
        except OSError:
            return False
        return False

    def _carry_out(self, commit_record: CommitRecord) -> RolledForward:
        """Write the commit record and roll it forward."""
        job = self.job
        job.check_owner()
        job.check_place()
        job.make_durable()
        decision.write_record(job.disk, job.folder, commit_record)
        return job.roll_forward(commit_record)

    def _resume(self, saved: Checkpoint, stamp: FileStamp, fingerprint: str) -> None:
        """Restore parts and rejected lines to the state of a checkpoint.

        Raises:
            ValueError: something has changed since.
        """
        if saved.stamp != stamp:
            raise ValueError("the input has changed")
        if saved.fingerprint != fingerprint:
            raise ValueError("the pipeline has changed")
        self._resume_rejects(saved.rejected_bytes)
        absolute = self.job.folders.absolute
        if not all(self.job.is_own_part(absolute(part.path)) for part in saved.parts):
            raise ValueError("results go elsewhere now")
        parts = {part.result: Part(absolute(part.path), part.size_bytes, part.lines) for part in saved.parts}
        self.staging.resume(parts, saved.sent)

    def _resume_rejects(self, size_bytes: int) -> None:
        """Resume the rejected lines as they were at the checkpoint.

        Raises:
            ValueError: they are not all there.
        """
        path = self.job.path(REJECTED)
        kept_bytes = os.path.getsize(path) if os.path.isfile(path) and not os.path.islink(path) else 0
        if kept_bytes < size_bytes:
            raise ValueError("lines that were set aside are gone")
        if size_bytes:
            self.job.disk.truncate(path, size_bytes)
            self._rejects = self.job.disk.reopen(path)
            self._rejected_bytes = size_bytes

    def _seal_rejects(self) -> None:
        if self._rejects is not None:
            descriptor, self._rejects = self._rejects, None
            try:
                self.job.disk.sync(descriptor)
                size_bytes = os.fstat(descriptor).st_size
            finally:
                self.job.disk.close(descriptor)
            if size_bytes != self._rejected_bytes or not os.path.lexists(self.job.path(REJECTED)):
                raise ConservationError("someone else has changed or removed the lines that were set aside")
            self.job.disk.sync_folder(self.job.folder)

    def _can_keep_rejects(self) -> bool:
        """Make the rejected lines durable, if there are any; return whether they can be published."""
        try:
            self._seal_rejects()
        except ConservationError as error:
            log.warning("%s: %s", shown(self.name), error)
            return False
        return self._rejected_bytes > 0

    def _close_rejects(self) -> None:
        if self._rejects is not None:
            descriptor, self._rejects = self._rejects, None
            self.job.disk.close(descriptor)
