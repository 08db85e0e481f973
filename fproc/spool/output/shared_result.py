"""A result that inputs share, while it is open for appending."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fproc.spool.disk.disk import Disk
from fproc.spool.output.entries import Entry

PIECE_BYTES = 1 << 20
"""How much is compared at once; what is no larger is appended together, by one call."""


class SharedResult:
    """A result that is open for appending, by a descriptor of the disk's.

    What is larger is written by one call, which nobody's truncation comes into.
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

    def append(self, entries: Sequence[Entry], done_bytes: int) -> None:
        """Append the entries, but for so many bytes at their beginning."""
        held: list[bytes] = []
        held_bytes = 0
        for entry in entries:
            begin = min(done_bytes, entry.size_bytes)
            done_bytes -= begin
            left_bytes = entry.size_bytes - begin
            if held and held_bytes + left_bytes > PIECE_BYTES:
                self._disk.write(self.descriptor, b"".join(held))
                held, held_bytes = [], 0
            if not left_bytes:
                continue
            with entry.contents() as data:
                if left_bytes <= PIECE_BYTES:
                    held.append(data[begin:])
                    held_bytes += left_bytes
                else:
                    with memoryview(data) as view, view[begin:] as left:
                        self._disk.write(self.descriptor, left)
        if held:
            self._disk.write(self.descriptor, b"".join(held))

    def count_appended(self, entries: Sequence[Entry], offset_bytes: int) -> int | None:
        """Return how much of the entries is there, from an offset on; None if something else is."""
        appended_bytes = 0
        for entry in entries:
            with entry.contents() as data:
                for begin in range(0, entry.size_bytes, PIECE_BYTES):
                    wanted = data[begin : begin + PIECE_BYTES]
                    found = os.pread(self.descriptor, len(wanted), offset_bytes + appended_bytes)
                    if not wanted.startswith(found):
                        return None
                    appended_bytes += len(found)
                    if len(found) < len(wanted):
                        return appended_bytes
        return appended_bytes
