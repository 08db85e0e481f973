"""Folders to work in: fresh ones for each run, removed when that disturbs no measurement."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

_IN_MEMORY = {"tmpfs", "ramfs"}


class Scratch:
    """The folder of all files of the bench.

    After many deletions some filesystems (ext4) make new files several times slower for seconds. So the files
    of a run stay until the end; but not on tmpfs, where they take memory, and deleting costs nothing later.
    The big log stays for the next time.
    """

    def __init__(self, root: Path, rest_seconds: float) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.filesystem = filesystem_of(root)
        self.is_durable = self.filesystem not in _IN_MEMORY
        self._rest_seconds = rest_seconds
        self._work = root / f"work-{os.getpid()}"
        self._work.mkdir()
        self._made = 0

    def close(self) -> None:
        """Remove everything that need not stay."""
        shutil.rmtree(self._work, ignore_errors=True)

    def fresh(self, name: str) -> Path:
        """Return a new, empty folder."""
        self._made += 1
        folder = self._work / f"{self._made:03}-{name}"
        folder.mkdir()
        return folder

    def done(self, folder: Path) -> None:
        """Note that a folder is no longer needed."""
        if not self.is_durable:
            shutil.rmtree(folder)

    def rest(self) -> None:
        """Let the disk finish its work before something is measured."""
        os.sync()
        time.sleep(self._rest_seconds)

    def need(self, size_bytes: int) -> None:
        """Check that there is room.

        Raises:
            OSError: there is not.
        """
        free = shutil.disk_usage(self.root).free
        if free < size_bytes:
            raise OSError(
                f"{self.root} has {free / 1e9:.1f} GB left and {size_bytes / 1e9:.1f} GB may be needed: "
                "choose another --scratch, or measure less"
            )


def filesystem_of(path: Path) -> str:
    """Return the type of the filesystem that a folder is on, such as `ext4`."""
    path = path.resolve()
    filesystem, depth = "unknown", -1
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            fields, _, rest = line.partition(" - ")
            mount_point = Path(fields.split()[4].replace("\\040", " "))
            if (path == mount_point or mount_point in path.parents) and len(mount_point.parts) >= depth:
                filesystem, depth = rest.split()[0], len(mount_point.parts)
    return filesystem
