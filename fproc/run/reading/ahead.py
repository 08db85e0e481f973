"""Reading ahead: a thread reads what comes next while what came before is processed.

It pays where reading is a long call that does not hold the interpreter's lock, as decompressing is. The
thread takes the lock once a block or a few times, so blocks are large; and it waits once enough are ready.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress

from fproc.run.reading.raw import RawFile, Read

ALONE_BYTES = 4 * 1024 * 1024
"""How much is read without a thread: a small file is done before one would be of use."""

AHEAD_BYTES = 512 * 1024
"""The approximate size of what is read at a time."""

AHEAD_BLOCKS = 2
"""The blocks that may wait."""

_LOOK_SECONDS = 0.05
"""Seconds between looks whether a thread that was told to end has done so."""


class AheadReader:
    """Reads what `read` gives, on a thread once that pays.

    The file that is read so may be moved or closed at any time. It is no pipe, for which a thread might wait
    without end.

    Args:
        file: the file.
        read: reads something made of it.
    """

    def __init__(self, file: RawFile, read: Read) -> None:
        self._file = file
        self._source = read
        self._alone_bytes = ALONE_BYTES
        self._block = b""
        self._position = 0
        self._thread: _Thread | None = None

    def read(self, size_bytes: int) -> bytes:
        """Return up to so many bytes, b"" at the end; raise what `read` has raised."""
        if self._position == len(self._block):
            if self._alone_bytes > 0:
                data = self._source(size_bytes)
                self._alone_bytes -= len(data)
                return data
            if self._thread is None:
                self._thread = _Thread(self._source)
                self._file.before_move = self._thread.end
            self._block, self._position = self._thread.next(), 0
        data = self._block[self._position : self._position + size_bytes]
        self._position += len(data)
        return data


class _Thread:
    """The thread, from the side of who takes its blocks."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._blocks: queue.Queue[bytes | BaseException] = queue.Queue(AHEAD_BLOCKS)
        self._last: bytes | BaseException | None = None
        self._has_to_end = False
        self._thread = threading.Thread(target=self._run, name="fproc-ahead", daemon=True)
        self._thread.start()

    def next(self) -> bytes:
        """Return the next block, b"" at the end and after it."""
        if self._last is None:
            block = self._blocks.get()
            if block and not isinstance(block, BaseException):
                return block
            self._last = block
        if isinstance(self._last, BaseException):
            raise self._last
        return b""

    def _run(self) -> None:
        while not self._has_to_end:
            try:
                block: bytes | BaseException = self._read(AHEAD_BYTES)
            except BaseException as error:  # noqa: BLE001 - raised by who asks for the block
                block = error
            self._blocks.put(block)
            if not block or isinstance(block, BaseException):
                break

    def end(self) -> None:
        """Return once the thread has ended."""
        self._has_to_end = True
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._blocks.get(timeout=_LOOK_SECONDS)
        self._thread.join()
