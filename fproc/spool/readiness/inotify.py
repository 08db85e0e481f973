"""The kernel's events about the files of one folder (inotify(7)), through the C library, if it has that."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

MODIFY = 0x2
CLOSE_WRITE = 0x8
CLOSE_NOWRITE = 0x10
OPEN = 0x20
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
OVERFLOW = 0x4000
IGNORED = 0x8000
IS_FOLDER = 0x40000000

OF_FILES = MODIFY | CLOSE_WRITE | CLOSE_NOWRITE | OPEN | MOVED_FROM | MOVED_TO | CREATE | DELETE
OF_WATCH = DELETE_SELF | MOVE_SELF
ENDED = OVERFLOW | IGNORED | UNMOUNT | OF_WATCH
"""After one of these, what was told before no longer counts."""

_ONLY_FOLDER = 0x01000000
_HEADER = struct.Struct("iIII")
_READ_BYTES = 65536


class Told(NamedTuple):
    """One event: its bits, what links the two of a rename, and the name of the file, or ""."""

    mask: int
    cookie: int
    name: str


class Inotify:
    """Hears of what happens in one folder, from now on.

    Raises:
        OSError: it cannot: not on this system, or its limits are reached.
    """

    def __init__(self, folder: str) -> None:
        begin, add = _calls()
        self.descriptor = begin()
        try:
            add(self.descriptor, folder, OF_FILES | OF_WATCH | _ONLY_FOLDER)
        except OSError:
            self.close()
            raise

    def events(self) -> Iterator[Told]:
        """Yield what has been told since the last time, without waiting for more."""
        with suppress(BlockingIOError):
            while data := os.read(self.descriptor, _READ_BYTES):
                offset = 0
                while offset < len(data):
                    _watch, mask, cookie, size_bytes = _HEADER.unpack_from(data, offset)
                    offset += _HEADER.size
                    name = data[offset : offset + size_bytes].rstrip(b"\0")
                    offset += size_bytes
                    yield Told(mask, cookie, os.fsdecode(name))

    def close(self) -> None:
        """Stop listening."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@cache
def _calls() -> tuple[Callable[[], int], Callable[[int, str, int], None]]:
    """Return `inotify_init1` and `inotify_add_watch` of the C library.

    Raises:
        OSError: there are none.
    """
    try:
        import ctypes  # noqa: PLC0415 - slow to import, and missing in some builds of Python

        library = ctypes.CDLL(None, use_errno=True)
        init, add_watch = library.inotify_init1, library.inotify_add_watch
    except (ImportError, AttributeError) as error:
        raise OSError(str(error)) from error
    add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)

    def checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result

    def begin() -> int:
        return checked(init(os.O_NONBLOCK | os.O_CLOEXEC))

    def add(descriptor: int, folder: str, mask: int) -> None:
        checked(add_watch(descriptor, os.fsencode(folder), mask))

    return begin, add
