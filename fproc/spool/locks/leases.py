"""Holding a job by a lease, where several hosts share a folder and locks may not reach them all.

A lease is a folder in the job folder, `.fproc/jobs/X/g1-TOKEN/`. In it lie the job's records, `lease.json`,
which says who the owner is, and an empty file, `count-1`, which the owner renames to `count-2` and so on.
Only one lease can be made, because it is renamed into place when it is full. `free` in place of the count
says that the owner is done with it.

An owner that has not counted on for `LEASE_SECONDS` of the observer's own clock is taken for dead; clocks of
two hosts are never compared. Nobody ever opens the file that is renamed: an NFS server may let a reader of a
file put off whoever wants to change it, for as long as it takes to notice that the reader is gone.

Taking over is two steps. The late owner's folder is renamed to `g2-TOKEN`, which works for one only. Then
a new folder, `g3-TOKEN`, gets all that lies in it, and it is removed. Without that a late owner could go on
writing there: NFS clients remember for a while which folder a name was, and a folder stays the same one when
it is renamed. In a folder that is removed nothing can be written any more.

What a late owner may still write to parts is not used: its file starts over.
"""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from fproc.base.ids import new_id
from fproc.base.values import asdict
from fproc.spool.disk.disk import Disk, remove_begun, unlink_if_there, write_whole
from fproc.spool.disk.paths import is_there, same_file
from fproc.spool.layout import Folders
from fproc.spool.locks.lease_folders import (
    COUNT,
    FREE,
    LEASE,
    LeaseState,
    count_in,
    count_on,
    is_generation,
    is_of_lease,
    lease_number,
    look_at,
)
from fproc.spool.locks.locks import JobLock
from fproc.spool.locks.owner import Owner

LEASE_SECONDS = 30.0
BEAT_SECONDS = 5.0
"""How long an owner may not count before it is taken for dead, and how often it counts."""

_GONE = frozenset({errno.ENOENT, errno.ESTALE})
"""What the system says of a folder that was taken over."""

_TRIES = 100
"""How often something may be left or counted meanwhile before something else must be wrong."""


