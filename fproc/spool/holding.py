"""Holding a job: by a lock where the kernel's locks reach everyone, by a lease where they may not.

Both give a folder for the job's records that no one else writes to while it is held.

A lock is `flock` on `.fproc/jobs/X/`, which is that folder. The kernel gives it back with any death.

A lease, for folders that several machines share, is a folder in the job folder, `.fproc/jobs/X/g1-TOKEN/`,
with a file that says who the owner is, and counts. Only one can be made, because it is renamed into place
when it is full. An owner that has not counted on for `LEASE_SECONDS` of the observer's own clock is taken for
dead; clocks of two machines are never compared. The folder is then renamed to `g2-TOKEN`, so whatever a late
owner still wants to write down fails. What it may still write to parts is not used: its file starts over.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Protocol

from fproc.spool.disk import Disk, is_at, is_locked, lock_holder, remove_begun, write_whole
from fproc.spool.folders import Folders
from fproc.tokens import new_token

LEASE_SECONDS = 30.0
BEAT_SECONDS = 5.0
"""How long an owner may not count before it is taken for dead, and how often it counts."""

LEASE = "lease.json"


class Hold(Protocol):
    """A job that is held. `folder` is for its records; `is_fresh_start` says that no part can be trusted."""

    folder: str
    is_lease: bool
    is_fresh_start: bool

    def is_owner(self) -> bool:
        """Whether it is still held: the folder may have been removed, or a lease taken over."""

    def make_durable(self) -> None:
        """Make the folder's own name survive power loss."""

    def release(self) -> None:
        """Hold it no more; the folder goes, if no record is left in it."""


class Holder(Protocol):
    """Holds jobs of one spool, for this process."""

    def hold(self, name: str, evidence: str = "") -> Hold | None:
        """Hold a job, or None if someone else does; `evidence` is what `abandoned` gave."""

    def abandoned(self, name: str) -> str | None:
        """None if someone holds the job; else what `hold` needs to know to take it over."""

    def sweep(self) -> None:
        """Remove what was left behind by those who died while they took hold of a job."""


class Locks:
    """Holding by locks."""

    def __init__(self, folders: Folders, disk: Disk) -> None:
        self._folders = folders
        self._disk = disk

    def hold(self, name: str, evidence: str = "") -> Hold | None:  # noqa: ARG002 - a lock needs none
        """Take the lock."""
        folder = f"{self._folders.jobs}/{name}"
        descriptor = self._disk.lock(folder)
        return None if descriptor is None else _Lock(self._disk, folder, descriptor)

    def hold_new(self, name: str) -> Hold | None:
        """Take the lock of a job that nothing is known about, or None if it has a folder already."""
        folder = f"{self._folders.jobs}/{name}"
        descriptor = self._disk.lock_new(folder)
        return None if descriptor is None else _Lock(self._disk, folder, descriptor)

    def abandoned(self, name: str) -> str | None:
        """Whether the lock is free."""
        return None if is_locked(os.path.join(self._folders.jobs, name)) else ""

    def sweep(self) -> None:
        """A lock leaves nothing behind."""


