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
    return [f"cannot write to {shown(path)}" for path in needed if not os.access(path, usable)]
