"""How the folders of a spool and their disks are, right now."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from fproc.errors import shown
from fproc.health import Disks
from fproc.spool.folders import Folders
from fproc.spool.mounts import space


def needed(folders: Folders) -> tuple[str, ...]:
    """Return the folders that work needs."""
    return (*folders.inputs(), folders.jobs, folders.results)


def unusable(paths: Iterable[str]) -> list[str]:
    """Return which of these folders cannot be used right now, and why, in a few words each."""
    usable = os.R_OK | os.W_OK | os.X_OK
    return [
        f"cannot write to {shown(path)}"
        for path in paths
        if not (os.path.isdir(path) and os.access(path, usable))
    ]


def disks(folders: Folders, *, must_be_there: bool) -> Disks:
    """Return what a look at the folders finds; a missing one is trouble if it `must_be_there`."""
    paths = [path for path in needed(folders) if must_be_there or os.path.lexists(path)]
    found = []
    for path in (folders.unprocessed, folders.results):
        with suppress(OSError):  # one that is missing is among the unusable
            found.append(space(path))
    free_bytes, total_bytes = min(found, default=(None, None))
    return Disks(tuple(unusable(paths)), free_bytes, total_bytes)