class _Lock:
    is_lease = False
    is_fresh_start = False

    def __init__(self, disk: Disk, folder: str, descriptor: int) -> None:
        self.folder = folder
        self._disk = disk
        self._descriptor = descriptor

    def is_owner(self) -> bool:
        return is_at(self._descriptor, self.folder)

    def make_durable(self) -> None:
        self._disk.sync_folder(os.path.dirname(self.folder))

    def release(self) -> None:
        try:
            if self.is_owner():
                with suppress(OSError):  # not empty: it remembers attempts, a checkpoint or a decision
                    self._disk.remove_folder(self.folder)
        finally:
            self._disk.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: its machine and container, when that was started, its id, and when it was started itself."""

    host: str
    container: str
    boot: str
    pid: int
    began: str

    @classmethod
    def current(cls) -> Owner:
        """This process."""
        boot = _read("/proc/sys/kernel/random/boot_id")
        container = ""
        with suppress(OSError):
            container = os.readlink("/proc/self/ns/pid")
        return cls(socket.gethostname(), container, boot, os.getpid(), _began(os.getpid()))

    def is_surely_dead(self, observer: Owner) -> bool:
        """Whether it has ended, as far as another process can tell: one of the same machine."""
        if (self.host, self.container) != (observer.host, observer.container):
            return False
        return self.boot != observer.boot or _began(self.pid) != self.began


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
        self._held: set[_Lease] = set()
        self._turn = threading.Lock()
        self._is_counting = False

    def hold(self, name: str, evidence: str = "") -> Hold | None:
        """Make a lease, or take over one that is free, whose owner is dead, or that is as in `evidence`."""
        job = os.path.join(self._folders.jobs, name)
        generation = _generation(job)
        if generation is None:
            return self._made(job)
        state = self._state(os.path.join(job, generation))
        is_dead = self._is_over(state)
        if not is_dead and (not evidence or evidence != f"{generation} {state}"):
            return None
        number = int(generation[1:].partition("-")[0]) + 1
        return self._taken(job, generation, number, is_fresh_start=not is_dead)

    def abandoned(self, name: str) -> str | None:
        """Whether a lease is over, or has not counted for `LEASE_SECONDS` of looking at it."""
        job = os.path.join(self._folders.jobs, name)
        generation = _generation(job)
        if generation is None:
            self._seen.pop(name, None)
            return ""
        return self._over(name, generation, self._state(os.path.join(job, generation)))

    def sweep(self) -> None:
        """Remove the folders of owners who died before they had renamed them into place."""
        with suppress(FileNotFoundError):
            for token in os.listdir(self._folders.new):
                private = os.path.join(self._folders.new, token)
                own = os.path.join(private, f"g1-{token}")
                if self._over(private, token, self._state(own)) is not None:
                    self._remove(private, own)

    def _over(self, name: str, generation: str, state: str) -> str | None:
        """Evidence that a lease is over, or that it has not changed for `LEASE_SECONDS` of looking at it."""
        evidence = f"{generation} {state}"
        before, since = self._seen.get(name, ("", 0.0))
        if before != evidence:
            since = self._monotonic()
            self._seen[name] = (evidence, since)
        is_over = self._is_over(state) or self._monotonic() - since >= LEASE_SECONDS
        return evidence if is_over else None

    def beat(self) -> None:
        """Count on, for all leases that are held; one that cannot count now tries again at the next beat."""
        for lease in list(self._held):
            with suppress(OSError):  # a full or failing disk shows in the work; other leases still count
                lease.beat()

    def let_go(self, lease: _Lease) -> None:
        """A lease is held no more."""
        self._held.discard(lease)

    def _made(self, job: str) -> Hold | None:
        """Rename a full folder to where there is none, or an empty one; what is full cannot be replaced."""
        token = new_token()
        private = os.path.join(self._folders.new, token)
        own = os.path.join(private, f"g1-{token}")
        lease = _Lease(self, self._disk, own, self._owner, is_fresh_start=False)
        try:
            for folder in (self._folders.new, private, own):
                self._disk.make_folder(folder)
            lease.beat()
            if os.path.isdir(job) and os.listdir(job):  # it is from a time without leases
                lease.folder = os.path.join(job, "g1-0")
                self._disk.replace(own, lease.folder)
            else:
                lease.folder = os.path.join(job, f"g1-{token}")
                self._disk.replace(private, job)
        except OSError as error:
            self._remove(private, own)
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
                return None  # someone was quicker, or this process so slow that it was taken for dead
            raise
        with suppress(FileNotFoundError):
            self._disk.remove_folder(private)
        return self._begun(lease)

    def _remove(self, private: str, own: str) -> None:
        with suppress(FileNotFoundError):
            for name in os.listdir(own):
                self._disk.unlink(os.path.join(own, name))
            self._disk.remove_folder(own)
        with suppress(FileNotFoundError):
            self._disk.remove_folder(private)

    def _taken(self, job: str, generation: str, number: int, *, is_fresh_start: bool) -> Hold | None:
        own = os.path.join(job, f"g{number}-{new_token()}")
        try:
            self._disk.replace(os.path.join(job, generation), own)
        except FileNotFoundError:
            return None  # someone was quicker
        remove_begun(self._disk, own)
        lease = _Lease(self, self._disk, own, self._owner, is_fresh_start=is_fresh_start)
        lease.beat()
        return self._begun(lease)

    def _begun(self, lease: _Lease) -> _Lease | None:
        """Take the records of a time without leases into the lease's folder, and count from now on."""
        job = os.path.dirname(lease.folder)
        try:
            for record in os.listdir(job):
                path = os.path.join(job, record)
                if not os.path.isdir(path):
                    self._disk.replace(path, os.path.join(lease.folder, record))
        except FileNotFoundError:
            return None  # it was taken over already
        with self._turn:
            self._held.add(lease)
            is_counting, self._is_counting = self._is_counting, True
        if not is_counting:
            threading.Thread(target=self._beat_on, name="leases", daemon=True).start()
        return lease

    def _beat_on(self) -> None:
        while self._is_needed():
            time.sleep(BEAT_SECONDS)
            self.beat()

    def _is_needed(self) -> bool:
        with self._turn:
            self._is_counting = bool(self._held)
            return self._is_counting

    def _state(self, generation: str) -> str:
        return _read(os.path.join(generation, LEASE))

    def _is_over(self, state: str) -> bool:
        try:
            value = json.loads(state)
            return bool(value["is_free"]) or Owner(**value["owner"]).is_surely_dead(self._owner)
        except (ValueError, KeyError, TypeError):
            return False  # its owner is about to write it, or is dead: time will tell


