"""Putting failed inputs back to work."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fproc.config import Config
from fproc.errors import InputError, shown
from fproc.spool.disk import Disk, unlink_if_there
from fproc.spool.folders import Folders, about
from fproc.spool.inquiry import REPORTS, Inquiry
from fproc.spool.markers import shares_marker
from fproc.spool.names import InputNames


def failed_inputs(inquiry: Inquiry) -> list[str]:
    """The inputs in `failed/`, without the reports about them."""
    return sorted(inquiry.inputs(inquiry.folders.failed))


def put_back_all(
    config: Config, disk: Disk, names: Sequence[str]
) -> tuple[list[str], dict[str, InputError | OSError]]:
    """Move failed inputs back to `unprocessed/`, and remove what was reported about them, and set aside.

    With markers, an input's marker comes first: without it, nothing would make the file ready. The report
    goes last: a crash before that leaves one without its input, which nobody takes for one.

    Gives the names that were moved, and what was in the way of the others: such an input is not there or no
    input, a file of its name is waiting already, or the disk refuses.

    Raises:
        OSError: the disk refuses to keep what was moved.
    """
    inquiry = Inquiry(config)
    folders = inquiry.folders
    failed = inquiry.inputs(folders.failed)
    moved: list[str] = []
    refused: dict[str, InputError | OSError] = {}
    for name in names:
        if name not in failed:
            refused[name] = InputError("there is no such input in failed/")
            continue
        try:
            _move(InputNames(config.intake), disk, folders, name)
        except (InputError, OSError) as error:
            refused[name] = error
        else:
            moved.append(name)
    if moved:
        disk.sync_folder(folders.unprocessed)
        disk.sync_folder(folders.failed)
        for name in moved:
            for ending in reversed(REPORTS):  # what has a report is an input, so that goes last
                unlink_if_there(disk, os.path.join(folders.failed, about(name, ending)))
        disk.sync_folder(folders.failed)
    return moved, refused


def _move(names: InputNames, disk: Disk, folders: Folders, name: str) -> None:
    waiting = os.path.join(folders.unprocessed, name)
    if names.marker is not None and not os.path.lexists(waiting):
        if shares_marker(names, folders.unprocessed, name):
            marker = shown(names.marker_of(name))
            raise InputError(f"a file in unprocessed/ has its marker, {marker}, too; wait until it is done")
        disk.close(disk.create(os.path.join(folders.unprocessed, names.marker_of(name))))
    try:
        disk.move(os.path.join(folders.failed, name), waiting)
    except FileExistsError as error:
        raise InputError("a file of that name is in unprocessed/ already; wait until it is done") from error
