"""The room that uploads may take: what is free, without a reserve and what others were promised."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fproc.base.text import counted
from fproc.base.values import dataclass
from fproc.spool.checks.condition import LEAST_FREE_BYTES

RESERVE_SHARE = 0.05
"""The share of a disk, and of its inodes, that uploads leave to the work."""

MOST_RESERVE_BYTES = 5 * 10**9
MOST_RESERVE_INODES = 10_000
"""The largest reserve: a share of a large disk is more than the work needs at once."""


@dataclass(frozen=True, slots=True)
class Space:
    """A disk: the bytes and inodes that are free, and all of them; 0 inodes where it does not count them."""

    free_bytes: int
    total_bytes: int
    free_inodes: int
    total_inodes: int


def space_of(path: str) -> Space:
    """Return the space of the disk that holds a path.

    Raises:
        OSError: the system does not say.
    """
    status = os.statvfs(path)
    block = status.f_frsize
    return Space(status.f_bavail * block, status.f_blocks * block, status.f_favail, status.f_files)


class Room:
    """The room for all uploads that are under way. Safe to use from several threads.

    Args:
        look: returns the space of the disk.
    """

    def __init__(self, look: Callable[[], Space]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._promises: set[Promise] = set()

    @contextmanager
    def promised(self, size_bytes: int, inodes: int) -> Iterator[Promise]:
        """Keep room for an upload within the block.

        Raises:
            NoRoom: there is not enough.
            OSError: the system does not say.
        """
        promise = Promise(self)
        self.extend(promise, size_bytes, inodes)
        try:
            yield promise
        finally:
            with self._lock:
                self._promises.discard(promise)

    def extend(self, promise: Promise, size_bytes: int, inodes: int) -> None:
        """Promise more to an upload.

        Raises:
            NoRoom: there is not enough.
            OSError: the system does not say.
        """
        with self._lock:
            space = self._look()
            self._check_bytes(space, size_bytes)
            self._check_inodes(space, inodes)
            promise.left_bytes += size_bytes
            promise.left_inodes += inodes
            self._promises.add(promise)

    def _check_bytes(self, space: Space, size_bytes: int) -> None:
        reserve = max(min(int(space.total_bytes * RESERVE_SHARE), MOST_RESERVE_BYTES), LEAST_FREE_BYTES)
        promised = sum(other.left_bytes for other in self._promises)
        room_bytes = max(space.free_bytes - promised - reserve, 0)
        if size_bytes > room_bytes:
            raise NoRoom(f"the disk has room for {counted(room_bytes, 'byte')} of uploads only")

    def _check_inodes(self, space: Space, inodes: int) -> None:
        reserve = min(int(space.total_inodes * RESERVE_SHARE), MOST_RESERVE_INODES)
        promised = sum(other.left_inodes for other in self._promises)
        if space.total_inodes and inodes > space.free_inodes - promised - reserve:
            raise NoRoom("the disk has no room for more files of uploads")


class Promise:
    """The room for one upload: less and less, as it is written and what it takes is no longer free."""

    def __init__(self, room: Room) -> None:
        self.left_bytes = 0
        self.left_inodes = 0
        self._room = room

    def wrote(self, size_bytes: int) -> None:
        """Note that some of its bytes are on the disk now, and with them its folders."""
        self.left_inodes = 0
        self.left_bytes = max(self.left_bytes - size_bytes, 0)

    def begin_file(self, inodes: int) -> None:
        """Take inodes for one more file, which are in use at once.

        Raises:
            NoRoom: there are not enough.
        """
        self._room.extend(self, 0, inodes)
        self.left_inodes = max(self.left_inodes - inodes, 0)


class NoRoom(Exception):  # noqa: N818 - a state, not an error
    """An upload would take what the work needs; the message says what."""