class _Lease:
    is_lease = True

    def __init__(
        self, leases: Leases, disk: Disk, folder: str, owner: Owner, *, is_fresh_start: bool
    ) -> None:
        self.folder = folder
        self.is_fresh_start = is_fresh_start
        self._leases = leases
        self._disk = disk
        self._owner = owner
        self._count = 0

    def is_owner(self) -> bool:
        return os.path.isdir(self.folder)

    def make_durable(self) -> None:
        job = os.path.dirname(self.folder)
        self._disk.sync_folder(os.path.dirname(job))
        self._disk.sync_folder(job)

    def beat(self) -> None:
        """Count on. Another file each time: a late owner must not write into its successor's."""
        self._count += 1
        try:
            self._write(is_free=False)
        except FileNotFoundError:  # taken over
            self._leases.let_go(self)

    def release(self) -> None:
        self._leases.let_go(self)
        with suppress(OSError):
            if os.listdir(self.folder) != [LEASE]:
                self._write(is_free=True)
                return
            self._disk.unlink(os.path.join(self.folder, LEASE))
            self._disk.remove_folder(self.folder)
            self._disk.remove_folder(os.path.dirname(self.folder))

    def _write(self, *, is_free: bool) -> None:
        value = {"owner": asdict(self._owner), "count": self._count, "is_free": is_free}
        write_whole(self._disk, self.folder, LEASE, json.dumps(value).encode())


def holder(folders: Folders, disk: Disk, *, is_shared: bool, monotonic: Callable[[], float]) -> Holder:
    """How jobs are held in a spool that other machines may see, or may not."""
    return Leases(folders, disk, monotonic=monotonic) if is_shared else Locks(folders, disk)


@dataclass(frozen=True, slots=True)
class Look:
    """What someone who changes nothing sees of a job: where its records are, and who holds it, or ""."""

    folder: str
    holder: str


def look(folders: Folders, name: str) -> Look:
    """Look at a job."""
    job = os.path.join(folders.jobs, name)
    generation = _generation(job)
    if generation is None:
        pid = lock_holder(job)
        return Look(job, (f"pid {pid}" if pid else "another process") if is_locked(job) else "")
    folder = os.path.join(job, generation)
    try:
        value = json.loads(_read(os.path.join(folder, LEASE)))
        owner = Owner(**value["owner"])
    except (ValueError, KeyError, TypeError):
        return Look(folder, "another process")
    is_over = value["is_free"] or owner.is_surely_dead(Owner.current())
    return Look(folder, "" if is_over else f"{owner.host} pid {owner.pid}")


def _generation(job: str) -> str | None:
    """The folder of the lease in a job folder; None without one."""
    try:
        names = [name for name in os.listdir(job) if name[:1] == "g" and "-" in name]
    except FileNotFoundError:
        return None
    return max(names, key=lambda name: int(name[1:].partition("-")[0])) if names else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When a process began, in the kernel's words (field 22 of proc_pid_stat(5)); "" if it is gone."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""  # noqa: PLR2004 - the 20th after the name
