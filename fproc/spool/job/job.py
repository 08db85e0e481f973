"""The job folder of an input's name: its lock, and the records in it."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Collection, Mapping
from functools import lru_cache

from fproc.base.errors import LostClaimError
from fproc.base.ids import new_id, sha256
from fproc.base.text import shown
from fproc.base.values import asdict, dataclass, field
from fproc.pipeline.processors.options.result_names import APPENDED
from fproc.spool.checks.home import Home
from fproc.spool.disk.disk import Disk, unlink_if_there, write_whole
from fproc.spool.disk.paths import is_there, kind_of_file, same_file
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job import commit, decision, reruns
from fproc.spool.job.attempts import ATTEMPTS, Attempts, read_attempts
from fproc.spool.job.checkpoint import Checkpoint
from fproc.spool.job.decision import CommitRecord
from fproc.spool.layout import Folders
from fproc.spool.locks.lease_folders import is_of_lease
from fproc.spool.locks.locks import JobLock
from fproc.spool.output.appends import Appender
from fproc.spool.output.parts import Part, Staging

log = logging.getLogger("fproc.spool")

ASIDE = "taken"
MARKER = "marker.json"
REJECTED = "rejected.jsonl"
REPORT = "error.json"


@dataclass(frozen=True, slots=True)
class RolledForward:
    """An input whose commit record was rolled forward.

    `job` is the claim's id, `error` the reason if it has failed since, `archived` its name in the archive.
    """

    name: str
    succeeded: bool
    results: tuple[str, ...]
    job: str = field(default="", compare=False)
    error: str = ""
    archived: str = field(default="", compare=False)

    @classmethod
    def of(cls, name: str, done: CommitRecord) -> RolledForward:
        """Return the outcome of an input whose commit record was rolled forward."""
        succeeded = done.archive.folder == "processed"
        error = late_reason(done) if done.is_watched and not succeeded else ""
        return cls(name, succeeded, done.results, done.job, error, done.archived)


class Job:
    """The job of an input's name, held by this process.

    While it is held, no other process changes what belongs to the name: the job folder, the input in
    `underprocess/`, and the parts whose names begin with the job's prefix.
    """

    def __init__(
        self, disk: Disk, folders: Folders, home: Home, name: str, hold: JobLock, *, appender: Appender
    ) -> None:
        self.disk = disk
        self.folders = folders
        self.name = name
        self.folder = hold.folder
        self.input_path = f"{folders.underprocess}/{name}"
        self.shared_record = f"{folders.commits}/{name}"
        self.aside_path = f"{hold.folder}/{ASIDE}"
        self._home = home
        self._appender = appender
        self._stage = home.stage
        self.prefix = part_prefix(name)
        self._hold: JobLock | None = hold
        self.is_lease = hold.is_lease
        self.is_fresh_start = hold.is_fresh_start

    def path(self, record: str) -> str:
        """Return the path of one of the job's records."""
        return f"{self.folder}/{record}"

    def portable(self, path: str) -> str:
        """Return a path as records keep it."""
        return self.folders.portable(path)

    def is_own_part(self, path: str) -> bool:
        """Return whether a path is that of a part of this job, in the folder where parts are made now."""
        return os.path.dirname(path) == self._stage and os.path.basename(path).startswith(self.prefix)

    def stage_identity(self) -> str:
        """Return the identity of the folder in which parts are made.

        Raises:
            OSError: it has vanished.
        """
        return self._home.stage_identity()

    def staging(self, token: str) -> Staging:
        """Return the staging of the results of a new claim, of which `token` is the id."""
        home = self._home
        prefix = f"{self.prefix}{token}-"
        lock = self._hold.descriptor if self._hold else None
        held = None if lock is None else (lock,)
        return Staging(self.disk, home.result_folders.stage, prefix, mode=home.results_mode, held=held)

    def prepare_results(self, parts: Mapping[str, Part]) -> None:
        """Prepare the names of results for their commit, see `ResultFolders`.

        Raises:
            ResultNameError: a result cannot have its name.
            OSError: the disk refuses, or the folder of results has vanished.
        """
        try:
            paths = {result.removeprefix(APPENDED): part.path for result, part in parts.items()}
            self._home.result_folders.prepare(self.disk, paths)
            appended = [result.removeprefix(APPENDED) for result in parts if result.startswith(APPENDED)]
            self._home.result_folders.check_appended(appended)
        except FileNotFoundError:
            self.check_place()
            raise

    def make_durable(self) -> None:
        """Make the job folder's own name durable, which comes before any durable record in it."""
        if self._hold:
            self._hold.make_durable()

    def has_input(self) -> bool:
        """Return whether an input of this name is being worked on, by this host or another."""
        return is_there(self.input_path) if self.is_lease else os.path.lexists(self.input_path)

    def take_input(self, waiting: str) -> None:
        """Move an input to `underprocess/`; with a lease, by way of its folder.

        An owner that has lost the lease meanwhile cannot put anything there, so it cannot replace the first
        input of a name with a second one, where renames replace.

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
        """Return the status of the input, or None if it is not a file; then it is put back.

        Someone has put that where a file was. If its name is taken by now, it is moved out of the way, into
        `.fproc/`, and the log says so.
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
        by_way_path = self.path(commit.BY_WAY)
        if not self.is_lease or self.is_decided() or not os.path.lexists(by_way_path):
            return
        if same_file(by_way_path, self.input_path):  # loss of power has brought back a name
            self.disk.unlink(by_way_path)
            return
        try:
            self.disk.take(by_way_path, self.input_path)
        except FileExistsError:  # someone has put a file there by hand
            self.disk.move(by_way_path, os.path.join(self.folders.unprocessed, self.name))

    def is_decided(self) -> bool:
        """Return whether a commit record is there, durable or not."""
        return os.path.lexists(self.path(decision.RECORD)) or os.path.lexists(self.shared_record)

    def attempts(self) -> Attempts:
        """Return the record of earlier runs."""
        return read_attempts(self.folder)

    def remember(self, attempts: Attempts) -> None:
        """Make the record of the runs so far durable."""
        self.make_durable()
        write_whole(self.disk, self.folder, ATTEMPTS, json.dumps(asdict(attempts)).encode())

    def roll_forward_if_decided(self) -> RolledForward | None:
        """Roll forward the commit record of an earlier owner, if there is one.

        Raises:
            OSError: the disk refuses, or a result is neither waiting to be published nor known to be.
        """
        commit_record = decision.read_record(self.folder)
        if commit_record is None:
            commit_record = decision.read_shared(self.folders, self.name)
            if commit_record is None:
                return None
            self._make_shared_record_durable()
        commit.check_parts(self.folders, self.folder, commit_record)
        commit.make_durable(self.disk, self.folders, self.folder, commit_record)
        return self.roll_forward(commit_record)

    def _make_shared_record_durable(self) -> None:
        """Make a record that others share durable, as its writer may have died before it was.

        It had no name when it was written, so without a journal the file itself is fsynced again, too.
        """
        record = self.disk.open_to_sync(self.shared_record)
        try:
            self.disk.sync(record)
        finally:
            self.disk.close(record)
        self.disk.sync_folder(self.folders.commits)

    def roll_forward(self, commit_record: CommitRecord) -> RolledForward:
        """Roll a commit record forward, remove all traces of the job, and unlock it."""
        done = commit.roll_forward(
            self.disk, self.folders, self._appender, self.folder, commit_record, by_way=self.is_lease
        )
        reruns.keep(self.disk, self.folders, self.folder, done)
        reruns.end_rerun(self.disk, self.folders, self.folder, done)
        self.finish(done)
        self.unlock()
        return RolledForward.of(self.name, done)

    def finish(self, done: CommitRecord) -> None:
        """Remove all traces of the job, which was rolled forward; keep its record if the input is watched."""
        if done.is_watched:
            self._keep_record(done)
        else:
            self.forget_earlier(done)
        self.clean()

    def _keep_record(self, done: CommitRecord) -> None:
        """Keep a record that was rolled forward, durably: the input may still be written to."""
        record = self.path(decision.RECORD)
        if not os.path.lexists(record):
            record = self.shared_record
        elif os.path.lexists(self.shared_record):  # it has the older names: it must not outlive the other one
            self.remove(self.shared_record)
            self.disk.sync_folder(self.folders.commits)
        self.keep_record(record, done)
        self.disk.sync_folder(kept_in(self.folders, done))

    def keep_record(self, record: str, done: CommitRecord) -> None:
        """Keep a record; the caller makes that durable."""
        self.disk.replace(record, os.path.join(kept_in(self.folders, done), done.archived))

    def forget_earlier(self, done: CommitRecord) -> None:
        """Remove the record that is kept of an earlier input with this one's archived name."""
        record = f"{kept_in(self.folders, done)}/{done.archived}"
        if os.path.lexists(record):
            unlink_if_there(self.disk, record)

    def clean(self, *, keep: Collection[str] = (), keep_parts: Collection[str] = ()) -> None:
        """Remove parts and records, whichever claim made them, except records and parts of these names.

        The note of a run that replaces results stays: it is removed after the commit, or when it is stale.
        """
        for part in os.listdir(self._stage):
            if part.startswith(self.prefix) and part not in keep_parts:
                self.remove(os.path.join(self._stage, part))
        self.disk.sync_folder(self._stage)  # a part that came back would have no job to remove it
        if os.path.lexists(self.shared_record):  # it must be gone before a later record of the job itself
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
        """Move something out of the way; return its new path, as it may be shown."""
        aside = self.folders.within(".fproc", f"aside-{new_id()}")
        self.disk.replace(path, aside)
        return shown(aside)

    def clean_all_but(self, saved: Checkpoint | None) -> None:
        """Remove what a run left behind, except the record of its attempts and what its checkpoint needs."""
        if saved is None:
            self.clean(keep=(ATTEMPTS,))
        else:
            parts = {os.path.basename(part.path) for part in saved.parts}
            self.clean(keep=(ATTEMPTS, checkpoints.RECORD, REJECTED), keep_parts=parts)

    def unlock(self) -> None:
        """Release the job; its folder is removed too if it is empty."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.release()

    def is_owner(self) -> bool:
        """Return whether this process still holds the job."""
        return self._hold is not None and self._hold.is_owner()

    def check_owner(self) -> None:
        """Check that this process still owns the input.

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
        """Check that the spool is there, results included: without it nothing may be committed.

        Raises:
            OSError: a folder has vanished.
        """
        self._home.check()

    def is_held(self) -> bool:
        """Return whether this process has not released the job yet."""
        return self._hold is not None


def late_reason(done: CommitRecord) -> str:
    """Return why an input that was written to late has failed."""
    results = ", ".join(map(shown, done.incomplete))
    what = f"its results are incomplete: {results}" if results else "not all of it was processed"
    return f"was written to after it was processed; {what}"


def kept_in(folders: Folders, done: CommitRecord) -> str:
    """Return the folder where records about inputs in an archive are kept."""
    return folders.late if done.archive.folder == "processed" else folders.incomplete


@lru_cache(maxsize=256)
def part_prefix(name: str) -> str:
    """Return the prefix of the names of all parts of the job of a name."""
    return sha256(os.fsencode(name)).hexdigest()[:24] + "-"
