"""The bytes of a file as they lie on the disk, of which the first can be looked at before they are read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from fproc.pipeline.records import BLOCK_BYTES

Read = Callable[[int], bytes]
"""Returns about so many bytes, b"" at the end."""


class RawFile:
    """An open file: a small one takes half of the calls of `io.FileIO`.

    It has as much of a file object's interface as the decompressors of the standard library use. Before it is
    moved or closed, `before_move` is called once: it ends what reads the file meanwhile.
    """

    def __init__(self, descriptor: int, *, is_regular: bool) -> None:
        self._descriptor = descriptor
        self._is_regular = is_regular
        self._position = 0
        self._ahead = b""
        self.before_move: Callable[[], None] | None = None

    def peek(self) -> bytes:
        """Return the first bytes, which `read` returns again; b"" if there are none."""
        self._ahead = self._ahead or os.read(self._descriptor, BLOCK_BYTES)
        return self._ahead

    def read(self, size_bytes: int = BLOCK_BYTES) -> bytes:
        """Return up to so many bytes, b"" at the end."""
        if self._ahead:
            data, self._ahead = self._ahead[:size_bytes], self._ahead[size_bytes:]
        else:
            data = os.read(self._descriptor, size_bytes)
        self._position += len(data)
        return data

    def seek(self, offset_bytes: int, whence: int = os.SEEK_SET) -> int:
        """Go on at another position, and return it."""
        self._let_end()
        if whence == os.SEEK_CUR:
            offset_bytes, whence = self._position + offset_bytes, os.SEEK_SET
        self._ahead = b""
        self._position = os.lseek(self._descriptor, offset_bytes, whence)
        return self._position

    def skip_hole(self) -> int:
        """Seek to the next byte on the disk (lseek(2), SEEK_DATA); return how many NULs are skipped."""
        if self._ahead or not self._is_regular or not hasattr(os, "SEEK_DATA"):
            return 0
        before = self._position
        try:
            self._position = os.lseek(self._descriptor, before, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                return 0  # this filesystem does not support it
            self.seek(max(before, os.fstat(self._descriptor).st_size))  # only NULs are left
        return self._position - before

    def skip_to(self, offset_bytes: int) -> None:
        """Go on at another position."""
        self.seek(offset_bytes)

    def push_back(self, data: bytes) -> None:
        """Have what was just read be read again."""
        self._ahead = data + self._ahead if self._ahead else data
        self._position -= len(data)

    def tell(self) -> int:
        """Return how many bytes of it have been read."""
        return self._position

    def seekable(self) -> bool:
        """Return whether it can be read from another position."""
        return self._is_regular

    def fileno(self) -> int:
        """Return its descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Close it."""
        self._let_end()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _let_end(self) -> None:
        end, self.before_move = self.before_move, None
        if end:
            end()
