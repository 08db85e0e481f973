"""Retention: removes archived inputs that are too old by the configuration. Nothing else removes one."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress

from fproc.base.text import shown
from fproc.config.model import Retention
from fproc.spool.checks.trusted import DAY_SECONDS
from fproc.spool.disk.disk import Disk, unlink_if_there
from fproc.spool.layout import Folders

log = logging.getLogger("fproc.spool")


def prune_archive(
    folders: Folders,
    disk: Disk,
    retention: Retention,
    *,
    now: float,
    is_input_name: Callable[[str], bool],
    is_stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Remove what was put into `processed/` and `failed/` too many days ago; return the number of files.

    The time is that of the last change of the file's inode, which is when it was renamed into the folder.
    Names that no input can have stay. `now` comes from `TrustedTime`. What remains when it has to stop is
    removed by another call.
    """
    removed = 0
    for folder, days in (
        (folders.processed, retention.processed_days),
        (folders.failed, retention.failed_days),
    ):
        if days is None:
            continue
        oldest = now - days * DAY_SECONDS
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if is_stopping():
                    return removed
                is_archived = is_input_name(entry.name) and entry.is_file(follow_symlinks=False)
                if is_archived and entry.stat(follow_symlinks=False).st_ctime < oldest:
                    unlink_if_there(disk, entry.path)
                    log.info("removed %s, which was kept for %g days", shown(entry.path), days)
                    removed += 1
    return removed
