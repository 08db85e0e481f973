"""The job folder of an input's name: its lock, and the records in it."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import stat
from collections.abc import Collection
from typing import Any

from fproc.base.errors import LostClaimError
from fproc.base.ids import new_id
from fproc.base.text import shown
from fproc.base.values import asdict, dataclass, field
from fproc.spool.checks.home import Home
from fproc.spool.disk.disk import Disk, unlink_if_there, write_whole
from fproc.spool.disk.paths import is_there, kind_of_file, same_file
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job import commit, reruns
from fproc.spool.job.checkpoint import Checkpoint
from fproc.spool.job.commit import CommitRecord
from fproc.spool.layout import Folders
from fproc.spool.locks.lease_folders import is_of_lease
from fproc.spool.locks.locks import JobLock
from fproc.spool.output.parts import Staging
from fproc.spool.readiness.looks import Look

log = logging.getLogger("fproc.spool")

ASIDE = "taken"
ATTEMPTS = "attempts.json"
MARKER = "marker.json"
REJECTED = "rejected.jsonl"
REPORT = "error.json"


@dataclass(frozen=True, slots=True)
class Attempts:
    """What is remembered of earlier runs of an input.

    `attempts` counts those that failed, `interrupted` those that fproc itself did not survive, since one of
    them got further than `offset_bytes`. The next is not before a time, in seconds since 1970. `was_left`
    says that the input was left in good order, and no run of it has begun since. `changing` is how it looked
    when it was last left because someone was writing to it.
    """

    attempts: int = 0
    not_before: float = 0.0
    interrupted: int = 0
    offset_bytes: int = 0
    was_left: bool = False
    changing: Look | None = None

    def left_seconds(self, now: float, most: float) -> float:
        """Return how long the input is still to wait, at a time in seconds since 1970.

        No delay is longer than `most`: a time that is further off was written while the clock was ahead.
        """
        return min(max(self.not_before - now, 0.0), most)


@dataclass(frozen=True, slots=True)
class NotYet:
    """An input that is to be tried again, but not before a time, in seconds since 1970.

    `wait_seconds` is how long that is. Who has waited so long says for which time, as the clock may have been
    set meanwhile.
    """

    not_before: float
    wait_seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class RolledForward:
    """An input about which was decided, and for which that has been carried out.

    `job` is the claim's id, `error` what is wrong with one that failed since, `archived` its archived name.
    """

    name: str
    succeeded: bool
    results: tuple[str, ...]
    job: str = field(default="", compare=False)
    error: str = ""
    archived: str = field(default="", compare=False)

    @classmethod
    def of(cls, name: str, done: CommitRecord) -> RolledForward:
        """What has become of an input whose decision is carried out."""
        succeeded = done.archive.folder == "processed"
        error = late_reason(done) if done.is_watched and not succeeded else ""
        return cls(name, succeeded, done.results, done.job, error, done.archived)


class Job:
    """The job of an input's name, held by this process.

    While it is held, no other process changes what belongs to the name: the job folder, the input in
    `underprocess/`, and the parts whose names begin with the job's prefix.
    """

    def __init__(self, disk: Disk, folders: Folders, home: Home, name: str, hold: JobLock) -> None:
        self.disk = disk
        self.folders = folders
        self.name = name
        self.folder = hold.folder
        self.input_path = f"{folders.underprocess}/{name}"
        self.shared_record = f"{folders.commits}/{name}"
        self.aside_path = f"{hold.folder}/{ASIDE}"
        self._home = home
        self._stage = home.stage
        self.prefix = part_prefix(name)
        self._hold: JobLock | None = hold
        self.is_lease = hold.is_lease
        self.is_fresh_start = hold.is_fresh_start

    def path(self, record: str) -> str:
        """The path of one of the job's records."""
        return f"{self.folder}/{record}"

    def portable(self, path: str) -> str:
        """A path as records keep it."""
        return self.folders.portable(path)

    def is_own_part(self, path: str) -> bool:
        """Whether a path is that of a part of this job, where parts are made now."""
        return os.path.dirname(path) == self._stage and os.path.basename(path).startswith(self.prefix)

    def stage_identity(self) -> str:
        """Return what tells the folder in which parts are made from others.

        Raises:
            OSError: it has vanished.
        """
        return self._home.stage_identity()

    def staging(self, token: str) -> Staging:
        """Where the results of a new claim grow; `token` is the claim's own."""
        return Staging(self.disk, lambda: self._stage, f"{self.prefix}{token}-")

    def make_durable(self) -> None:
        """Make the job folder's own name survive power loss, before a record in it has to."""
        if self._hold:
            self._hold.make_durable()

    def has_input(self) -> bool:
        """Whether an input of this name is being worked on; another host may just have put it there."""
        return is_there(self.input_path) if self.is_lease else os.path.lexists(self.input_path)

    def take_input(self, waiting: str) -> None:
        """Move an input to `underprocess/`; with a lease, by way of its folder.

        Who has lost the lease meanwhile cannot put anything there, so it cannot bring a second input of the
        name over the first one, where renames replace.

        Raises:
            FileNotFoundError: it is gone.
            FileExistsError: there is another one in `underprocess/`.
        """
        if self.is_lease:
            self.disk.take(waiting, self.path(commit.BY_WAY))
            self.end_transit()
        else:
            self.disk.begin_move(waiting, self.input_path)

    def look_at_input(self) -> os.stat_result | None:
        """Return what there is to say of the input; None if it is no file, which is put back then.

        Someone has put that in the place of a file meanwhile. If its name is taken by now, it is moved out of
        the way, into `.fproc/`, and the log says so.
        """
        status = os.lstat(self.input_path)
        if stat.S_ISREG(status.st_mode):
            return status
        kind = kind_of_file(self.input_path)
        try:
            self.disk.move(self.input_path, os.path.join(self.folders.unprocessed, self.name))
        except FileExistsError:
            aside, name = self._move_aside(self.input_path), shown(self.name)
            log.warning("%s: what was taken %s, and a file waits there; it is now %s", name, kind, aside)
        self.disk.sync_folder(self.folders.unprocessed)
        self.disk.sync_folder(self.folders.underprocess)
        return None

    def end_transit(self) -> None:
        """Bring an input to `underprocess/` that is on its way there, not to an archive."""
        by = self.path(commit.BY_WAY)
        if not self.is_lease or self.is_decided() or not os.path.lexists(by):
            return
        if same_file(by, self.input_path):  # loss of power has brought back a name
            self.disk.unlink(by)
            return
        try:
            self.disk.take(by, self.input_path)
        except FileExistsError:  # someone has put a file there by hand
            self.disk.move(by, os.path.join(self.folders.unprocessed, self.name))

    def is_decided(self) -> bool:
        """Whether a commit record is there, durable or not."""
        return os.path.lexists(self.path(commit.RECORD)) or os.path.lexists(self.shared_record)

    def attempts(self) -> Attempts:
        """What is remembered of earlier runs."""
        return read_attempts(self.folder)

    def remember(self, attempts: Attempts) -> None:
        """Make what is to be remembered durable."""
        self.make_durable()
        write_whole(self.disk, self.folder, ATTEMPTS, json.dumps(asdict(attempts)).encode())

    def roll_forward_if_decided(self) -> RolledForward | None:
        """Carry out the decision of an earlier owner, if there is one.

        Raises:
            OSError: the disk refuses, or a result is neither waiting to be published nor known to have been.
        """
        commit_record = commit.read_record(self.folder)
        if commit_record is None:
            commit_record = commit.read_shared(self.folders, self.name)
            if commit_record is None:
                return None
            self._make_shared_record_durable()
        commit.check_parts(self.folders, self.folder, commit_record)
        commit.make_durable(self.disk, self.folders, self.folder, commit_record)
        return self.roll_forward(commit_record)

    def _make_shared_record_durable(self) -> None:
        """Make a record that others share durable, as its writer may have died before that was done.

        It had no name when it was written, so without a journal the file itself is fsynced again, too.
        """
        record = self.disk.open_to_sync(self.shared_record)
        try:
            self.disk.sync(record)
        finally:
            self.disk.close(record)
        self.disk.sync_folder(self.folders.commits)

    def roll_forward(self, commit_record: CommitRecord) -> RolledForward:
        """Carry out a decision, remove all traces of the job, and unlock it."""
        done = commit.roll_forward(self.disk, self.folders, self.folder, commit_record, by_way=self.is_lease)
        reruns.keep(self.disk, self.folders, self.folder, done)
        reruns.end_rerun(self.disk, self.folders, self.folder, done)
        self.finish(done)
        self.unlock()
        return RolledForward.of(self.name, done)

    def finish(self, done: CommitRecord) -> None:
        """Remove all traces of the job, whose decision is carried out; keep its record if that is wanted."""
        if done.is_watched:
            self._keep_record(done)
        else:
            self.forget_earlier(done)
        self.clean()

    def _keep_record(self, done: CommitRecord) -> None:
        """Keep the record of a decision that is carried out, durably: the input may still be written to."""
        record = self.path(commit.RECORD)
        if not os.path.lexists(record):
            record = self.shared_record
        elif os.path.lexists(self.shared_record):  # it has older names: it must not outlive the other
            self.remove(self.shared_record)
            self.disk.sync_folder(self.folders.commits)
        self.keep_record(record, done)
        self.disk.sync_folder(kept_in(self.folders, done))

    def keep_record(self, record: str, done: CommitRecord) -> None:
        """Keep a record; who calls this makes that durable."""
        self.disk.replace(record, os.path.join(kept_in(self.folders, done), done.archived))

    def forget_earlier(self, done: CommitRecord) -> None:
        """Remove what is kept about an earlier input that lay where this one has been put."""
        kept = f"{kept_in(self.folders, done)}/{done.archived}"
        if os.path.lexists(kept):
            unlink_if_there(self.disk, kept)

    def clean(self, *, keep: Collection[str] = (), keep_parts: Collection[str] = ()) -> None:
        """Remove parts and records, whichever claim made them, but for records and parts of these names.

        The note about a run that replaces results stays: it goes with the decision, or when it is stale.
        """
        for part in os.listdir(self._stage):
            if part.startswith(self.prefix) and part not in keep_parts:
                self.remove(os.path.join(self._stage, part))
        self.disk.sync_folder(self._stage)  # a part that came back would have no job to remove it
        if os.path.lexists(self.shared_record):  # gone before a later record of the job's own is
            self.remove(self.shared_record)
            self.disk.sync_folder(self.folders.commits)
        for record in os.listdir(self.folder):
            path = self.path(record)
            is_kept = record in {*keep, commit.BY_WAY, reruns.NOTE} or (self.is_lease and is_of_lease(record))
            if not is_kept or os.path.isdir(path):
                self.remove(path)
        self.disk.sync_folder(self.folder)

    def remove(self, path: str) -> None:
        """Remove a part or record; a folder, which fproc never makes there, is moved out of the way."""
        if os.path.isdir(path) and not os.path.islink(path):
            log.warning("%s is not fproc's; it is now %s", shown(path), self._move_aside(path))
        else:
            unlink_if_there(self.disk, path)

    def _move_aside(self, path: str) -> str:
        """Move something out of the way; return where it is now, as it may be shown."""
        aside = self.folders.within(".fproc", f"aside-{new_id()}")
        self.disk.replace(path, aside)
        return shown(aside)

    def clean_all_but(self, saved: Checkpoint | None) -> None:
        """Remove what a run left behind, but for what is remembered and what its checkpoint needs."""
        if saved is None:
            self.clean(keep=(ATTEMPTS,))
        else:
            parts = {os.path.basename(part.path) for part in saved.parts}
            self.clean(keep=(ATTEMPTS, checkpoints.RECORD, REJECTED), keep_parts=parts)

    def unlock(self) -> None:
        """Hold the job no more; the folder goes too if nothing is in it."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.release()

    def is_owner(self) -> bool:
        """Whether this process still holds the job."""
        return self._hold is not None and self._hold.is_owner()

    def check_owner(self) -> None:
        """See that this process still owns the input.

        Raises:
            LostClaimError: someone removed the job folder, or has taken it over.
            OSError: the spool has vanished, and the input with it.
        """
        if not self.is_owner():
            self.check_place()
            raise LostClaimError(
                "its job folder was removed or taken over meanwhile; whoever owns it now goes on with it"
            )

    def check_place(self) -> None:
        """See that the spool is there, results included: nothing may be decided about the input without.

        Raises:
            OSError: a folder has vanished.
        """
        self._home.check()

    def is_held(self) -> bool:
        """Whether this process has not let go of the job yet."""
        return self._hold is not None


def late_reason(done: CommitRecord) -> str:
    """Return why an input has failed that was written to late."""
    results = ", ".join(map(shown, done.incomplete))
    what = f"its results are incomplete: {results}" if results else "not all of it was processed"
    return f"was written to after it was processed; {what}"


def kept_in(folders: Folders, done: CommitRecord) -> str:
    """Return the folder where records about inputs in an archive are kept."""
    return folders.late if done.archive.folder == "processed" else folders.incomplete


def part_prefix(name: str) -> str:
    """What the names of all parts begin with that belong to the job of a name."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:24] + "-"


def read_attempts(job_folder: str) -> Attempts:
    """What is remembered in a job folder; nothing, where that is not a record of fproc's."""
    try:
        with open(os.path.join(job_folder, ATTEMPTS), encoding="ascii") as file:
            value = json.load(file)
        found = Attempts(
            int(value["attempts"]),
            float(value["not_before"]),
            int(value.get("interrupted", 0)),
            int(value.get("offset_bytes", 0)),
            value.get("was_left") is True,
            _look(value.get("changing")),
        )
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return Attempts()
    return found if math.isfinite(found.not_before) else Attempts(found.attempts)


def _look(value: Any) -> Look | None:
    """How an input looked, as it stands in a record."""
    if value is None:
        return None
    inode, size_bytes, mtime_ns, ctime_ns = map(int, value)
    return inode, size_bytes, mtime_ns, ctime_ns
