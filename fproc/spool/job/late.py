"""Late writers: inputs that are written to after they were processed, because nothing showed they were whole.

Where it is not known who has an input open for writing, its commit record is kept in `.fproc/late/`, under
the name that the input has in `processed/`. The input is then looked at for an hour, at growing
intervals, and once after a start, however long ago it was processed. If it has changed, it goes to `failed/`,
by a commit record as any other, which is kept in `.fproc/incomplete/` for as long as the input stays there.
The record of its results is kept as well, so that a retry replaces them (see `fproc.spool.job.reruns`).
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import stat
from collections.abc import Callable

from fproc.base.ids import new_id
from fproc.base.rest import Rest
from fproc.base.text import shown
from fproc.base.times import rfc3339
from fproc.base.values import dataclass
from fproc.spool.checks.home import Home
from fproc.spool.checks.trusted import TrustedTime
from fproc.spool.disk.disk import Disk, unlink_if_there, write_whole
from fproc.spool.job import commit, decision, reruns
from fproc.spool.job.decision import CommitRecord, FileStamp, Publication
from fproc.spool.job.job import REPORT, Job, RolledForward, late_reason
from fproc.spool.layout import REPORT_ENDING, Folders
from fproc.spool.locks.sharing import Sharing
from fproc.spool.output.appends import Appender

log = logging.getLogger("fproc.spool")

WATCH_SECONDS = 3600.0
"""How long after its commit an input is looked at, in seconds."""

LOOK_SECONDS = 1.0
LONGEST_SECONDS = 60.0
SHARE = 0.1
"""The time to the next look, as a share of the input's age, within the bounds above, in seconds."""

LOOKS = 200
"""The number of inputs that are looked at in one turn."""

REST = 20
"""After the records are listed, they are not listed again for this many times as long as that took."""

MOST_WATCHED = 100_000
"""The most records that are held in memory; others wait until some of these are over."""

_Status = tuple[int, int, int, int, int]


@dataclass(slots=True)
class _Watched:
    """An input in `processed/`: its stamp when it was read, its status since, and when it was committed.

    `committed` is on the monotonic clock. `status` holds what a write changes even if times are set back,
    and what else may be the reason of such a change; None before the first look.
    """

    stamp: FileStamp
    committed: float
    status: _Status | None = None


