"""Filesystems in memory that are small, and soon full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

DISK = 32 * 2**20
"""More than `/health` wants to be free."""


INODES = 200


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A filesystem of its own at a place, in memory, with room for `DISK` bytes and `INODES` files."""
    place.mkdir()
    arguments = ["mount", "-t", "tmpfs", "-o", f"size={DISK},nr_inodes={INODES}", "tmpfs", str(place)]
    refusal = "only root may mount one"
    if os.geteuid() == 0:
        refusal = subprocess.run(arguments, capture_output=True, text=True, check=False).stderr
    if not os.path.ismount(place):
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"a small filesystem is needed, and there is none: {refusal}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path, spare_bytes: int) -> Path:
    """Take all the space but so much; gives the file to remove."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(filler, filler.stat().st_size - spare_bytes)
    return filler


def fill_inodes(disk: Path, spare: int) -> Path:
    """Take all the inodes but `spare`, and return the folder to remove."""
    filler = disk / "fillers"
    filler.mkdir()
    with suppress(OSError):
        for number in range(INODES):
            (filler / str(number)).touch()
    for path in sorted(filler.iterdir())[:spare]:
        path.unlink()
    return filler