class Leases:
    """Holding by leases.

    Args:
        folders: the spool's.
        disk: makes the calls.
        owner: who holds them.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        folders: Folders,
        disk: Disk,
        *,
        owner: Owner | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = folders
        self._disk = disk
        self._owner = owner or Owner.current()
        self._monotonic = monotonic
        self._seen: dict[str, tuple[str, float]] = {}
        self._dead_takers: set[str] = set()  # tokens of who took a lease over, and died before it had its own
        self._held: set[_Lease] = set()
        self._turn = threading.Lock()
        self._is_counting = False

    def hold(self, name: str, seen_version: str = "") -> JobLock | None:
        """Make a lease, or take over one that is free, whose owner is dead, or is still at `seen_version`."""
        job = os.path.join(self._folders.jobs, name)
        state = look_at(job)
        if state is None:
            return self._made(job)
        is_over = state.is_over(self._owner)
        if not is_over and seen_version != state.seen_version:
            return None
        return self._taken(job, state.generation, is_fresh_start=not is_over)

    def stale(self, name: str) -> str | None:
        """Return the version of a lease that is over, or has not counted for `LEASE_SECONDS`; else None."""
        state = look_at(os.path.join(self._folders.jobs, name))
        if state is None:
            self._seen.pop(name, None)
            return ""
        return self._over(name, state)

    def sweep(self) -> None:
        """Remove the folders of owners who died before they had renamed them into place."""
        with suppress(FileNotFoundError):
            for token in os.listdir(self._folders.new):
                private = os.path.join(self._folders.new, token)
                state = look_at(private) or LeaseState("", None, "")
                if self._over(private, state) is not None:
                    self._dead_takers.add(token)
                    self._remove(private)

    def finish_release(self, name: str) -> None:
        """Remove the folders of a lease whose owner died while releasing it: they are empty."""
        job = os.path.join(self._folders.jobs, name)
        state = look_at(job)
        if state is not None and not os.listdir(os.path.join(job, state.generation)):
            self._disk.remove_folder(os.path.join(job, state.generation))
            self._disk.remove_folder(job)

    def _over(self, name: str, state: LeaseState) -> str | None:
        """Return the version of a lease that is over, or unchanged for `LEASE_SECONDS`; else None."""
        seen_version = state.seen_version
        before, since = self._seen.get(name, ("", 0.0))
        if before != seen_version:
            since = self._monotonic()
            self._seen[name] = (seen_version, since)
        is_over = (
            state.is_over(self._owner)
            or state.generation.partition("-")[2] in self._dead_takers
            or self._monotonic() - since >= LEASE_SECONDS
        )
        return seen_version if is_over else None

    def beat(self) -> None:
        """Count on, for all leases that are held; one that cannot count now tries again at the next beat."""
        for lease in list(self._held):
            with suppress(OSError):  # a full or failing disk shows in the work; other leases still count
                lease.beat()

    def let_go(self, lease: _Lease) -> None:
        """Forget a lease that is no longer held."""
        self._held.discard(lease)

    def _made(self, job: str) -> JobLock | None:
        """Rename a full folder to where there is none, or an empty one; what is full cannot be replaced."""
        token = new_id()
        has_records = os.path.isdir(job) and bool(os.listdir(job))  # it is from a time without leases
        own = f"g1-{0 if has_records else token}"

        def move_into_place(private: str) -> None:
            if has_records:
                self._disk.replace(os.path.join(private, own), os.path.join(job, own))
                self._disk.remove_folder(private)
            else:
                self._disk.replace(private, job)

        return self._begin(job, token, own, move_into_place, is_fresh_start=False)

    def _taken(self, job: str, generation: str, *, is_fresh_start: bool) -> JobLock | None:
        """Take a lease over: by a rename, and then with a folder of its own."""
        token = new_id()
        number = lease_number(generation) + 1
        own = f"g{number + 1}-{token}"

        def move_into_place(private: str) -> None:
            self._disk.replace(os.path.join(job, generation), os.path.join(job, f"g{number}-{token}"))
            self._disk.replace(os.path.join(private, own), os.path.join(job, own))
            self._disk.remove_folder(private)

        return self._begin(job, token, own, move_into_place, is_fresh_start=is_fresh_start)

    def _begin(
        self, job: str, token: str, own: str, move_into_place: Callable[[str], None], *, is_fresh_start: bool
    ) -> JobLock | None:
        """Prepare a lease, `move_into_place`, take what earlier owners left, and count from now on."""
        private = os.path.join(self._folders.new, token)
        try:
            self._prepare(private, own)
            move_into_place(private)
        except OSError as error:
            self._remove(private)
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
                return None  # someone was quicker, or this process so slow that it was taken for dead
            raise
        folder = os.path.join(job, own)
        if not self._has_gathered(folder):
            return None
        lease = _Lease(self, self._disk, folder, is_fresh_start=is_fresh_start)
        with self._turn:
            self._held.add(lease)
            is_counting, self._is_counting = self._is_counting, True
        if not is_counting:
            threading.Thread(target=self._beat_on, name="leases", daemon=True).start()
        return lease

    def _prepare(self, private: str, own: str) -> None:
        """Make a lease in a private folder."""
        folder = os.path.join(private, own)
        for path in (self._folders.new, private, folder):
            self._disk.make_folder(path)
        text = json.dumps({"generation": own, "owner": asdict(self._owner)})
        write_whole(self._disk, folder, LEASE, text.encode())
        self._disk.close(self._disk.create(os.path.join(folder, f"{COUNT}1")))

    def _remove(self, private: str) -> None:
        with suppress(FileNotFoundError):
            for own in os.listdir(private):
                folder = os.path.join(private, own)
                for name in os.listdir(folder):
                    unlink_if_there(self._disk, os.path.join(folder, name))
                self._disk.remove_folder(folder)
            self._disk.remove_folder(private)

    def _has_gathered(self, folder: str) -> bool:
        """Move what lies beside a lease's folder into it; return whether it is still the last one then.

        A late owner may be writing until its folder is removed. What it had decided by then stands.
        """
        job, own = os.path.split(folder)
        for _ in range(_TRIES):
            try:
                names = set(os.listdir(job)) - {own}
            except FileNotFoundError:
                return False
            if any(is_generation(name) and lease_number(name) > lease_number(own) for name in names):
                return False  # it was taken over already
            paths = [os.path.join(job, name) for name in sorted(names)]
            leftovers = [
                path for path in paths if is_generation(os.path.basename(path)) or not _is_folder(path)
            ]
            if not leftovers:
                return True
            self._disk.sync_folder(job)  # the new folder is durable before what is moved there
            for path in leftovers:
                try:
                    self._gather(path, folder)
                except OSError as error:
                    if error.errno not in _GONE | {errno.ENOTEMPTY, errno.EEXIST}:
                        raise
        raise OSError(errno.EBUSY, "someone else writes there all the time", job)

    def _gather(self, path: str, folder: str) -> None:
        """Move a record, or all records of an earlier lease, into a lease's folder."""
        if not is_generation(os.path.basename(path)):
            self._bring(path, os.path.join(folder, os.path.basename(path)))
            self._disk.sync_folder(folder)
            return
        remove_begun(self._disk, path)
        records = [name for name in os.listdir(path) if not is_of_lease(name)]
        for name in records:
            self._bring(os.path.join(path, name), os.path.join(folder, name))
        if records:
            self._disk.sync_folder(folder)
        for name in os.listdir(path):
            if is_of_lease(name):
                self._disk.unlink(os.path.join(path, name))
        self._disk.remove_folder(path)

    def _bring(self, source: str, target: str) -> None:
        """Move a record; a rename between two names of one file, as loss of power may leave, does nothing."""
        if same_file(source, target):
            self._disk.unlink(source)
        else:
            self._disk.replace(source, target)

    def _beat_on(self) -> None:
        while self._is_needed():
            time.sleep(BEAT_SECONDS)
            self.beat()

    def _is_needed(self) -> bool:
        with self._turn:
            self._is_counting = bool(self._held)
            return self._is_counting


