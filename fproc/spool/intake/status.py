"""The status of inputs: where they are and what they wait for, from the folders alone, changing nothing."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fproc.base.errors import InputError
from fproc.base.text import counted, shown
from fproc.base.times import rfc3339
from fproc.base.values import dataclass
from fproc.config.model import Config
from fproc.pipeline.failures import left_out_text
from fproc.spool.checks.condition import disks
from fproc.spool.disk.paths import kind_of_file
from fproc.spool.intake.scanner import Scanner
from fproc.spool.job import checkpoint as checkpoints
from fproc.spool.job.attempts import Attempts, read_attempts
from fproc.spool.layout import REJECTS_ENDING, REPORT_ENDING, REPORTS, Folders, about, archive_number
from fproc.spool.locks.holding import holder_status
from fproc.spool.locks.instance import Instance, instances
from fproc.spool.readiness.looks import READY, longest_wait_seconds
from fproc.spool.readiness.obstacles import obstacle

SKIPPED = "it cannot be worked with, and is skipped until this is fixed"


@dataclass(frozen=True, slots=True)
class Location:
    """One folder where an input of a name is, and its state there, in words."""

    place: str
    name: str
    why: str


class SpoolStatus:
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
        self._takes_orphans = config.recovery.enabled
        self._longest_wait_seconds = longest_wait_seconds(config)
        self._scanner = Scanner(self.folders.unprocessed, config.intake, monotonic=monotonic, clock=clock)
        self._names = self._scanner.names

    def counts(self) -> dict[str, int]:
        """Return the number of inputs in each state."""
        return {os.path.basename(folder): len(self.inputs(folder)) for folder in self.folders.inputs()}

    def inputs(self, folder: str) -> set[str]:
        """Return the names of inputs in a folder, without reports and rejected lines."""
        names = self.names(folder)
        if folder == self.folders.failed:
            return {name for name in names if is_input(name, names)}
        return names

    def names(self, folder: str) -> set[str]:
        """Return the names of files in a folder that may be inputs or reports; none without a folder."""
        try:
            with os.scandir(folder) as entries:
                return {
                    entry.name
                    for entry in entries
                    if self.is_input_name(entry.name, folder) and entry.is_file(follow_symlinks=False)
                }
        except (FileNotFoundError, NotADirectoryError):
            return set()

    def is_input_name(self, name: str, folder: str) -> bool:
        """Return whether a file of this name, in this folder, may be an input."""
        is_waiting = folder == self.folders.unprocessed
        return self._names.is_taken(name) if is_waiting else self._names.may_be_input(name)

    def attempts(self, name: str) -> int:
        """Return how many attempts at an input in `underprocess/` have failed."""
        return read_attempts(holder_status(self.folders, name).folder).attempts

    def size_bytes(self, name: str) -> int | None:
        """Return the size of an input that is being worked on, or None if it is no more."""
        try:
            return os.path.getsize(os.path.join(self.folders.underprocess, name))
        except (OSError, ValueError):
            return None

    def instances(self) -> list[Instance]:
        """Return the instances that are running."""
        return instances(self.folders)

    def waiting(self) -> list[dict[str, Any]]:
        """Return the inputs in `underprocess/` that wait for a retry: `file`, `not_before`, `attempts`."""
        retries = []
        for name in sorted(self.names(self.folders.underprocess)):
            attempts = read_attempts(holder_status(self.folders, name).folder)
            due = self._due(attempts)
            if due is not None:
                retries.append({"file": name, "not_before": due, "attempts": attempts.attempts})
        return retries

    def _due(self, attempts: Attempts) -> str | None:
        """Return when an input is tried again, or None if that may be now."""
        now = self._clock()
        left_seconds = attempts.left_seconds(now, self._longest_wait_seconds)
        return rfc3339(min(attempts.not_before, now + left_seconds)) if left_seconds else None

    def located(self, path: str) -> tuple[str, str]:
        """Return the place (such as `failed`; "" for any) and the name of the input that a path means.

        The path may be relative to the current folder, or to the watched one.

        Raises:
            InputError: no input is ever in that folder.
        """
        folder, name = os.path.split(path)
        if not folder:
            return "", name
        for base in (os.curdir, self.folders.watch):
            real = os.path.realpath(os.path.join(base, folder))
            for state in self.folders.inputs():
                if real == os.path.realpath(state):
                    return os.path.basename(state), name
        what = f"{shown(path)}: is in none of the folders of inputs of {shown(self.folders.watch)}"
        raise InputError(f"{what}; ask by its name alone, or drop it into {shown(self.folders.unprocessed)}")

    def why(self, name: str, place: str = "") -> list[Location]:
        """Return each place, or only this one, where an input of this name is, or was archived, and why.

        With a place, `name` is the archived input's own name, `~N` included.
        """
        locations = []
        if name in {"", os.curdir, os.pardir}:
            return []
        ways: tuple[tuple[str, Callable[[str], str]], ...] = (
            (self.folders.unprocessed, self.why_unprocessed),
            (self.folders.underprocess, self.why_underprocess),
            (self.folders.processed, self._why_processed),
            (self.folders.failed, self._why_failed),
        )
        for folder, why in ways:
            folder_name = os.path.basename(folder)
            if place not in {"", folder_name}:
                continue
            is_archive = folder in {self.folders.processed, self.folders.failed}
            names = archived_as(folder, name) if is_archive and not place else [name]
            for file_name in names:
                if os.path.lexists(os.path.join(folder, file_name)):
                    with suppress(FileNotFoundError):  # gone meanwhile
                        locations.append(Location(folder_name, file_name, why(file_name)))
        return locations

    def why_unprocessed(self, name: str) -> str:
        """Return what an input in `unprocessed/` waits for.

        Raises:
            FileNotFoundError: it is gone.
        """
        why = self._scanner.why_waiting(name)
        if why != READY:
            return why + self._later(name, why)
        if os.path.lexists(os.path.join(self.folders.underprocess, name)):
            return "ready, but an earlier file of its name is not done yet"
        but = self._but(self.folders.unprocessed, name)
        return f"ready{but}" if but else "ready; it is taken as soon as a worker is free"

    def _later(self, name: str, why: str) -> str:
        """Return what will prevent work on an input once it is ready, or "" for nothing."""
        reason = "" if why.startswith("left alone") else obstacle(self.folders.unprocessed, name)
        return f"; {SKIPPED}: {reason}" if reason and reason not in why else ""

    def _but(self, folder: str, name: str) -> str:
        """Return why an input that is ready, or due, in a folder is not worked on, or "" for no reason."""
        running = self.instances()
        if not running:
            reason = obstacle(folder, name) or "; ".join(disks(self.folders).unusable)
            return ", but no fproc is running on this folder" + (f"; and {reason}" if reason else "")
        all_facts = [instance.facts for instance in running]
        for facts in all_facts:
            if name in facts.names:
                return f", but {SKIPPED}: {facts.names[name]}"
        if all(facts.paused for facts in all_facts):
            return f", but intake is paused: {all_facts[0].paused}"
        if any(facts.more_names for facts in all_facts) and (reason := obstacle(folder, name)):
            return f", but {SKIPPED}: {reason}"
        return ""

    def why_underprocess(self, name: str) -> str:
        """Return who holds an input in `underprocess/`, or what it waits for.

        Raises:
            FileNotFoundError: it is gone.
        """
        path = os.path.join(self.folders.underprocess, name)
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return f"left alone: it {kind_of_file(path)}"
        if not self._names.may_be_input(name):
            return f"left alone: {self._names.why_not(name)}"
        status = holder_status(self.folders, name)
        if status.holder:
            return self._held(name, status.holder)
        attempts = read_attempts(status.folder)
        due = self._due(attempts)
        if due is not None or attempts.changing is not None:
            return _again(attempts, due) + self._but(self.folders.underprocess, name)
        saved = checkpoints.read_checkpoint(status.folder)
        position = f"; it goes on from line {saved.place.line_no}" if saved else ""
        if not self._takes_orphans:
            return f"nobody holds it, and recovery.enabled is off{position}"
        but = self._but(self.folders.underprocess, name)
        return f"nobody holds it{but or ' yet; it is taken up within a second or so'}{position}"

    def _held(self, name: str, holder: str) -> str:
        for instance in self.instances():
            for current in instance.state.get("current", ()):
                if current["file"] == name:
                    pid = current.get("worker") or instance.pid
                    stalled = f"; {current['stalled']}" if "stalled" in current else ""
                    left = left_out_text(current.get("rejected") or 0, current.get("skipped") or 0)
                    lines = counted(current["lines"], "line") + (f", {left}" if left else "")
                    return f"held by {instance.host} pid {pid}, {lines} so far{stalled}"
        return f"held by {holder}"

    def _why_processed(self, archived: str) -> str:
        why = "processed"
        with suppress(OSError):
            status = os.stat(os.path.join(self.folders.processed, archived))
            why += f" at {rfc3339(status.st_ctime)}"
        rejects = about(archived, REJECTS_ENDING)
        with suppress(OSError), open(os.path.join(self.folders.failed, rejects), "rb") as file:
            count = sum(1 for _ in file)
            why += f", {counted(count, 'line')} rejected (failed/{shown(rejects)})"
        return why

    def _why_failed(self, archived: str) -> str:
        if not is_input(archived, self.names(self.folders.failed)):
            return "no input, but a report about one"
        path = os.path.join(self.folders.failed, about(archived, REPORT_ENDING))
        try:
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
            details = "".join(
                f", {what} {report[key]}"
                for key, what in (("node", "node"), ("line_no", "line"))
                if report[key] is not None
            )
            return f"failed: {report['reason']} ({counted(report['attempts'], 'attempt')}{details})"
        except (OSError, ValueError, KeyError, TypeError):
            return "failed; there is no report about it"


def _again(attempts: Attempts, due: str | None) -> str:
    """Return when an input that was worked on before is adopted again."""
    if attempts.changing is not None:
        return "was written to while it was read; it is read again once it is quiet"
    return f"retry at {due}, after {counted(attempts.attempts, 'failed attempt')}"


def archived_as(folder: str, name: str) -> list[str]:
    """Return the names, with and without `~N`, that inputs of a name have in an archive, in order."""
    numbers = {}
    with suppress(FileNotFoundError, NotADirectoryError):
        for other in os.listdir(folder):
            number = archive_number(name, other)
            if number is not None:
                numbers[other] = number
    return sorted(numbers, key=lambda other: numbers[other])


def is_input(name: str, names: set[str]) -> bool:
    """Return whether a file in `failed/`, among `names`, is an input: not a report, or one with a report."""
    return not name.endswith(REPORTS) or (name + REPORT_ENDING) in names
