"""The identity of the folder at a path: the same as before a restart, or another that took its place.

The number of a device changes when a host starts anew, and the inode numbers of two filesystems coincide
(the first folders of both have the first numbers). The time at which a folder was made does neither.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import cache

_AT_FDCWD = -100
_STATX_INO = 0x100
_STATX_BTIME = 0x800
_STATX_BYTES = 256
_INO_OFFSET_BYTES = 32
_BTIME_OFFSET_BYTES = 80


def identity_of(folder: str) -> str:
    """Return what tells a folder from all others, or "" if none is there.

    That is its inode number with the time at which it was made, in nanoseconds; or with the number of its
    filesystem where the system does not tell that time.
    """
    statx = _statx()
    identity = statx(folder) if statx else None
    if identity:
        return identity
    try:
        return f"{os.stat(folder).st_ino}@fs{os.statvfs(folder).f_fsid:x}"
    except OSError:
        return ""


@cache
def _statx() -> Callable[[str], str | None] | None:
    """Return `statx` of libc (Linux), as a function that returns `INODE@NANOSECONDS` if there is a time."""
    try:
        import ctypes  # noqa: PLC0415 - slow to import, and missing in some builds of Python

        function = ctypes.CDLL(None).statx
    except (ImportError, OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)

    needed_mask = _STATX_INO | _STATX_BTIME

    def inode_and_birth(path: str) -> str | None:
        buffer = ctypes.create_string_buffer(_STATX_BYTES)
        if function(_AT_FDCWD, os.fsencode(path), 0, needed_mask, buffer):
            return None
        (mask,) = struct.unpack_from("=I", buffer)
        (inode,) = struct.unpack_from("=Q", buffer, _INO_OFFSET_BYTES)
        seconds, nanoseconds = struct.unpack_from("=qI", buffer, _BTIME_OFFSET_BYTES)
        birth_ns = seconds * 10**9 + nanoseconds
        return f"{inode}@{birth_ns}" if birth_ns and mask & needed_mask == needed_mask else None

    return inode_and_birth
