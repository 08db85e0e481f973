"""Which folder it is that is at a path: the same as before a restart, or another that took its place.

The number of a device changes when a host starts anew, and the inode numbers of two filesystems coincide
(the first folders of both have the first numbers). The time at which a folder was made does neither.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import cache

_AT_FDCWD = -100
_STATX_BTIME = 0x800
_STATX_BYTES = 256
_BTIME_OFFSET_BYTES = 80


def identity_of(folder: str) -> str:
    """Return what tells a folder from all others, or "" if none is there.

    That is its inode number with the time at which it was made, in nanoseconds; or with the number of its
    filesystem where the system does not tell that time.
    """
    try:
        inode = os.stat(folder).st_ino
        birth = _birth_time()
        made_ns = birth(folder) if birth else None
        return f"{inode}@{made_ns}" if made_ns else f"{inode}@fs{os.statvfs(folder).f_fsid:x}"
    except OSError:
        return ""


@cache
def _birth_time() -> Callable[[str], int | None] | None:
    """`statx(STATX_BTIME)` of the C library (Linux), as a function that gives nanoseconds since 1970."""
    try:
        import ctypes  # noqa: PLC0415 - slow to import, and missing in some builds of Python

        function = ctypes.CDLL(None).statx
    except (ImportError, OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)

    def birth_ns(path: str) -> int | None:
        buffer = ctypes.create_string_buffer(_STATX_BYTES)
        if function(_AT_FDCWD, os.fsencode(path), 0, _STATX_BTIME, buffer):
            return None
        (mask,) = struct.unpack_from("=I", buffer)
        seconds, nanoseconds = struct.unpack_from("=qI", buffer, _BTIME_OFFSET_BYTES)
        return seconds * 10**9 + nanoseconds if mask & _STATX_BTIME else None

    return birth_ns
