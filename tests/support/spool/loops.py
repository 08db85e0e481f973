"""Filesystems in files, mounted by way of a loop device, and their power cut."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SHUTDOWN = 0x8004587D
_WITHOUT_FLUSH = 2
"""`FS_IOC_SHUTDOWN` of linux/fs.h, and its `FS_SHUTDOWN_FLAGS_NOLOGFLUSH`."""

IMAGE_BYTES = 64 * 1024 * 1024

needs_loops = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/loop-control") or shutil.which("mkfs.ext4") is None,
    reason="only root can mount an ext4 that lies in a file",
)


def make_ext4(image: Path, *, has_journal: bool) -> None:
    """Make a file with an empty ext4 in it."""
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    feature = "has_journal" if has_journal else "^has_journal"
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", feature, image], check=True)


@contextmanager
def mounted(image: Path, point: Path) -> Iterator[Path]:
    """Mount an image; it is unmounted in the end."""
    point.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-o", "loop", image, point], stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"no loop device to be had: {done.stderr.strip()}")
    try:
        yield point
    finally:
        subprocess.run(["umount", "--lazy", point], check=True)


def cut_power(image: Path, point: Path, after: Path) -> None:
    """Let nothing more reach the device, and copy what has; it is repaired as by a host that starts again."""
    folder = os.open(point, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, _SHUTDOWN, struct.pack("=I", _WITHOUT_FLUSH))
    finally:
        os.close(folder)
    shutil.copyfile(image, after)
    done = subprocess.run(["e2fsck", "-f", "-y", after], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode in {0, 1, 2}, done.stdout
