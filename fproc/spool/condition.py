"""How the folders of a spool and their disks are, right now."""

from __future__ import annotations

import os
from contextlib import suppress

from fproc.errors import shown
from fproc.health import Disks
from fproc.lifecycle import trouble_of
from fproc.spool.folders import Folders
from fproc.spool.home import Home
from fproc.spool.mounts import space
from fproc.spool.obstacles import may_take_from_others, obstacles

MOST_LOOKED_AT = 100
"""How many files of a sticky folder are looked at."""


def disks(folders: Folders, home: Home | None = None) -> Disks:
    """Return what a look at the folders finds; `home` is that of the start, or else of what is there."""
    found = []
    for path in (folders.unprocessed, folders.results):
        with suppress(OSError):  # one that is missing is among the unusable
            found.append(space(path))
    free_bytes, total_bytes = min(found, default=(None, None))
    return Disks(tuple(_unusable(folders, home)), free_bytes, total_bytes)


def _unusable(folders: Folders, home: Home | None) -> list[str]:
    """Return what is wrong with the folders that work needs, in a few words each."""
    try:
        (home or Home.found(folders)).check()
    except FileNotFoundError:
        watch = shown(folders.watch)
        return [f"no .fproc/id in {watch}: it is not mounted, or no fproc was started there yet"]
    except OSError as error:
        return [trouble_of(error)]
    usable = os.R_OK | os.W_OK | os.X_OK
    needed = (*folders.inputs(), folders.jobs, folders.results)
    found = [f"cannot write to {shown(path)}" for path in needed if not os.access(path, usable)]
    return found or _held_back(folders)


def _held_back(folders: Folders) -> list[str]:
    """Return which input a sticky bit keeps from being taken; without one, no file is looked at."""
    folder = folders.unprocessed
    found: list[tuple[str, str]] = []
    with suppress(FileNotFoundError):  # gone since then: the next look says so
        if not may_take_from_others(folder):
            found = obstacles(folder, MOST_LOOKED_AT)
    return [f"{shown(name)}: {why}" for name, why in found[:1]]