class LateWriters:
    """Watches the inputs that may still be written to. For one thread.

    Args:
        disk: makes the calls.
        folders: the spool's.
        home: the spool's.
        sharing: has the manager of the jobs' locks.
        appender: appends to results.
        monotonic: seconds on a clock that is never set.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        disk: Disk,
        folders: Folders,
        home: Home,
        sharing: Sharing,
        appender: Appender,
        *,
        monotonic: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._disk = disk
        self._folders = folders
        self._home = home
        self._sharing = sharing
        self._appender = appender
        self._monotonic = monotonic
        self._clock = clock
        self._trusted_time = TrustedTime(folders, clock=clock).now
        self._has_listed = False
        self._watched: dict[str, _Watched] = {}
        self._due: list[tuple[float, str]] = []
        self._rest = Rest(REST, monotonic)
        self._incomplete: dict[str, str] = {}

    def look(self) -> list[RolledForward]:
        """Look at those that are due, and move what has changed; return what was moved.

        Raises:
            OSError: the disk refuses.
        """
        if self._rest.is_over():
            self._list()
        moved = []
        for _ in range(LOOKS):
            if not self._due or self._due[0][0] > self._monotonic():
                break
            name = heapq.heappop(self._due)[1]
            if name in self._watched:
                try:
                    rolled_forward = self._look_at(name, self._watched[name])
                except OSError:
                    heapq.heappush(self._due, (self._monotonic() + LOOK_SECONDS, name))
                    raise
                if rolled_forward is not None:
                    moved.append(rolled_forward)
        return moved

    def troubles(self) -> dict[str, str]:
        """Return why inputs in `failed/` that were written to late failed, by name. For any thread."""
        return self._incomplete

    def _list(self) -> None:
        """Find new records, and drop those of inputs that are no longer in `failed/`."""
        begin = self._monotonic()
        names = [name for name in os.listdir(self._folders.late) if name not in self._watched]
        trusted_time = self._trusted_time() if names and not self._has_listed else None
        for name in names[: max(0, MOST_WATCHED - len(self._watched))]:
            self._begin(name, trusted_time)
        self._has_listed = True
        incomplete = {}
        for name in os.listdir(self._folders.incomplete):
            if not os.path.lexists(os.path.join(self._folders.failed, name)):
                unlink_if_there(self._disk, os.path.join(self._folders.incomplete, name))
                continue
            incomplete[name] = self._incomplete.get(name) or self._reason(name)
        self._incomplete = incomplete
        self._rest.after(self._monotonic() - begin, least_seconds=LOOK_SECONDS)

    def _reason(self, name: str) -> str:
        """Return what is wrong with an input in `failed/`."""
        kept = decision.read_kept(self._folders.incomplete, name)
        return late_reason(kept) if kept else "was written to after it was processed"

    def _begin(self, name: str, trusted_time: float | None) -> None:
        """Watch an input from now on; time that passed before a start counts, except for one look.

        `trusted_time` is the time at the start. Later on it is None, and a record that turns up is new: the
        hour is counted by the monotonic clock alone, as the other one may leap.
        """
        commit_record = decision.read_kept(self._folders.late, name)
        if commit_record is None:
            self._forget(name)
            return
        try:
            recorded = os.stat(os.path.join(self._folders.late, name)).st_mtime
        except FileNotFoundError:  # another instance was quicker
            return
        age_seconds = 0.0 if trusted_time is None else trusted_time - recorded
        now = self._monotonic()
        self._watched[name] = _Watched(commit_record.stamp, now - max(0.0, age_seconds))
        heapq.heappush(self._due, (now, name))

    def _look_at(self, name: str, watched: _Watched) -> RolledForward | None:
        """Look at one input, and move it if it has changed; else schedule the next look, or end the watch."""
        try:
            status = os.lstat(os.path.join(self._folders.processed, name))
        except FileNotFoundError:
            self._forget(name)
            return None
        if status.st_ino != watched.stamp.inode or not stat.S_ISREG(status.st_mode):
            self._forget(name)  # it is another one
            return None
        if FileStamp.of(status) != watched.stamp or _is_written(watched.status, _status(status)):
            rolled_forward = self._move(name, status)
            if rolled_forward is not None:
                self._forget(name)
                return rolled_forward
        else:
            watched.status = _status(status)
        age_seconds = self._monotonic() - watched.committed
        if age_seconds >= WATCH_SECONDS and FileStamp.of(status) == watched.stamp:
            self._forget(name)
            return None
        wait_seconds = min(max(SHARE * age_seconds, LOOK_SECONDS), LONGEST_SECONDS)
        heapq.heappush(self._due, (self._monotonic() + wait_seconds, name))
        return None

    def _forget(self, name: str) -> None:
        """Stop watching an input."""
        self._watched.pop(name, None)
        unlink_if_there(self._disk, os.path.join(self._folders.late, name))

    def _move(self, name: str, status: os.stat_result) -> RolledForward | None:
        """Commit that an input is incomplete, and roll that forward; None if someone else has its job."""
        kept = decision.read_kept(self._folders.late, name)
        hold = self._sharing.lock_manager.hold(name) if kept is not None else None
        if kept is None or hold is None:
            return None
        job = Job(self._disk, self._folders, self._home, name, hold, appender=self._appender)
        try:
            if _is_in_use(job) or not os.path.lexists(f"{self._folders.processed}/{name}"):
                return None
            rolled_forward = job.roll_forward(self._decide(job, kept, status))
        finally:
            job.unlock()
        self._incomplete = {**self._incomplete, rolled_forward.archived: rolled_forward.error}
        return rolled_forward

    def _decide(self, job: Job, kept: CommitRecord, status: os.stat_result) -> CommitRecord:
        """Make the commit record durable by which an input goes to `failed/`, with a report."""
        archive = Publication(f"processed/{job.name}", "failed", job.name)
        report_to = Publication(decision.OF_JOB + REPORT, "failed", job.name, extra=REPORT_ENDING)
        number = commit.next_number(self._folders, archive, report_to)
        commit_record = CommitRecord(
            FileStamp.of(status),
            (report_to.with_number(number),),
            archive.with_number(number),
            new_id(),
            is_watched=True,
            incomplete=kept.results,
        )
        job.check_place()
        replaces = reruns.keep_incomplete(self._disk, self._folders, job.folder, kept)
        report = {
            "file": shown(job.name),
            "reason": late_reason(commit_record),
            "node": None,
            "line_no": None,
            "line": None,
            "attempts": 1,
            "timestamp": rfc3339(self._clock()),
            "traceback": [],
            "results": [shown(name) for name in kept.results],
            "replaces": replaces,
        }
        job.make_durable()
        write_whole(self._disk, job.folder, REPORT, json.dumps(report, indent=2).encode() + b"\n")
        decision.write_record(self._disk, job.folder, commit_record)
        return commit_record


def _is_in_use(job: Job) -> bool:
    """Return whether another input of a job's name is worked on, or was put back to be run again."""
    return job.has_input() or job.is_decided() or os.path.lexists(job.path(reruns.NOTE))


def _status(status: os.stat_result) -> _Status:
    return (status.st_ctime_ns, status.st_mode, status.st_uid, status.st_gid, status.st_nlink)


def _is_written(before: _Status | None, now: _Status) -> bool:
    """Return whether contents were written and times set back: nothing else explains a change of ctime."""
    return before is not None and now[0] != before[0] and now[1:] == before[1:]
