"""A call of the C library that Python has not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

_SYNC_FILE_RANGE_WRITE = 2


@cache
def sync_file_range() -> Callable[[int], int] | None:
    """`sync_file_range(SYNC_FILE_RANGE_WRITE)` of the C library, for all of a file (Linux)."""
    try:
        import ctypes  # noqa: PLC0415 - slow to import, and missing in some builds of Python

        function = ctypes.CDLL(None).sync_file_range
    except (ImportError, OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)

    def start(descriptor: int) -> int:
        return int(function(descriptor, 0, 0, _SYNC_FILE_RANGE_WRITE))

    return start
