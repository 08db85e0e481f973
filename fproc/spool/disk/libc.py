"""Calls of the C library that Python does not have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_SYNC_FILE_RANGE_WRITE = 2


@cache
def sync_file_range() -> Callable[[int], int] | None:
    """Return `sync_file_range(SYNC_FILE_RANGE_WRITE)` of the C library, for all of a file (Linux)."""
    try:
        import ctypes  # noqa: PLC0415 - slow to import, and missing in some builds of Python

        function = ctypes.CDLL(None).sync_file_range
    except (ImportError, OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)

    def start(descriptor: int) -> int:
        return int(function(descriptor, 0, 0, _SYNC_FILE_RANGE_WRITE))

    return start


@cache
def renameat2() -> Callable[[str, str], int] | None:
    """Return `renameat2(RENAME_NOREPLACE)` of the C library, as a function that returns an errno or 0."""
    try:
        import ctypes  # noqa: PLC0415 - slow to import, and missing in some builds of Python

        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (ImportError, OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)

    get_errno = ctypes.get_errno
    encoding, errors = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()

    def rename(source: str, target: str) -> int:
        old, new = source.encode(encoding, errors), target.encode(encoding, errors)
        return get_errno() if function(_AT_FDCWD, old, _AT_FDCWD, new, _RENAME_NOREPLACE) else 0

    return rename