class _Lease:
    is_lease = True
    descriptor = None

    def __init__(self, leases: Leases, disk: Disk, folder: str, *, is_fresh_start: bool) -> None:
        self.folder = folder
        self.is_fresh_start = is_fresh_start
        self._leases = leases
        self._disk = disk

    def is_owner(self) -> bool:
        return is_there(self.folder)

    def make_durable(self) -> None:
        job = os.path.dirname(self.folder)
        self._disk.sync_folder(os.path.dirname(job))
        self._disk.sync_folder(job)

    def beat(self) -> None:
        """Count on."""
        try:
            is_held = count_on(self._disk, self.folder)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            is_held = False
        if not is_held:  # taken over
            self._leases.let_go(self)

    def release(self) -> None:
        self._leases.let_go(self)
        with suppress(OSError):  # it was taken over; or else, not counting, it will be
            for _ in range(_TRIES):
                with suppress(FileNotFoundError):  # someone has counted for it meanwhile
                    self._release()
                    return
                if not self.is_owner():
                    return

    def _release(self) -> None:
        names = os.listdir(self.folder)
        if not all(map(is_of_lease, names)):
            self._disk.replace(os.path.join(self.folder, count_in(names)), os.path.join(self.folder, FREE))
            return
        for name in sorted(names):  # the count goes first: nobody counts for what has none
            self._disk.unlink(os.path.join(self.folder, name))
        self._disk.remove_folder(self.folder)
        self._disk.remove_folder(os.path.dirname(self.folder))


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)
