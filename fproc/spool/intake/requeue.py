"""Requeue: puts failed inputs back to work, and those in `processed/` with rejected lines.

The next run replaces what such an input has published, if it has published anything: if it is in
`processed/`, if it was written to late, or if a run that was to replace results has failed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack

from fproc.base.errors import InputError
from fproc.base.text import shown
from fproc.config.model import Config
from fproc.spool.disk.disk import Disk, unlink_if_there
from fproc.spool.intake.status import SpoolStatus
from fproc.spool.job import reruns
from fproc.spool.job.decision import CommitRecord
from fproc.spool.job.markers import shares_marker
from fproc.spool.layout import REPORT_ENDING, REPORTS, about, is_shared
from fproc.spool.locks import holding
from fproc.spool.locks.locks import JobLock
from fproc.spool.readiness.names import InputNames

HELD_TOGETHER = 64
"""The number of jobs that are held at once, each with an open folder, to be made durable together."""

BEING_WORKED_ON = "a file of that name is being worked on; wait until it is done"
WAITING = "a file of that name is in unprocessed/ already; wait until it is done"


def failed_inputs(spool_status: SpoolStatus) -> list[str]:
    """Return the inputs in `failed/`, without the reports about them."""
    return sorted(spool_status.inputs(spool_status.folders.failed))


def put_back_all(
    config: Config, disk: Disk, names: Sequence[str]
) -> tuple[list[str], dict[str, InputError | OSError]]:
    """Move inputs back to `unprocessed/`, and remove their reports and rejected lines.

    They are inputs in `failed/`, or else those in `processed/` with rejected lines.

    With markers, an input's marker comes first: without it, nothing would make the file ready. The report
    is removed last: a crash before that leaves a report without an input, which is never taken for an input.
    Each job is held until its report is removed: otherwise an input that fails again before would find its
    name taken by the report, and get a `~N`.

    Return the names that were moved, and for each other name why it was not: there is no such input, a file
    of its name is waiting already, or the disk refuses.

    Raises:
        OSError: the disk refuses to keep what was moved.
    """
    spool_status = SpoolStatus(config)
    return _Requeue(spool_status, InputNames(config.intake), disk).put_back(names)


class _Requeue:
    def __init__(self, spool_status: SpoolStatus, names: InputNames, disk: Disk) -> None:
        folders = spool_status.folders
        self._folders = folders
        self._failed = spool_status.inputs(folders.failed)
        self._names = names
        self._disk = disk
        self._lock_manager = holding.lock_manager(
            folders, disk, is_shared=is_shared(folders, disk), monotonic=_zero_seconds
        )

    def put_back(self, names: Sequence[str]) -> tuple[list[str], dict[str, InputError | OSError]]:
        """Put inputs back as `put_back_all` does."""
        moved: list[str] = []
        refused: dict[str, InputError | OSError] = {}
        for first in range(0, len(names), HELD_TOGETHER):
            with ExitStack() as holds:
                some = self._put_back_some(names[first : first + HELD_TOGETHER], refused, holds)
            moved += some
        return moved, refused

    def _put_back_some(
        self, names: Sequence[str], refused: dict[str, InputError | OSError], holds: ExitStack
    ) -> list[str]:
        moved: list[str] = []
        for name in names:
            try:
                self._put_back(name, holds)
            except (InputError, OSError) as error:
                refused[name] = error
            else:
                moved.append(name)
        failed = [name for name in moved if name in self._failed]
        if failed:
            self._remove_reports(failed)
        return moved

    def _remove_reports(self, names: Sequence[str]) -> None:
        """Remove the reports about inputs, after making durable that the inputs have moved."""
        folders, disk = self._folders, self._disk
        disk.sync_folder(folders.unprocessed)
        disk.sync_folder(folders.failed)
        for name in names:
            for ending in reversed(REPORTS):  # what has a report is an input, so the report goes last
                unlink_if_there(disk, os.path.join(folders.failed, about(name, ending)))
        disk.sync_folder(folders.failed)

    def _put_back(self, name: str, holds: ExitStack) -> None:
        folders = self._folders
        if name in self._failed:
            before = reruns.noted_in(folders, os.path.join(folders.failed, about(name, REPORT_ENDING)))
            path = os.path.join(folders.failed, name)
        else:
            path = os.path.join(folders.processed, name)
            if not os.path.isfile(path):
                raise InputError("there is no such input in failed/")
            before = reruns.published(folders, name)
            if before is None:
                raise InputError("is in processed/, and no line of it was set aside")
        if before:
            self._run_again(path, before, holds)
        else:
            self._hold(name, holds)
            self._move(path, name)

    def _hold(self, name: str, holds: ExitStack) -> JobLock:
        hold = self._lock_manager.hold(name)
        if hold is None:
            raise InputError(BEING_WORKED_ON)
        holds.callback(hold.release)
        return hold

    def _run_again(self, path: str, before: CommitRecord, holds: ExitStack) -> None:
        """Put an input back whose results are to be replaced; make the note of that durable first.

        The job is held meanwhile, so nobody takes the note for a stale one.
        """
        folders, disk, name = self._folders, self._disk, before.archive.name
        hold = self._hold(name, holds)
        if os.path.lexists(os.path.join(folders.underprocess, name)):
            raise InputError(BEING_WORKED_ON)
        if os.path.lexists(os.path.join(folders.unprocessed, name)):
            raise InputError(WAITING)
        hold.make_durable()
        reruns.note(disk, hold.folder, before, path)
        self._move(path, name)
        disk.sync_folder(folders.unprocessed)
        disk.sync_folder(os.path.dirname(path))

    def _move(self, path: str, name: str) -> None:
        folders, names = self._folders, self._names
        waiting = os.path.join(folders.unprocessed, name)
        if names.marker is not None and not os.path.lexists(waiting):
            if shares_marker(names, folders.unprocessed, name):
                marker = shown(names.marker_of(name))
                raise InputError(
                    f"a file in unprocessed/ has its marker, {marker}, too; wait until it is done"
                )
            self._disk.close(self._disk.create(os.path.join(folders.unprocessed, names.marker_of(name))))
        try:
            self._disk.move(path, waiting)
        except FileExistsError as error:
            raise InputError(WAITING) from error


def _zero_seconds() -> float:
    """Return a constant time: the requeue takes over no job that others hold."""
    return 0.0
