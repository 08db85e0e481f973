"""A result that inputs share, while it is open for appending."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fproc.spool.disk.disk import Disk
from fproc.spool.output.intents import AppendedPart

PIECE_BYTES = 1 << 20
"""How much is compared at once; parts that are no larger are appended together, by one call."""


class SharedResult:
    """A result that is open for appending, by a descriptor of the disk's.

    Larger parts are each written by one call, which nobody's truncation comes into.
    """

    def __init__(self, disk: Disk, descriptor: int) -> None:
        self._disk = disk
        self.descriptor = descriptor
        self.inode = os.fstat(descriptor).st_ino

    def close(self) -> None:
        """Close it."""
        self._disk.close(self.descriptor)

    def size_bytes(self) -> int:
        """Return its size now."""
        return os.fstat(self.descriptor).st_size

    def cut(self, size_bytes: int) -> None:
        """Cut it to a size, unless it is shorter: a rotator may have emptied it."""
        if self.size_bytes() > size_bytes:
            self._disk.truncate_open(self.descriptor, size_bytes)

    def append(self, parts: Sequence[AppendedPart], done_bytes: int) -> None:
        """Append the parts, but for so many bytes at their beginning."""
        held: list[bytes] = []
        held_bytes = 0
        for part in parts:
            begin = min(done_bytes, part.size_bytes)
            done_bytes -= begin
            left_bytes = part.size_bytes - begin
            if held and held_bytes + left_bytes > PIECE_BYTES:
                self._disk.write(self.descriptor, b"".join(held))
                held, held_bytes = [], 0
            if not left_bytes:
                continue
            with _contents_of(part) as data:
                if left_bytes <= PIECE_BYTES:
                    held.append(data[begin:])
                    held_bytes += left_bytes
                else:
                    with memoryview(data) as view, view[begin:] as left:
                        self._disk.write(self.descriptor, left)
        if held:
            self._disk.write(self.descriptor, b"".join(held))

    def count_appended(self, parts: Sequence[AppendedPart], offset_bytes: int) -> int | None:
        """Return how much of the parts is there, from an offset on; None if something else is."""
        appended_bytes = 0
        for part in parts:
            with _contents_of(part) as data:
                for begin in range(0, part.size_bytes, PIECE_BYTES):
                    wanted = data[begin : begin + PIECE_BYTES]
                    found = os.pread(self.descriptor, len(wanted), offset_bytes + appended_bytes)
                    if not wanted.startswith(found):
                        return None
                    appended_bytes += len(found)
                    if len(found) < len(wanted):
                        return appended_bytes
        return appended_bytes


@contextmanager
def _contents_of(part: AppendedPart) -> Iterator[mmap.mmap]:
    """Yield what is in a part, which is not read before it is looked at.

    Raises:
        OSError: it has not the size that it had when it was committed.
    """
    with open(part.path, "rb") as file:
        if os.fstat(file.fileno()).st_size != part.size_bytes:
            what = "was changed after it was committed that it is appended"
            raise OSError(errno.EBADMSG, what, part.path)
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            yield data
