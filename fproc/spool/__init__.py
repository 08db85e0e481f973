"""The spool: folders in which an input is always in exactly one state, whatever dies when.

What lies on the disk for an input X (+ there, - not there, ? either):

    state     unprocessed/  underprocess/  commit record  results  processed/   after a crash
    ready          +              -              -           -          -       nothing; a job folder is stale
    claimed        -              +              -           -          -       adopt: start over
    decided        -              +              +           ?          -       adopt: carry out, never redo
    done           -              -              ?           +          +       remove the job folder

(A failed input is the same with `failed/` for `processed/` and its report for the results.)

From state to state, each by one atomic call, in this order:

    lock     flock on `.fproc/jobs/X/`; the kernel gives it back with the death of its owner
    claim    rename `unprocessed/X` to `underprocess/X`; fsync both folders
    work     results grow as parts in `results/.stage/`, which nobody else reads
    decide   fsync the parts and their folder; rename the commit record into place; fsync the job folder.
             That rename is the instant of commit.
    publish  rename each part to its final name, replacing nothing; fsync the results folder
    archive  rename `underprocess/X` to `processed/X`, replacing nothing; fsync both folders
    clean    unlink what is left of parts and of records; fsync both folders; remove the job folder; unlock

An input in `underprocess/` whose lock is free has lost its owner: any live instance adopts it.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

from fproc.config import Config
from fproc.errors import shown
from fproc.spool import folders as layout
from fproc.spool.claim import MARKER, Claim, Job, RetryState, Settled, read_retry_state
from fproc.spool.decision import Stamp
from fproc.spool.disk import Disk, same_file, write_whole
from fproc.spool.folders import Folders
from fproc.spool.intake import Scan, Scanner
from fproc.spool.staging import Staging

__all__ = ["Claim", "Disk", "Folders", "Scan", "Settled", "Spool", "Staging"]

log = logging.getLogger("fproc.spool")


class Spool:
    """One watched folder, as this process sees it. Any number of processes may see the same one.

    Args:
        config: where the folders are, and when files are ready.
        disk: makes the calls; by default as durable as the configuration says.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970.

    Raises:
        ConfigError: a folder cannot be made or written to.
    """

    def __init__(
        self,
        config: Config,
        *,
        disk: Disk | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folders = Folders(config.watch_dir, config.results_dir)
        self.clock = clock
        self._disk = disk or Disk(power=config.durability == "power")
        self._stage = layout.prepare(self.folders, self._disk)
        self._marker = config.intake.marker if config.intake.ready == "marker" else ""
        self._scanner = Scanner(self.folders.unprocessed, config.intake, monotonic=monotonic, clock=clock)

    def scan(self) -> Scan:
        """Look at `unprocessed/`."""
        return self._scanner.scan()

    def underprocess(self) -> list[str]:
        """The names in `underprocess/`."""
        return sorted(self._files(self.folders.underprocess))

    def _files(self, folder: str) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if self._scanner.is_input_name(entry.name) and entry.is_file(follow_symlinks=False):
                    yield entry.name

    def not_before(self, name: str) -> float:
        """When an input in `underprocess/` may be taken up again, in seconds since 1970; 0 if at once."""
        return read_retry_state(os.path.join(self.folders.jobs, name)).not_before

    def counts(self) -> dict[str, int]:
        """How many inputs are in each state; reports and set-aside lines are not inputs."""
        states = {
            "unprocessed": self.folders.unprocessed,
            "underprocess": self.folders.underprocess,
            "processed": self.folders.processed,
            "failed": self.folders.failed,
        }
        return {
            state: sum(1 for name in self._files(path) if not _is_report(state, name))
            for state, path in states.items()
        }

    def unusable_folders(self) -> list[str]:
        """What is wrong right now with the folders that work needs, in a few words each."""
        needed = (self.folders.unprocessed, self.folders.underprocess, self.folders.jobs, self._stage)
        return [
            f"cannot write to {shown(path)}"
            for path in needed
            if not os.access(path, os.R_OK | os.W_OK | os.X_OK)
        ]

    def claim(self, name: str) -> Claim | None:
        """Take an input from `unprocessed/`.

        Returns:
            None if it is gone, another instance has it, or an earlier input of its name is not done yet.
        """
        job = self._lock(name)
        if job is None:
            return None
        try:
            if os.path.lexists(job.input_path):
                job.unlock()
                return None
            settled = job.settle_if_decided()
            if settled is not None:
                return None
            job.clean()
            self._remember_marker(job)
            self._disk.move(os.path.join(self.folders.unprocessed, name), job.input_path)
            self._complete_claim(job)
        except FileNotFoundError:
            job.clean()
            job.unlock()
            return None
        except OSError:
            job.unlock()
            raise
        return Claim(job, RetryState(), job.staging())

    def adopt(self, name: str) -> Claim | Settled | None:
        """Take up an input in `underprocess/` that no live instance holds, or clean up after a job.

        Returns:
            A claim, to start over; or what an earlier owner had decided and is now done; or None if another
            instance holds it or there is nothing to take up.
        """
        job = self._lock(name)
        if job is None:
            return None
        try:
            settled = job.settle_if_decided()
            if settled is not None:
                return settled
            if not os.path.lexists(job.input_path):
                job.clean()
                job.unlock()
                return None
            self._complete_claim(job)
            retry = job.retry_state()
            job.clean(keep_retry=True)
        except OSError:
            job.unlock()
            raise
        return Claim(job, retry, job.staging())

    def left_over(self) -> list[str]:
        """Names that a crash may have left something of: in `underprocess/`, or a job folder."""
        return sorted({*self.underprocess(), *os.listdir(self.folders.jobs)})

    def _lock(self, name: str) -> Job | None:
        lock = self._disk.lock(os.path.join(self.folders.jobs, name))
        return None if lock is None else Job(self._disk, self.folders, self._stage, name, lock)

    def _complete_claim(self, job: Job) -> None:
        """Do what follows the rename of a claim, all of which a crash may have left undone.

        The new name is made durable before the old one's absence is, and the marker goes with the latter.
        """
        waiting = os.path.join(self.folders.unprocessed, job.name)
        if same_file(waiting, job.input_path):
            self._disk.unlink(waiting)
        self._disk.sync_folder(self.folders.underprocess)
        self._consume_marker(job)
        self._disk.sync_folder(self.folders.unprocessed)

    def _remember_marker(self, job: Job) -> None:
        """Note which marker makes this input ready, before the claim.

        The marker is removed after the claim: removed before it, a crash would leave an input that nothing
        makes ready. By then a second input of the name may have come with a marker of its own, so the
        first one's is told by its stamp.
        """
        if self._marker:
            status = os.stat(os.path.join(self.folders.unprocessed, job.name + self._marker))
            job.make_durable()
            write_whole(self._disk, job.folder, MARKER, json.dumps(asdict(Stamp.of(status))).encode())

    def _consume_marker(self, job: Job) -> None:
        try:
            with open(job.path(MARKER), encoding="ascii") as file:
                noted = Stamp(**json.load(file))
            marker = os.path.join(self.folders.unprocessed, job.name + self._marker)
            if Stamp.of(os.stat(marker)) == noted:
                self._disk.unlink(marker)
        except FileNotFoundError:
            pass
        except (ValueError, TypeError):
            log.warning("%s: the note about its marker is unreadable; the marker stays", shown(job.name))


def _is_report(state: str, name: str) -> bool:
    return state == "failed" and name.endswith((".error.json", ".rejected.jsonl"))
