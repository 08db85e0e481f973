"""Putting failed inputs back to work."""

from __future__ import annotations

import os

from fproc.config import Config
from fproc.errors import InputError
from fproc.spool.disk import Disk, unlink_if_there
from fproc.spool.folders import Folders
from fproc.spool.inquiry import REPORTS, Inquiry, is_input


def failed_inputs(inquiry: Inquiry) -> list[str]:
    """The inputs in `failed/`, without the reports about them."""
    names = inquiry.names(inquiry.folders.failed)
    return sorted(name for name in names if is_input(name, names))


def put_back(config: Config, disk: Disk, name: str) -> None:
    """Move a failed input back to `unprocessed/`, and remove the report about it.

    The report goes last: a crash before that leaves one without its input, which nobody takes for one.

    Raises:
        InputError: it is not there, or a file of its name is waiting already.
        OSError: the disk refuses.
    """
    folders = Folders(config.watch_dir, config.results_dir)
    failed, waiting = os.path.join(folders.failed, name), os.path.join(folders.unprocessed, name)
    try:
        disk.move(failed, waiting)
    except FileExistsError as error:
        raise InputError("a file of that name is in unprocessed/ already; wait until it is done") from error
    except FileNotFoundError as error:
        raise InputError("there is no such file in failed/") from error
    if config.intake.ready == "marker":
        disk.close(disk.create(waiting + config.intake.marker))
    disk.sync_folder(folders.unprocessed)
    disk.sync_folder(folders.failed)
    unlink_if_there(disk, failed + REPORTS[0])
    disk.sync_folder(folders.failed)
