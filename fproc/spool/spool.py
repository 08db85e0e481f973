"""The spool: folders in which an input is always in exactly one state, whatever dies when.

What lies on the disk for an input X (+ there, - not there, ? either):

    state     unprocessed/  underprocess/  commit record  results  processed/   after a crash
    ready          +              -              -           -          -       nothing; a job folder is stale
    claimed        -              +              -           -          -       adopt: go on, or start over
    decided        -              +              +           ?          -       adopt: carry out, never redo
    done           -              -              ?           +          +       remove the job folder

(A failed input is the same with `failed/` for `processed/` and its report for the results.)

From state to state, each by one atomic call, in this order:

    lock     flock on `.fproc/jobs/X/`; the kernel gives it back with the death of its owner
    claim    fsync the file; rename `unprocessed/X` to `underprocess/X`; fsync both folders
    work     results grow as parts in `results/.stage/`, which nobody else reads
    decide   fsync the parts and their folder; rename the commit record into place; fsync the job folder.
             That rename is the instant of commit.
    publish  rename each part to its final name, replacing nothing; fsync the results folder
    archive  rename `underprocess/X` to `processed/X`, replacing nothing; fsync both folders
    clean    unlink what is left of parts and of records; fsync both folders; remove the job folder; unlock

An input in `underprocess/` whose lock is free has lost its owner: any live instance adopts it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from fproc.base.values import replace
from fproc.config.model import Config
from fproc.config.retention import Retention
from fproc.spool import layout
from fproc.spool.checks import condition
from fproc.spool.checks.condition import Disks
from fproc.spool.checks.home import Home
from fproc.spool.checks.moves import check_moves
from fproc.spool.checks.trusted import TrustedTime
from fproc.spool.disk.contents import sync_contents, sync_unless
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.folder_watch import FolderWatch
from fproc.spool.intake.backlog import RunOfNames
from fproc.spool.intake.old_results import ResultNames
from fproc.spool.intake.remover import Remover
from fproc.spool.intake.scanner import Scan, Scanner
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job import reruns
from fproc.spool.job.attempts import Attempts, NotYet
from fproc.spool.job.checkpoint import Checkpoint
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp, appended_text
from fproc.spool.job.group import Ending, Groups
from fproc.spool.job.job import Job, RolledForward
from fproc.spool.job.late import LateWriters
from fproc.spool.job.markers import Markers
from fproc.spool.job.unjournaled import clear_aside, disk_for, take_first_name
from fproc.spool.layout import Folders
from fproc.spool.locks.locks import LockManager, Locks
from fproc.spool.locks.sharing import Sharing
from fproc.spool.output.appends import Appender
from fproc.spool.readiness.closings import Closings
from fproc.spool.readiness.evidence import Evidence, evidence_at
from fproc.spool.readiness.left_alone import LeftAlone
from fproc.spool.readiness.looks import longest_wait_seconds, look_of, quiet_seconds
from fproc.spool.readiness.names import InputNames

log = logging.getLogger("fproc.spool")


class Spool:
    """One watched folder, as this process sees it. Any number of processes may see the same one.

    Args:
        config: where the folders are, and when files are ready.
        disk: makes the calls; by default as durable as the configuration says.
        is_checked: this process's parent has seen that files can be moved between the folders.
        name: that of the spool, as this process's parent has found it; nothing is made then.
        holder: holds jobs; by default by locks, or by leases where other hosts may use the folder.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970.

    Attributes:
        late: looks at inputs that may be written to after they were processed.
        sharing: whether other hosts use this spool too, and how jobs are held.
        trusted_time: gives the time by which things are old enough to be removed, in seconds since 1970.
        closings: what the kernel tells of files in `unprocessed/`, from the first scan on.

    Raises:
        ConfigError: a folder cannot be made or written to.
        OSError: it is not, or not wholly, the spool of that `name` that is there.
    """

    def __init__(
        self,
        config: Config,
        *,
        disk: Disk | None = None,
        is_checked: bool = False,
        name: str = "",
        lock_manager: LockManager | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folders = Folders(config.watch_dir, config.results_dir)
        self.clock = clock
        self._disk = disk or disk_for(config)
        layout.check_places(self.folders)
        name_of_spool = name or layout.prepare(self.folders, self._disk)
        self.home = Home(self.folders, name_of_spool, config.mode_of_results)
        self.home.check()
        if not (is_checked or name):
            check_moves(self.folders, self.home.stage)
        self.trusted_time = TrustedTime(self.folders, clock=clock).now
        self.sharing = Sharing(self.folders, self._disk, lock_manager, monotonic=monotonic)
        mode, lock_manager_now = config.mode_of_results, lambda: self.sharing.lock_manager
        stage = self.home.stage
        self._appender = Appender(self._disk, self.folders, stage, lock_manager_now, appended_text, mode=mode)
        self._idle = FolderWatch(self.folders.underprocess, clock)
        self.closings = Closings(self.folders.unprocessed)
        self._monotonic = monotonic
        self.configure(config)
        self._groups: Groups | None = None
        if isinstance(self.sharing.lock_manager, Locks) and not self._markers.are_used():
            self._groups = Groups(
                self._disk, self.folders, self.home, self.sharing.lock_manager, self._appender
            )
        self.late = LateWriters(
            self._disk,
            self.folders,
            self.home,
            self.sharing,
            self._appender,
            monotonic=monotonic,
            clock=clock,
        )

    def configure(self, config: Config) -> None:
        """Take files from now on as this configuration says, whose folders are the same."""
        self._longest_wait_seconds = longest_wait_seconds(config)
        intake, folder = config.intake, self.folders.unprocessed
        self._intake = intake
        self.names = InputNames(intake)
        self._markers = Markers(self.names, folder, self._disk)
        clocks = {"monotonic": self._monotonic, "clock": self.clock}
        self._scanner = Scanner(folder, intake, **clocks, closings=self.closings)
        self._left_alone = LeftAlone(self.folders.underprocess, self.names.may_be_input, self.names)

    def look(self, scan: Scan) -> Iterator[RunOfNames]:
        """Look at `unprocessed/` step by step (`Scanner.look`); raise `OSError` if it cannot be read."""
        return self._scanner.look(scan)

    def is_still_empty(self) -> bool:
        """Return whether `unprocessed/` and `underprocess/` are unchanged since a scan that found nothing."""
        return self._idle.is_unchanged() and self._scanner.is_still_empty()

    def prune(
        self,
        retention: Retention,
        is_stopping: Callable[[], bool] = lambda: False,
        *,
        names: ResultNames | None = None,
    ) -> None:
        """Remove archived inputs, and results of these `names`, that are not to be kept; for any thread."""
        remover = Remover(self._disk, self.home, self.folders, self.names.may_be_input, names)
        remover.remove(retention, self.trusted_time, is_stopping)

    def disks(self) -> Disks:
        """Return how the folders that work needs, and their disks, are right now."""
        return condition.disks(self.folders, self.home)

    def claim(self, name: str) -> Claim | None:
        """Take an input from `unprocessed/`.

        Returns:
            None if it or its marker is gone, another instance has it, or an earlier input of its name is not
            done yet.

        Raises:
            OSError: the disk refuses; nothing is held.
        """
        job = self._hold(name)
        if job is None:
            return None
        claim = None
        waiting = os.path.join(self.folders.unprocessed, name)
        try:
            job.end_transit()
            if job.has_input() or job.roll_forward_if_decided() is not None:
                return None
            job.clean()
            self._markers.remember(job)
            synced = sync_contents(self._disk, [waiting]).get(waiting)
            if isinstance(synced, OSError):
                raise synced
            job.take_input(waiting)
            status = job.look_at_input()
            if status is None:
                return None
            sync_unless(self._disk, job.input_path, status, synced)
            self._complete_claim(job)
            claim = Claim(job, Attempts()).as_rerun()
        except FileNotFoundError:
            if job.is_owner() and os.path.lexists(waiting) and self._markers.is_there(name):
                raise  # it is one of the folders that is missing
        finally:
            if claim is None:
                job.unlock()
        return claim

    def claim_all(self, names: Sequence[str]) -> dict[str, Claim | OSError | None]:
        """Take several inputs from `unprocessed/`: for each name what `claim` gives, or raises.

        Raises:
            OSError: the disk refuses what concerns them all; nothing is held.
        """
        found: dict[str, Claim | OSError | None] = dict.fromkeys(names)
        if self._groups and self.sharing.is_local:
            found = self._groups.claim(names)
        for name in names:
            if found[name] is None:
                try:
                    found[name] = self.claim(name)
                except OSError as error:
                    found[name] = error
        return found

    def commit_all(self, sealed: Mapping[Claim, FileStamp], *, replace_results: bool) -> dict[Claim, Ending]:
        """Decide for success about claims whose results are written, and carry that out.

        Return how each of them ended, or what stood in its way; then it has not ended.
        """
        assert self._groups
        return self._groups.commit(sealed, replace_results=replace_results)

    def can_commit_together(self, claim: Claim) -> bool:
        """Return whether a claim may be passed to `commit_all`."""
        return self._groups is not None and self.sharing.is_local and claim.is_plain

    def adopt(
        self,
        name: str,
        *,
        is_orphan: bool = False,
        has_died: bool = False,
        seen_version: str = "",
        waited_for: float | None = None,
    ) -> Claim | RolledForward | NotYet | None:
        """Take up an input in `underprocess/` that no live instance holds, or clean up after a job.

        Args:
            name: the input's.
            is_orphan: nobody knows how its owner ended; that is counted, before anything else is done.
            has_died: its owner is known to have died while it was at work.
            seen_version: what `orphans` gave for it.
            waited_for: the `not_before` that was waited for, by a clock that is never set.

        Returns:
            A claim, to go on from its checkpoint or to start over; or what an earlier owner had decided and
            is now done; or when to ask again; or None if another instance holds it or there is nothing to
            take up.

        Raises:
            OSError: the disk refuses; nothing is held.
        """
        had_owner = os.path.lexists(f"{self.folders.jobs}/{name}")
        job = self._hold(name, seen_version)
        if job is None:
            return None
        claim = None
        try:
            rolled_forward = job.roll_forward_if_decided()
            if rolled_forward is not None:
                return rolled_forward
            job.end_transit()
            if not job.has_input():
                job.clean()
                reruns.drop_if_stale(self._disk, job.folder, f"{self.folders.unprocessed}/{name}")
                return None
            status = job.look_at_input()
            if status is None:
                job.clean()
                return None
            attempts = job.attempts()
            not_yet = self._not_yet(job, attempts, waited_for)
            if not_yet is not None:
                return not_yet
            sync_unless(self._disk, job.input_path, status, None)  # it may have been put there by hand
            self._complete_claim(job)
            saved = None if job.is_fresh_start else checkpoints.read_checkpoint(job.folder)
            job.clean_all_but(saved)
            has_progressed = False
            if is_orphan or has_died or attempts.was_left:
                attempts, has_progressed = _counted(job, attempts, saved, is_orphan=is_orphan)
            claim = Claim(job, attempts, saved, has_progressed=has_progressed, had_owner=had_owner)
            claim.as_rerun()
        except FileNotFoundError:
            if job.is_owner():
                raise
        finally:
            if claim is None:
                job.unlock()
        return claim

    def is_waiting(self, name: str) -> bool:
        """Return whether an input of this name can be claimed; another instance may have been quicker."""
        return self._scanner.is_free(name)

    def has_earlier(self, name: str) -> bool:
        """Return whether an earlier input of this name is not done yet."""
        return os.path.lexists(os.path.join(self.folders.underprocess, name))

    def orphans(self, known: Collection[str], *, deep: bool = False) -> dict[str, str]:
        """Return names that nobody holds, but for those `known`, each with the `seen_version` for `adopt`.

        They are those of inputs in `underprocess/`, and, with `deep`, of all jobs that a crash may have left
        something of.
        """
        self._idle.begin()
        self._left_alone.begin()
        with os.scandir(self.folders.underprocess) as entries:
            names = {entry.name for entry in entries if not self._left_alone.says(entry)}
        if not names:
            self._idle.keep()
        if deep:
            self.sharing.sweep()
            self._appender.recover()
            with os.scandir(self.folders.jobs) as entries:
                names |= {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
            names |= set(os.listdir(self.folders.commits))
        found = {name: self.sharing.lock_manager.stale(name) for name in sorted(names - set(known))}
        return {name: seen_version for name, seen_version in found.items() if seen_version is not None}

    def _not_yet(self, job: Job, attempts: Attempts, waited_for: float | None) -> NotYet | None:
        """Return when to come back to an input that has to wait, or that may still be written to."""
        left_seconds = attempts.left_seconds(self.clock(), self._longest_wait_seconds)
        if left_seconds and attempts.not_before != waited_for:
            return NotYet(attempts.not_before, left_seconds)
        if attempts.changing is None:
            return None
        is_told = self._intake.ready == "auto"
        with suppress(PermissionError):  # whoever opens it for its contents says so
            evidence = evidence_at(job.input_path) if is_told else Evidence.NOBODY_WRITES
            look = look_of(os.lstat(job.input_path))
            if look != attempts.changing or evidence is Evidence.SOMEONE_WRITES:
                seconds = quiet_seconds(self._intake, evidence)
                not_before = self.clock() + seconds
                job.remember(replace(attempts, not_before=not_before, changing=look))
                return NotYet(not_before, seconds)
        return None

    def _hold(self, name: str, seen_version: str = "") -> Job | None:
        hold = self.sharing.lock_manager.hold(name, seen_version)
        if hold is None:
            return None
        job = Job(self._disk, self.folders, self.home, name, hold, appender=self._appender)
        if self._disk.has_halves:
            try:
                clear_aside(self._disk, job, os.path.join(self.folders.unprocessed, name))
            except BaseException:
                job.unlock()
                raise
        return job

    def _complete_claim(self, job: Job) -> None:
        """Do what follows the rename of a claim, all of which a crash may have left undone.

        The new name is made durable before the old one's absence is, and the marker goes with the latter.
        """
        waiting = os.path.join(self.folders.unprocessed, job.name)
        self._disk.sync_folder(self.folders.underprocess)
        take_first_name(self._disk, job, waiting)
        self._markers.consume(job)
        self._disk.sync_folder(self.folders.unprocessed)


def _counted(
    job: Job, attempts: Attempts, saved: Checkpoint | None, *, is_orphan: bool
) -> tuple[Attempts, bool]:
    """Count the outcome of the previous run, durably, before the next one begins.

    Gives what is known of earlier runs, and whether the last had got further than those before it. One that
    was left in good order is not counted.
    """
    if attempts.was_left:
        job.remember(replace(attempts, was_left=False))
        return attempts, False
    offset_bytes = saved.place.reached_bytes if saved else 0
    has_progressed = offset_bytes > attempts.offset_bytes
    interrupted = (0 if has_progressed else attempts.interrupted) + is_orphan
    attempts = replace(attempts, interrupted=interrupted, offset_bytes=offset_bytes)
    job.remember(attempts)
    return attempts, has_progressed
