"""The mounts of this host, and whether other hosts may use their filesystems too."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

LOCAL_TYPES = frozenset(
    {"apfs", "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "hfs", "hfsplus", "jfs", "msdos"}
    | {"nilfs2", "ntfs", "ntfs3", "overlay", "ramfs", "reiserfs", "tmpfs", "ufs", "vfat", "xfs", "zfs"}
)
"""Types of filesystems that belong to one host, so that its kernel's locks reach all who use them."""

RECENT_SECONDS = 5.0
"""How long it may take until another filesystem at the place of an earlier one is noticed."""

_JOURNALED_TYPES = frozenset(
    {"apfs", "bcachefs", "btrfs", "ext3", "f2fs", "hfsplus", "jfs", "nilfs2", "reiserfs", "xfs", "zfs"}
)
"""They keep a journal, or write nothing in place."""

_UNJOURNALED_TYPES = frozenset({"exfat", "ext2", "hfs", "msdos", "ntfs", "ntfs3", "ufs", "vfat"})

_MOUNTINFO = "/proc/self/mountinfo"


def filesystem_type(path: str) -> str | None:
    """Return the type of the filesystem that holds a path, such as `ext4`, or None if it is not known."""
    mount = mount_of(path)
    return mount.type if mount else None


def recent_filesystem_type(folder: str) -> str | None:
    """Return what `filesystem_type` said about a folder within the last seconds: it costs to ask."""
    return _type_in(folder, int(time.monotonic() // RECENT_SECONDS))


@lru_cache(maxsize=16)
def _type_in(folder: str, _period: int) -> str | None:
    return filesystem_type(folder)


def is_local(path: str) -> bool | None:
    """Return whether the filesystem that holds a path belongs to this host alone; None if not known."""
    kind = filesystem_type(path)
    return kind in LOCAL_TYPES if kind else None


class Mount(NamedTuple):
    """One mount: its device number, where it is, its options, and what is mounted there."""

    device: int
    point: str
    options: str
    type: str
    source: str


def has_journal(path: str) -> bool | None:
    """Return whether power loss leaves renames whole or undone on a path's filesystem; None if not known."""
    while not os.path.exists(path):  # it is about to be made
        path = os.path.dirname(os.path.abspath(path))
    kind = filesystem_type(path)
    if kind == "ext4":
        return _has_ext4_journal(path)
    return True if kind in _JOURNALED_TYPES else False if kind in _UNJOURNALED_TYPES else None


def _has_ext4_journal(path: str) -> bool | None:
    """Return whether an ext4 has a journal: it may have been made without (`mkfs.ext4 -O ^has_journal`)."""
    device = device_of(path)
    if device is None:
        return None
    name = os.path.basename(os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"))
    try:
        with open(f"/sys/fs/ext4/{name}/journal_task", encoding="ascii") as file:
            return file.read().strip() != "<none>"
    except OSError:
        return None


def mount_of(path: str) -> Mount | None:
    """Return the mount that holds a path: of those above it the deepest, and of these the last.

    A mount can be hidden by a later one further up, so one that is on the path's device goes first. Some
    filesystems (btrfs) give their files other devices than their mount's; then depth alone decides.
    """
    real = os.path.realpath(path)
    device = device_of(real)
    above = reversed([*_mounts_above(real)])
    return max(above, key=lambda mount: (mount.device == device, len(mount.point)), default=None)


def device_of(path: str) -> int | None:
    """Return the number of the device that a path is on; None if there is no such path."""
    try:
        return os.stat(path).st_dev
    except OSError:
        return None


def space(path: str) -> tuple[int, int]:
    """Return the bytes free for this user on the filesystem that holds a path, and the bytes it has.

    Raises:
        OSError: the system does not say.
    """
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize


def _mounts_above(path: str) -> Iterator[Mount]:
    """Return the mounts that a path may be on, from a file that proc(5) describes; none without that file.

    There may be hundreds of others, of which only the places are read.
    """
    within = os.fsencode(path) + b"/"
    with suppress(OSError), open(_MOUNTINFO, "rb") as file:
        for line in file:
            place = line.split(b" ", 5)[4:5]
            if not place or not within.startswith(_unescaped_bytes(place[0]).rstrip(b"/") + b"/"):
                continue
            mount, _, filesystem = line.rstrip(b"\n").partition(b" - ")
            with suppress(ValueError, TypeError):
                _id, _parent, device, _root, point, options, *_tags = map(_unescaped, mount.split(b" "))
                kind, source, more = map(_unescaped, filesystem.split(b" ", 2))
                every = dict.fromkeys(f"{options},{more}".split(","))
                yield Mount(os.makedev(*map(int, device.split(":"))), point, ",".join(every), kind, source)


def _unescaped(field: bytes) -> str:
    return os.fsdecode(_unescaped_bytes(field))


def _unescaped_bytes(field: bytes) -> bytes:
    if b"\\" not in field:  # as nearly always
        return field
    return re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8) & 0xFF]), field)
