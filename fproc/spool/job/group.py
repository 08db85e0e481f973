"""Several small inputs at once, which share as much of the protocol as they can.

Each input has its lock, its rename and its commit as it would have alone, in the same order. They share the
fsyncs of folders, and the file of the commit records: it gets a name for each input in `.fproc/commits/`, and
getting that name is the instant of that input's commit. So what a crash leaves of a group is, for each of its
inputs, what it could leave of that input alone, and whoever adopts that need not know of groups.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from fproc.base.errors import ConservationError, LostClaimError, ResultNameError
from fproc.spool.checks.home import Home
from fproc.spool.disk.contents import sync_contents, sync_unless
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.paths import is_at
from fproc.spool.job import commit, decision, reruns
from fproc.spool.job.attempts import Attempts
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import CommitRecord, FileStamp
from fproc.spool.job.job import Job, RolledForward, part_prefix
from fproc.spool.job.unjournaled import take_first_name
from fproc.spool.layout import Folders
from fproc.spool.locks.locks import JobLock, Locks
from fproc.spool.output.appends import Appender
from fproc.spool.output.parts import Part

Ending = RolledForward | OSError | LostClaimError | ConservationError | ResultNameError
"""How a claim in a group ended, or the error that prevents it."""

FEW = 4
"""For fewer inputs than this, each is asked for: that takes no longer than a look at a folder."""

_NO_UNNAMED_FILES = frozenset(
    {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.EPERM, errno.ENOENT}
)


class Groups:
    """Claims and commits inputs together that have no earlier run.

    Args:
        disk: makes the calls.
        folders: the spool's.
        home: the spool's.
        lock_manager: holds the jobs.
        appender: appends to results.
    """

    def __init__(
        self, disk: Disk, folders: Folders, home: Home, lock_manager: Locks, appender: Appender
    ) -> None:
        self._disk = disk
        self._folders = folders
        self._home = home
        self._lock_manager = lock_manager
        self._appender = appender

    def claim(self, names: Sequence[str]) -> dict[str, Claim | OSError | None]:
        """Take inputs from `unprocessed/`.

        Returns:
            For each name a claim, or the error that prevented it; or None if it has to be claimed alone: it
            is gone, or there is a job of its name.

        Raises:
            OSError: the disk refuses a step that all of them share; nothing is held.
        """
        outcomes: dict[str, Claim | OSError | None] = dict.fromkeys(names)
        holds: dict[str, JobLock] = {}
        claims: list[Claim] = []
        try:
            self._hold(names, holds, outcomes)
            for name in self._with_traces(holds):
                holds.pop(name).release()
            waiting = {f"{self._folders.unprocessed}/{name}": name for name in holds}
            synced = {
                waiting[path]: result for path, result in sync_contents(self._disk, list(waiting)).items()
            }
            for name, hold in list(holds.items()):
                outcome = outcomes[name] = self._take(name, hold, synced.get(name))
                if isinstance(outcome, Claim):
                    claims.append(outcome)
                else:
                    hold.release()
                del holds[name]
            if claims:
                self._disk.sync_folder(self._folders.underprocess)
                for claim in claims if self._disk.has_halves else ():
                    take_first_name(self._disk, claim.job, f"{self._folders.unprocessed}/{claim.name}")
                self._disk.sync_folder(self._folders.unprocessed)
        except BaseException:
            for claim in claims:
                claim.release()
            for hold in holds.values():
                hold.release()
            raise
        return outcomes

    def _hold(
        self, names: Sequence[str], holds: dict[str, JobLock], outcomes: dict[str, Claim | OSError | None]
    ) -> None:
        """Lock the jobs of these names, as far as they are free."""
        for name in names:
            try:
                hold = self._lock_manager.hold_new(name)
            except OSError as error:
                outcomes[name] = error
            else:
                holds.update({name: hold} if hold else {})

    def _take(self, name: str, hold: JobLock, synced: int | OSError | None) -> Claim | OSError | None:
        """Take one input whose job is held; if that fails, the job is still held."""
        if isinstance(synced, OSError):
            return synced
        job = Job(self._disk, self._folders, self._home, name, hold, appender=self._appender)
        try:
            self._disk.begin_move(f"{self._folders.unprocessed}/{name}", job.input_path)
            status = job.look_at_input()
            if status is None:
                return None
            sync_unless(self._disk, job.input_path, status, synced)
        except (FileNotFoundError, FileExistsError):
            return None
        except OSError as error:
            return error
        return Claim(job, Attempts())

    def commit(self, sealed: Mapping[Claim, FileStamp], *, replace_results: bool) -> dict[Claim, Ending]:
        """Commit the success of claims whose results are written, and roll that forward.

        `sealed` has the stamp of the file that was read for each. A claim that fails here is not ended.
        """
        return _Commit(
            self._disk, self._folders, self._home, self._appender, sealed, replace_results=replace_results
        ).run()

    def _with_traces(self, holds: Mapping[str, JobLock]) -> list[str]:
        """Return the names of which a crash has left something, now that they are locked."""
        committed = set(os.listdir(self._folders.commits))
        prefixes = {part[: len(part_prefix(""))] for part in os.listdir(self._home.stage)}
        return [name for name in holds if name in committed or part_prefix(name) in prefixes]


class _Commit:
    """One group on its way from written results to archived inputs, step by step."""

    def __init__(
        self,
        disk: Disk,
        folders: Folders,
        home: Home,
        appender: Appender,
        sealed: Mapping[Claim, FileStamp],
        *,
        replace_results: bool,
    ) -> None:
        self._disk = disk
        self._folders = folders
        self._home = home
        self._appender = appender
        self._stage = home.stage
        self._stamps = sealed
        self._replace_results = replace_results
        self._identity = ""
        self._open_claims = list(sealed)
        self._ended: dict[Claim, Ending] = {}
        self._decided: dict[Claim, CommitRecord] = {}
        self._written: dict[Claim, CommitRecord] = {}
        self._keeps_records = os.path.isdir(folders.published)
        self._has_late_records = True

    def run(self) -> dict[Claim, Ending]:
        """Take all steps; an error of one claim ends that claim, one in what they share ends all of them."""
        try:
            self._identity = self._home.check_for_commit()
            self._sync_parts()
            self._each(self._seal)
            if self._has_parts():
                self._share(self._stage)
            self._each(self._decide)
            self._write_down()
            self._append()
            self._each(self._publish)
            commit.sync_targets(self._disk, self._folders, self._moves())
            self._end(commit.end_publication)
            if not all(move.appends for move in self._moves()):
                self._share(self._stage)  # a part that came back after its record is gone would stay for ever
            self._each(self._archive)
            self._share(self._folders.processed)
            self._end(commit.end_archiving)
            self._share(self._folders.underprocess)
            self._has_late_records = self._may_have_late_records()
            self._each(self._forget)
            if any(commit_record.is_watched for commit_record in self._decided.values()):
                self._share(self._folders.late)
            self._share(self._folders.commits)  # a record that came back would count for a later input
            self._each(self._let_go)
        except OSError as error:
            self._ended |= dict.fromkeys(self._open_claims, error)
        return self._ended

    def _each(self, step: Callable[[Claim], None]) -> None:
        for claim in list(self._open_claims):
            try:
                step(claim)
            except (OSError, LostClaimError, ConservationError, ResultNameError) as error:
                self._leave(claim, error)

    def _leave(self, claim: Claim, ending: Ending) -> None:
        self._open_claims.remove(claim)
        self._ended[claim] = ending

    def _share(self, *folders: str) -> None:
        if self._open_claims:
            for folder in folders:
                self._disk.sync_folder(self._folders.absolute(folder))

    def _moves(self) -> list[decision.Publication]:
        return [move for claim in self._open_claims for move in self._decided[claim].publications]

    def _has_parts(self) -> bool:
        """Return whether some results are files; others are texts in the commit records."""
        return any(part.path for claim in self._open_claims for part in claim.staging.parts.values())

    def _sync_parts(self) -> None:
        """Make the parts of all claims durable, several at a time."""
        open_parts: list[tuple[Claim, Part, int]] = []

        def begin(claim: Claim) -> None:
            claim.check_owner()
            open_parts.extend((claim, part, descriptor) for part, descriptor in claim.staging.open_parts())

        self._each(begin)
        errors = self._disk.sync_all([descriptor for _, _, descriptor in open_parts])
        for (claim, part, _), error in zip(open_parts, errors, strict=True):
            part.is_durable = error is None
            if error and claim in self._open_claims:
                self._leave(claim, error)

    def _seal(self, claim: Claim) -> None:
        claim.job.prepare_results(claim.staging.parts)
        claim.staging.seal_with_others()

    def _decide(self, claim: Claim) -> None:
        self._decided[claim] = claim.commit_record(
            self._stamps[claim], self._identity, replace_results=self._replace_results
        )

    def _write_down(self) -> None:
        """Make all commit records durable, in one file with a name for each."""
        if not self._open_claims:
            return
        self._written = dict(self._decided)
        by_name = {claim.name: decision.as_json(self._decided[claim]) for claim in self._open_claims}
        version = decision.record_version(*self._written.values())
        data = json.dumps({"version": version, "decisions": by_name}).encode()
        try:
            record = self._disk.create_unnamed(self._folders.commits)
            try:
                self._disk.write(record, data)
                self._name(record, self._open_claims[0])
            except BaseException:
                self._disk.close(record)
                raise
        except LostClaimError as error:
            self._leave(self._open_claims[0], error)
            self._write_down()
            return
        except OSError as error:
            if error.errno not in _NO_UNNAMED_FILES:
                raise
            self._each(self._commit_alone)  # the filesystem or the system has no unnamed files
            return
        try:
            self._each_that_is_ours(lambda claim: self._name(record, claim), self._open_claims[1:])
            self._each_that_is_ours(lambda claim: self._confirm(record, claim), self._open_claims)
            # Only now: without a journal, what was fsynced without a name is not there under one.
            self._disk.sync(record)
        finally:
            self._disk.close(record)
        self._share(self._folders.commits)

    def _each_that_is_ours(self, step: Callable[[Claim], None], claims: Sequence[Claim]) -> None:
        """Take a step of the commit, in which an error of the disk ends all claims."""
        for claim in list(claims):
            try:
                step(claim)
            except LostClaimError as error:
                self._leave(claim, error)

    def _name(self, record: int, claim: Claim) -> None:
        """Commit one input, after a check at the last moment that this claim still owns it.

        Raises:
            LostClaimError: it does not.
        """
        path = claim.job.shared_record
        claim.check_owner()
        try:
            self._disk.give_name(record, path)
        except FileExistsError:  # an earlier owner, which has lost the job to this one, was quicker
            claim.check_owner()
            self._disk.unlink(path)
            self._disk.give_name(record, path)

    def _confirm(self, record: int, claim: Claim) -> None:
        """Revoke a commit that was made at the moment in which the claim was lost.

        Raises:
            LostClaimError: it was lost.
        """
        try:
            claim.check_owner()
        except LostClaimError:
            if is_at(record, claim.job.shared_record):
                self._disk.unlink(claim.job.shared_record)
            raise

    def _commit_alone(self, claim: Claim) -> None:
        self._leave(claim, claim.commit(self._stamps[claim], replace_results=self._replace_results))

    def _append(self) -> None:
        """Append to each result what all claims have for it, in the order of their commits."""
        claims: dict[str, list[Claim]] = {}
        for claim in self._open_claims:
            for move in self._decided[claim].appended:
                claims.setdefault(move.name, []).append(claim)
        for name in sorted(claims):
            commit_records = [self._decided[claim] for claim in claims[name]]
            try:
                appended = commit.append(self._folders, self._appender, name, commit_records)
            except OSError as error:
                for claim in claims[name]:
                    if claim in self._open_claims:
                        self._leave(claim, error)
            else:
                self._decided |= zip(claims[name], appended, strict=True)
        self._written = dict(self._decided)  # what was written lacks the places, and nobody needs them there

    def _publish(self, claim: Claim) -> None:
        job, commit_record = claim.job, self._decided[claim]
        self._decided[claim] = commit.publish(self._disk, self._folders, job.folder, commit_record)

    def _archive(self, claim: Claim) -> None:
        job, commit_record = claim.job, self._decided[claim]
        self._decided[claim] = commit.archive(self._disk, self._folders, job.folder, commit_record)

    def _end(self, end: Callable[[Disk, Folders, str, CommitRecord], None]) -> None:
        """Do the second half of moves, where they have one."""
        if self._disk.has_halves:
            self._each(lambda claim: end(self._disk, self._folders, claim.job.folder, self._decided[claim]))

    def _forget(self, claim: Claim) -> None:
        job, commit_record = claim.job, self._decided[claim]
        if self._keeps_records:
            reruns.forget(self._disk, self._folders, commit_record)
        if commit_record is not self._written[claim]:  # a name was taken, so there is a newer record
            job.finish(commit_record)
        elif commit_record.is_watched:
            job.keep_record(job.shared_record, commit_record)
        else:
            if self._has_late_records:
                job.forget_earlier(commit_record)
            self._disk.unlink(job.shared_record)

    def _may_have_late_records(self) -> bool:
        """Return whether records of earlier inputs are kept, one of which may have a name of these."""
        if len(self._open_claims) < FEW:
            return True
        with suppress(FileNotFoundError), os.scandir(self._folders.late) as entries:
            return next(entries, None) is not None
        return False

    def _let_go(self, claim: Claim) -> None:
        claim.job.unlock()
        self._leave(claim, RolledForward.of(claim.name, self._decided[claim]))
