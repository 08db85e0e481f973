"""Owning an input: from the lock and the rename that claim it to the record that decides about it."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fproc.spool import decision as decisions
from fproc.spool.decision import Decision, Publication, Stamp
from fproc.spool.disk import Disk, is_at, unlink_if_there, write_whole
from fproc.spool.folders import Folders
from fproc.spool.staging import Staging

RETRY = "retry.json"
MARKER = "marker.json"
REJECTED = "rejected.jsonl"
REPORT = "error.json"


@dataclass(frozen=True, slots=True)
class RetryState:
    """What is remembered of the failed attempts at an input; `not_before` is seconds since 1970."""

    attempts: int = 0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class NotYet:
    """An input that is to be tried again, but not before a time, in seconds since 1970."""

    not_before: float


@dataclass(frozen=True, slots=True)
class Settled:
    """An input whose decision an earlier owner had made, and which has now been carried out."""

    name: str
    succeeded: bool
    results: tuple[str, ...]


class Claim:
    """An input that this process alone owns, until one of the methods that end the claim is called.

    Those are `commit` and `bury` (for good), `retry` (to be taken up again at a time) and `release` (to be
    taken up again). The first three raise `OSError` if the disk refuses; then `release` ends the claim.
    Whatever happens, the lock goes with the process.
    """

    def __init__(self, job: Job, retry: RetryState, staging: Staging) -> None:
        self.name = job.name
        self.path = job.input_path
        self.attempts = retry.attempts
        self.staging = staging
        self._job = job
        self._rejects: int | None = None

    def reject(self, data: bytes) -> None:
        """Add to the lines that are set aside."""
        if self._rejects is None:
            self._job.check_owner()
            self._rejects = self._job.disk.create(self._job.path(REJECTED))
        self._job.disk.write(self._rejects, data)

    def commit(self, stamp: Stamp, *, replace_results: bool = False) -> Settled:
        """Decide for success and carry it out: results published, input in `processed/`.

        `stamp` is that of the file that was read: another one that was put in its place is left alone.
        """
        job = self._job
        job.check_owner()
        self.staging.seal()
        self._seal_rejects()
        archive = self._numbered(Publication(job.portable(job.input_path), "processed", job.name))
        publications = [
            Publication(
                job.portable(part),
                job.portable(job.folders.results),
                result,
                1 if replace_results else archive.number,
                replaces=replace_results,
            )
            for result, part in self.staging.parts.items()
        ]
        if os.path.exists(job.path(REJECTED)):
            part = job.portable(job.path(REJECTED))
            publications.append(Publication(part, "failed", job.name, archive.number, ".rejected.jsonl"))
        return self._settle(stamp, publications, archive)

    def bury(self, report: Mapping[str, Any]) -> Settled:
        """Decide for failure and carry it out: no result, the input in `failed/` with the report."""
        job = self._job
        job.check_owner()
        self.staging.discard()
        self._drop_rejects()
        write_whole(job.disk, job.folder, REPORT, json.dumps(report, indent=2).encode() + b"\n")
        archive = self._numbered(Publication(job.portable(job.input_path), "failed", job.name))
        part = job.portable(job.path(REPORT))
        report_to = Publication(part, "failed", job.name, archive.number, ".error.json")
        return self._settle(Stamp.of(os.lstat(job.input_path)), [report_to], archive)

    def retry(self, not_before: float) -> None:
        """Give the input up until a time (seconds since 1970); the attempt is remembered across restarts."""
        self._job.check_owner()
        state = {"attempts": self.attempts + 1, "not_before": not_before}
        self._job.make_durable()
        write_whole(self._job.disk, self._job.folder, RETRY, json.dumps(state).encode())
        self.release()

    def release(self) -> None:
        """Give the input up as it is; whoever takes it up starts over, or carries out what was decided.

        After a claim has ended, this does nothing.
        """
        if not self._job.is_locked():
            return
        try:
            if not (self._job.is_owner() and self._job.is_decided()):
                self._close_rejects()
                self.staging.discard()
        finally:
            self._job.unlock()

    def _settle(self, stamp: Stamp, publications: list[Publication], archive: Publication) -> Settled:
        """Write the decision and carry it out."""
        job = self._job
        job.check_owner()
        numbered = tuple(entry if entry.replaces else self._numbered(entry) for entry in publications)
        decision = Decision(stamp, numbered, archive)
        job.make_durable()
        decisions.write(job.disk, job.folder, decision)
        return job.carry_out(decision)

    def _numbered(self, move: Publication) -> Publication:
        return Publication(
            move.part, move.folder, move.name, decisions.next_number(self._job.folders, move), move.extra
        )

    def _seal_rejects(self) -> None:
        if self._rejects is not None:
            descriptor, self._rejects = self._rejects, None
            try:
                self._job.disk.sync(descriptor)
            finally:
                self._job.disk.close(descriptor)
            self._job.disk.sync_folder(self._job.folder)

    def _drop_rejects(self) -> None:
        self._close_rejects()
        unlink_if_there(self._job.disk, self._job.path(REJECTED))

    def _close_rejects(self) -> None:
        if self._rejects is not None:
            descriptor, self._rejects = self._rejects, None
            self._job.disk.close(descriptor)


class Job:
    """The locked job folder of an input's name.

    While it is locked, no other process changes what belongs to the name: the job folder, the input in
    `underprocess/`, and the parts whose names begin with the job's prefix.
    """

    def __init__(self, disk: Disk, folders: Folders, stage: str, name: str, lock: int) -> None:
        self.disk = disk
        self.folders = folders
        self.name = name
        self.folder = os.path.join(folders.jobs, name)
        self.input_path = os.path.join(folders.underprocess, name)
        self._stage = stage
        self._prefix = hashlib.sha256(os.fsencode(name)).hexdigest()[:24] + "-"
        self._lock: int | None = lock

    def path(self, record: str) -> str:
        """The path of one of the job's records."""
        return os.path.join(self.folder, record)

    def portable(self, path: str) -> str:
        """A path as records keep it."""
        return self.folders.portable(path)

    def staging(self) -> Staging:
        """Where the results of a new claim grow."""
        return Staging(self.disk, lambda: self._stage, f"{self._prefix}{secrets.token_hex(4)}-")

    def make_durable(self) -> None:
        """Make the job folder's own name survive power loss, before a record in it has to."""
        self.disk.sync_folder(self.folders.jobs)

    def is_decided(self) -> bool:
        """Whether a commit record is there, durable or not."""
        return os.path.lexists(self.path(decisions.RECORD))

    def retry_state(self) -> RetryState:
        """What is remembered of failed attempts."""
        try:
            with open(self.path(RETRY), encoding="ascii") as file:
                value = json.load(file)
            state = RetryState(int(value["attempts"]), float(value["not_before"]))
        except (FileNotFoundError, ValueError, TypeError, KeyError, OverflowError):
            return RetryState()
        return state if math.isfinite(state.not_before) else RetryState(state.attempts)

    def settle_if_decided(self) -> Settled | None:
        """Carry out the decision of an earlier owner, if there is one."""
        decision = decisions.read(self.folder)
        if decision is None:
            return None
        decisions.make_durable(self.disk, self.folders, self.folder, decision)
        return self.carry_out(decision)

    def carry_out(self, decision: Decision) -> Settled:
        """Carry out a decision, remove all traces of the job, and unlock it."""
        done = decisions.carry_out(self.disk, self.folders, self.folder, decision)
        self.clean()
        self.unlock()
        results = tuple(os.path.basename(move.target) for move in done.publications if not move.extra)
        return Settled(self.name, done.archive.folder == "processed", results)

    def clean(self, *, keep_retry: bool = False) -> None:
        """Remove parts and records, whichever claim made them."""
        for part in os.listdir(self._stage):
            if part.startswith(self._prefix):
                unlink_if_there(self.disk, os.path.join(self._stage, part))
        self.disk.sync_folder(self._stage)  # a part that came back would have no job to remove it
        for record in os.listdir(self.folder):
            path = self.path(record)
            if not (keep_retry and record == RETRY) and not os.path.isdir(path):
                self.disk.unlink(path)
        self.disk.sync_folder(self.folder)

    def unlock(self) -> None:
        """Give the lock back; the folder goes too if nothing is in it."""
        if self.is_owner():
            with suppress(OSError):  # not empty: it remembers a retry or a decision
                self.disk.remove_folder(self.folder)
        lock, self._lock = self._lock, None
        if lock is not None:
            self.disk.close(lock)

    def is_owner(self) -> bool:
        """Whether the locked folder is still the job's: an operator may have removed it."""
        return self._lock is not None and is_at(self._lock, self.folder)

    def check_owner(self) -> None:
        """See that this process still owns the input.

        Raises:
            OSError: `ESTALE`, because someone removed the job folder: another process may be the owner now.
        """
        if not self.is_owner():
            raise OSError(
                errno.ESTALE, "the job folder was removed while its file was processed", self.folder
            )

    def is_locked(self) -> bool:
        """Whether this process still has the lock."""
        return self._lock is not None
