"""Putting failed inputs back to work."""

from __future__ import annotations

import os

from fproc.config import Config
from fproc.errors import InputError
from fproc.spool.disk import Disk, unlink_if_there
from fproc.spool.folders import about, make_durably
from fproc.spool.inquiry import REPORTS, Inquiry, is_input


def failed_inputs(inquiry: Inquiry) -> list[str]:
    """The inputs in `failed/`, without the reports about them."""
    names = inquiry.names(inquiry.folders.failed)
    return sorted(name for name in names if is_input(name, names))


def put_back(config: Config, disk: Disk, name: str) -> None:
    """Move a failed input back to `unprocessed/`, and remove the report about it.

    With markers, its marker comes first: without it, nothing would make the file ready. The report goes last:
    a crash before that leaves one without its input, which nobody takes for one.

    Raises:
        InputError: it is not there or no input, or a file of its name is waiting already.
        OSError: the disk refuses.
    """
    inquiry = Inquiry(config)
    folders = inquiry.folders
    failed, waiting = os.path.join(folders.failed, name), os.path.join(folders.unprocessed, name)
    names = inquiry.names(folders.failed)
    if name not in names or not is_input(name, names):
        raise InputError("there is no such input in failed/")
    make_durably(disk, folders.unprocessed)
    if config.intake.ready == "marker" and not os.path.lexists(waiting):
        disk.close(disk.create(waiting + config.intake.marker))
    try:
        disk.move(failed, waiting)
    except FileExistsError as error:
        raise InputError("a file of that name is in unprocessed/ already; wait until it is done") from error
    disk.sync_folder(folders.unprocessed)
    disk.sync_folder(folders.failed)
    unlink_if_there(disk, os.path.join(folders.failed, about(name, REPORTS[0])))
    disk.sync_folder(folders.failed)
