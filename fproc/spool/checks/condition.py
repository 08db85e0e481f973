"""The present condition of a spool's folders and their disks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from fproc.base.faults import trouble_of
from fproc.base.text import shown
from fproc.base.values import dataclass
from fproc.spool.checks.home import Home
from fproc.spool.disk.mounts import space
from fproc.spool.layout import Folders
from fproc.spool.readiness.obstacles import may_take_from_others, obstacles

MOST_LOOKED_AT = 100
"""How many files of a sticky folder are looked at."""


def disks(folders: Folders, home: Home | None = None) -> Disks:
    """Return what a look at the folders finds; `home` is that of the start, or else of what is there."""
    spaces = []
    for path in (folders.unprocessed, folders.results):
        with suppress(OSError):  # one that is missing is among the unusable
            spaces.append(space(path))
    free_bytes, total_bytes = min(spaces, default=(None, None))
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
    paths = (*folders.inputs(), folders.jobs, folders.results)
    messages = [f"cannot write to {shown(path)}" for path in paths if not os.access(path, usable)]
    return messages or _held_back(folders)


def _held_back(folders: Folders) -> list[str]:
    """Return which input a sticky bit keeps from being taken; without one, no file is looked at."""
    folder = folders.unprocessed
    stuck: list[tuple[str, str]] = []
    with suppress(FileNotFoundError):  # gone since then: the next look says so
        if not may_take_from_others(folder):
            stuck = obstacles(folder, MOST_LOOKED_AT)
    return [f"{shown(name)}: {why}" for name, why in stuck[:1]]


LEAST_FREE_BYTES = 10 * 1024 * 1024
"""With less free space than this a disk is as good as full."""


@dataclass(frozen=True, slots=True)
class Disks:
    """What a look at the folders and their disks finds.

    Attributes:
        unusable: what is wrong with the folders, a message each.
        free_bytes: how much is free on the fuller disk; None where the system does not say.
        total_bytes: how large that disk is.
    """

    unusable: Sequence[str] = ()
    free_bytes: int | None = None
    total_bytes: int | None = None

    def short(self) -> str:
        """Return a message if the space runs out, or ""."""
        if self.free_bytes is None or self.free_bytes >= LEAST_FREE_BYTES:
            return ""
        return f"only {self.free_bytes / 10**6:.1f} MB are free; make room"
