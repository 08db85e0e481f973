"""A disk that dies, or fails, before its nth call; and a look at a whole spool."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from glob import escape as glob_escape
from glob import glob
from typing import Any

from fproc.spool.disk.disk import Disk
from fproc.spool.job.unjournaled import UnjournaledDisk


class Crash(BaseException):
    """The process dies here."""


def one_by_one(disk: Disk, descriptors: Sequence[int]) -> list[OSError | None]:
    """What `Disk.sync_all` does, always in the same order, so that each fsync is a point of its own."""
    errors: list[OSError | None] = []
    for descriptor in descriptors:
        try:
            disk.sync(descriptor)
            errors.append(None)
        except OSError as error:
            errors.append(error)
    return errors


class BrokenDisk(Disk):
    """Breaks before call number `calls` (from 0) of those that change something.

    Without an `error` the process dies there: a `Crash`, after which `die` closes what the kernel would
    close. With one, that call fails, and with `for_good` every call after it, until `repair`.
    """

    def __init__(self, calls: int, *, error: int | None = None, for_good: bool = False) -> None:
        super().__init__(power=True)
        self.calls_left = calls
        self.broke_at = ""
        self._error = error
        self._for_good = for_good
        self._descriptors: set[int] = set()

    def die(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def repair(self) -> None:
        self.calls_left = 10**9

    def sync_all(self, descriptors: Sequence[int]) -> list[OSError | None]:
        return one_by_one(self, descriptors)

    def count(self, name: str, *arguments: Any) -> Any:
        """Make one call of the real disk, or break."""
        is_cleanup = name == "close"  # a descriptor is closed whatever the disk says
        if self.calls_left <= 0 and not (is_cleanup and self._error):
            self.broke_at = self.broke_at or f"{name} {arguments}"
            if self._error is None:
                raise Crash(name)
            if not self._for_good:
                self.repair()
            raise OSError(self._error, os.strerror(self._error))
        self.calls_left -= 1
        given = getattr(Disk, name)(self, *arguments)
        if name in OPENING and given is not None:
            self._descriptors.add(given)
        if name == "close":
            self._descriptors.discard(*arguments)
        return given


OPENING = {
    "create",
    "open_to_append",
    "create_unnamed",
    "create_locked",
    "open_to_sync",
    "reopen",
    "lock",
    "lock_new",
}
"""Calls that give a descriptor, which the kernel closes when the process dies."""


def _counted(name: str) -> Any:
    return lambda self, *arguments: self.count(name, *arguments)


HALVES = ("begin_move", "begin_replace", "end_move")
"""They are made of the other calls, each of which counts."""

CALLS = [
    name
    for name, value in vars(Disk).items()
    if callable(value) and not name.startswith("_") and name not in {"sync_all", *HALVES}
]
for _name in CALLS:
    setattr(BrokenDisk, _name, _counted(_name))


class InHalves:
    """Makes the moves of a filesystem without a journal, by counted calls; see `UnjournaledDisk`."""

    has_halves = True
    move = UnjournaledDisk.move
    begin_move = UnjournaledDisk.begin_move
    begin_replace = UnjournaledDisk.begin_replace
    end_move = UnjournaledDisk.end_move


class UnjournaledBrokenDisk(InHalves, BrokenDisk):
    """Breaks on a filesystem without a journal."""


def files(*parts: str) -> dict[str, str]:
    """The files of one folder, with what is in them."""
    found = {}
    for entry in os.scandir(os.path.join(*parts)):
        if entry.is_file():
            with open(entry.path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                found[entry.name] = file.read()
    return found


def results(watch_dir: str) -> dict[str, str]:
    """The results, with what is in them, by their names with folders."""
    root = os.path.join(watch_dir, "results")
    found: dict[str, str] = {}
    for folder, below, _ in os.walk(root):
        if ".stage" in below:
            below.remove(".stage")
        within = os.path.relpath(folder, root)
        found |= {os.path.normpath(os.path.join(within, name)): text for name, text in files(folder).items()}
    return found


def look(watch_dir: str) -> dict[str, Any]:
    """Everything a user, or a crash, may have left in a spool: files by folder, and litter.

    Which texts were appended is no litter: it is removed when the spool is next looked through for orphans.
    """
    seen: dict[str, Any] = {
        folder: files(watch_dir, folder) for folder in ("unprocessed", "underprocess", "processed", "failed")
    }
    seen["results"] = results(watch_dir)
    litter = [f"job {name}" for name in os.listdir(os.path.join(watch_dir, ".fproc", "jobs"))]
    for kind in ("new", "instances", "commits", "appends"):
        if os.path.isdir(os.path.join(watch_dir, ".fproc", kind)):
            names = os.listdir(os.path.join(watch_dir, ".fproc", kind))
            litter += [
                f"{kind} {name}" for name in names if not (kind == "appends" and name.endswith(".done"))
            ]
    for stage in os.scandir(os.path.join(watch_dir, "results", ".stage")):
        litter += [f"part {name}" for name in os.listdir(stage.path)]
    seen["litter"] = litter
    return seen


def is_decided(watch_dir: str, name: str = "x.log") -> bool:
    """Whether there is a commit record for an input, its own or one that it shares."""
    state = os.path.join(watch_dir, ".fproc")
    own = os.path.join(glob_escape(state), "jobs", name, "**", "commit.json")
    return os.path.exists(os.path.join(state, "commits", name)) or bool(glob(own, recursive=True))


def inputs(watch_dir: str) -> Counter[str]:
    """The contents of every input, wherever it is; one file under two names is one input.

    With a lease, an input that was decided about goes to its archive by way of the job folder.
    """
    others = (".error.json", ".rejected.jsonl", ".done")
    found = {}
    for folder in ("unprocessed", "underprocess", "processed", "failed"):
        for entry in os.scandir(os.path.join(watch_dir, folder)):
            if not entry.name.endswith(others):
                with open(entry.path, encoding="utf-8") as file:
                    found[entry.inode()] = file.read()
    for path in glob(os.path.join(watch_dir, ".fproc", "jobs", "*", "g*", "input")):
        with open(path, encoding="utf-8") as file:
            found[os.stat(path).st_ino] = file.read()
    return Counter(found.values())
