"""Where inputs are and what they wait for: read from the folders, without changing or needing anything."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fproc.config import Config
from fproc.errors import counted, shown
from fproc.spool import checkpoint as checkpoints
from fproc.spool.disk import is_locked, lock_holder
from fproc.spool.folders import Folders
from fproc.spool.intake import READY, Scanner
from fproc.spool.jobs import read_attempts
from fproc.spool.presence import Instance, instances
from fproc.times import rfc3339

REPORTS = (".error.json", ".rejected.jsonl")
"""What stands behind the name of an input in `failed/` in the names of the files about it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One place where an input of a name is, and what there is to say about it there."""

    place: str
    name: str
    why: str


class Inquiry:
    """Questions about one spool."""

    def __init__(
        self,
        config: Config,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folders = Folders(config.watch_dir, config.results_dir)
        self._clock = clock
        self._scanner = Scanner(self.folders.unprocessed, config.intake, monotonic=monotonic, clock=clock)

    def counts(self) -> dict[str, int]:
        """How many inputs are in each state."""
        return count_inputs(self.folders, self.names)

    def names(self, folder: str) -> set[str]:
        """Names of files in a folder that may be inputs, or about inputs; none, if there is no folder."""
        try:
            return input_names(folder, self._scanner)
        except FileNotFoundError:
            return set()

    def size_bytes(self, name: str) -> int | None:
        """The size of an input that is being worked on, if it still is."""
        try:
            return os.path.getsize(os.path.join(self.folders.underprocess, name))
        except (OSError, ValueError):
            return None

    def unusable_folders(self) -> list[str]:
        """What is wrong right now with the folders that work needs, in a few words each."""
        return unusable(self.folders)

    def instances(self) -> list[Instance]:
        """Those that are running."""
        return instances(self.folders)

    def waiting(self) -> list[dict[str, Any]]:
        """Inputs in `underprocess/` that wait to be tried again: `file`, `not_before`, `attempts`."""
        found = []
        for name in sorted(self.names(self.folders.underprocess)):
            attempts = read_attempts(os.path.join(self.folders.jobs, name))
            if attempts.not_before > self._clock():
                found.append(
                    {
                        "file": shown(name),
                        "not_before": rfc3339(attempts.not_before),
                        "attempts": attempts.attempts,
                    }
                )
        return found

    def why(self, name: str) -> list[Found]:
        """Every place where an input of this name is, or was archived, and why."""
        found = []
        if os.path.lexists(os.path.join(self.folders.unprocessed, name)):
            found.append(Found("unprocessed", name, self._why_unprocessed(name)))
        if os.path.lexists(os.path.join(self.folders.underprocess, name)):
            found.append(Found("underprocess", name, self._why_underprocess(name)))
        for folder, why in (
            (self.folders.processed, self._why_processed),
            (self.folders.failed, self._why_failed),
        ):
            found += [
                Found(os.path.basename(folder), archived, why(archived))
                for archived in archived_as(folder, name)
            ]
        return found

    def _why_unprocessed(self, name: str) -> str:
        why = self._scanner.why_waiting(name)
        if why != READY:
            return why
        if not self.instances():
            return "ready, but no fproc is running on this folder"
        if os.path.lexists(os.path.join(self.folders.underprocess, name)):
            return "ready, but an earlier file of its name is not done yet"
        return "ready; it is taken as soon as a worker is free"

    def _why_underprocess(self, name: str) -> str:
        job = os.path.join(self.folders.jobs, name)
        if is_locked(job):
            return f"held by {self._holder(name, job)}{self._progress(name)}"
        attempts = read_attempts(job)
        if attempts.not_before > self._clock():
            when = rfc3339(attempts.not_before)
            return f"retry at {when}, after {counted(attempts.attempts, 'failed attempt')}"
        saved = checkpoints.read(job)
        place = f"; it goes on from line {saved.place.line_no}" if saved else ""
        if not self.instances():
            return f"nobody holds it, and no fproc is running on this folder{place}"
        return f"nobody holds it; it is taken up within a second or so{place}"

    def _holder(self, name: str, job: str) -> str:
        for instance in self.instances():
            for current in instance.said.get("current", ()):
                if current["file"] == shown(name):
                    return f"{instance.host} pid {current.get('worker') or instance.pid}"
        pid = lock_holder(job)
        return f"pid {pid}" if pid else "another process"

    def _progress(self, name: str) -> str:
        for instance in self.instances():
            for current in instance.said.get("current", ()):
                if current["file"] == shown(name):
                    return f", {current['lines']} lines so far"
        return ""

    def _why_processed(self, archived: str) -> str:
        with suppress(OSError):
            status = os.stat(os.path.join(self.folders.processed, archived))
            return f"processed at {rfc3339(status.st_ctime)}"
        return "processed"

    def _why_failed(self, archived: str) -> str:
        try:
            with open(os.path.join(self.folders.failed, archived + REPORTS[0]), encoding="utf-8") as file:
                report = json.load(file)
            place = "".join(
                f", {what} {report[key]}"
                for key, what in (("node", "node"), ("line_no", "line"))
                if report.get(key) is not None
            )
            return f"failed: {report['reason']} ({counted(report['attempts'], 'attempt')}{place})"
        except (OSError, ValueError, KeyError, TypeError):
            return "failed; there is no report about it"


def unusable(folders: Folders) -> list[str]:
    """Which of the folders that work needs cannot be used right now, and why, in a few words each."""
    usable = os.R_OK | os.W_OK | os.X_OK
    needed = (*folders.inputs(), folders.jobs, folders.results)
    return [f"cannot write to {shown(path)}" for path in needed if not os.access(path, usable)]


def count_inputs(folders: Folders, names_in: Callable[[str], set[str]]) -> dict[str, int]:
    """How many inputs are in each state; reports and set-aside lines are not inputs."""
    counts = {}
    for folder in folders.inputs():
        names = names_in(folder)
        if folder == folders.failed:
            names = {name for name in names if is_input(name, names)}
        counts[os.path.basename(folder)] = len(names)
    return counts


def input_names(folder: str, scanner: Scanner) -> set[str]:
    """Names of files in a folder that may be inputs."""
    with os.scandir(folder) as entries:
        return {
            entry.name
            for entry in entries
            if scanner.is_input_name(entry.name) and entry.is_file(follow_symlinks=False)
        }


def archived_as(folder: str, name: str) -> list[str]:
    """The names, with and without `~N`, under which inputs of a name lie in an archive, in order."""
    stem, suffix = os.path.splitext(name)
    found = {}
    with suppress(FileNotFoundError):
        for other in os.listdir(folder):
            middle = other[len(stem) : len(other) - len(suffix)]
            if other == name:
                found[other] = 1
            elif other == f"{stem}{middle}{suffix}" and middle[:1] == "~" and middle[1:].isdecimal():
                found[other] = int(middle[1:])
    return sorted(found, key=lambda other: found[other])


def is_input(name: str, names: set[str]) -> bool:
    """Whether a file in `failed/`, among `names`, is an input: no report, or one with a report."""
    return not name.endswith(REPORTS) or (name + REPORTS[0]) in names
