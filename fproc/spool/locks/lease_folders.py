"""The contents of a lease's folder, and what can be told from them.

    X/g1-TOKEN/lease.json   who made it, and for which folder it was made
    X/g1-TOKEN/count-7      renamed for as long as the owner counts; or `free`

The folder with the highest number is the last one. Which name says what is told by `leases`.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

from fproc.base.values import dataclass
from fproc.spool.disk.disk import Disk
from fproc.spool.locks.owner import Owner, read_text

LEASE = "lease.json"
FREE = "free"
COUNT = "count-"


@dataclass(frozen=True, slots=True)
class LeaseState:
    """What an observer sees of a lease: its folder's name, its owner if that is known, and its count.

    The count is `FREE` once the owner is done with it, and "" while that cannot be told.
    """

    generation: str
    owner: Owner | None
    count: str

    def is_over(self, observer: Owner) -> bool:
        """Return whether the owner has released it, or is surely dead. If neither is known, observe it."""
        return self.owner is not None and (self.count == FREE or self.owner.is_surely_dead(observer))

    @property
    def seen_version(self) -> str:
        """A value that stays the same for as long as the owner does not count."""
        return f"{self.generation} {self.count}"


def count_on(disk: Disk, folder: str) -> bool:
    """Count in the folder of a lease; return whether there is something to count.

    Raises:
        OSError: the disk refuses, or the folder is gone.
    """
    count = count_in(os.listdir(folder))
    if not count.startswith(COUNT):
        return False
    number = int(count.removeprefix(COUNT)) + 1
    with suppress(FileNotFoundError):  # someone else has counted
        disk.replace(os.path.join(folder, count), os.path.join(folder, f"{COUNT}{number}"))
    return True


def look_at(job: str) -> LeaseState | None:
    """Return what can be seen of the last lease in a job folder; None without one.

    Where a lease was renamed to be taken over, neither owner nor count speak for whoever does that.
    """
    generation = generation_of(job)
    if generation is None:
        return None
    folder = os.path.join(job, generation)
    text = read_text(os.path.join(folder, LEASE))
    try:
        count = count_in(os.listdir(folder))
        value = json.loads(text)
        owner = Owner(**value["owner"]) if value["generation"] == generation else None
    except (OSError, ValueError, KeyError, TypeError):
        return LeaseState(generation, None, text)  # torn, or of another version of fproc: time will tell
    return LeaseState(generation, owner, count if owner else "")


def generation_of(job: str) -> str | None:
    """Return the name of the last lease's folder in a job folder; None without one."""
    try:
        names = [name for name in os.listdir(job) if is_generation(name)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return max(names, key=lease_number) if names else None


def is_generation(name: str) -> bool:
    """Return whether a name in a job folder is that of a lease's folder."""
    number, dash, _token = name[1:].partition("-")
    return name[:1] == "g" and bool(dash) and number.isascii() and number.isdecimal()


def lease_number(generation: str) -> int:
    """Return which lease of a job it is, by its folder's name."""
    return int(generation[1:].partition("-")[0])


def is_of_lease(name: str) -> bool:
    """Return whether a name in a lease's folder is the lease's own, not a record of the job."""
    return name in {LEASE, FREE} or name.startswith((COUNT, f"{LEASE}."))


def count_in(names: list[str]) -> str:
    """Return the name among these that is the count, or ""."""
    return next((name for name in names if name == FREE or name.startswith(COUNT)), "")
