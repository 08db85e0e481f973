"""Results while they grow: private parts that nobody sees before they are published.

Lines are held back up to a bound and written in large pieces. A part is a file in the stage folder; only so
many are open at once, because a pipeline may write a result for each of thousands of tags.

While several processes work on one input, helpers write into the parts as well, where room is reserved for
them; what holds then is in docs/SPOOL.md.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection
from typing import BinaryIO, NamedTuple

from fproc.base.errors import ConservationError, OutputError, reason_of
from fproc.base.stdout import standard_output, write_all
from fproc.pipeline.processors.options.result_names import APPENDED
from fproc.pipeline.records import encode_lines
from fproc.spool.disk.disk import Disk, unlink_if_there

HELD_CHARACTERS = 128 * 1024
OPEN_PARTS = 64
TEXT_BYTES = 16 * 1024
"""How much of what one input appends is held in memory: it goes into the commit record if that is all."""


class Part:
    """One result while it grows: the file it grows in, and what was written to it, at last when.

    What is appended to a result that inputs share has no file as long as it is a short `text`.
    """

    __slots__ = ("inode", "is_durable", "lines", "mtime_ns", "path", "size_bytes", "text")

    def __init__(self, path: str, size_bytes: int = 0, lines: int = 0) -> None:
        self.path = path
        self.text = b""
        self.inode = 0
        self.mtime_ns = 0
        self.size_bytes = size_bytes
        self.lines = lines
        self.is_durable = False

    def grow(self, size_bytes: int, lines: int) -> None:
        """Count what is written to it."""
        self.size_bytes += size_bytes
        self.lines += lines
        self.is_durable = False


class Place(NamedTuple):
    """Room that is reserved in the part of a result: the part's path, and the offset of the first byte."""

    result: str
    path: str
    offset_bytes: int


class Staging:
    """The parts of one job.

    Args:
        disk: makes the calls.
        folder: returns the stage folder; called when the first part is made.
        prefix: begins the name of each part; it belongs to this claim alone.
        stream: takes the lines of the result named `streamed_result` at once, instead of a part.
        streamed_result: see `stream`.
        mode: of the parts, or None for what the umask says.
        held: descriptors that a process has to inherit before it writes into parts, so that nobody takes them
            over as long as it may write; None if no process but this one may.
    """

    def __init__(
        self,
        disk: Disk,
        folder: Callable[[], str],
        prefix: str,
        *,
        stream: BinaryIO | None = None,
        streamed_result: str | None = None,
        mode: int | None = None,
        held: tuple[int, ...] | None = (),
    ) -> None:
        self.held = held
        self.parts: dict[str, Part] = {}
        self.has_streamed = False
        self.sent = 0
        self._disk = disk
        self._folder = folder
        self._prefix = prefix
        self._stream = stream
        self._streamed_result = streamed_result
        self._mode = mode
        self._held: dict[str, list[str]] = {}
        self._printed: list[str] = []
        self._held_characters = 0
        self._open: dict[str, int] = {}
        self._made = 0
        self._text_bytes = 0
        self._set_aside = 0
        self._has_new_names = False
        self._settle: Callable[[], None] | None = None

    @property
    def lines_written(self) -> int:
        """Lines that sinks wrote to parts, or that were sent elsewhere (`sent`); `flush` comes before."""
        return self.sent - self._set_aside + sum(part.lines for part in self.parts.values())

    def write(self, result: str, line: str) -> None:
        """Add a line to a result."""
        self.lines(result).append(line)
        self.note(len(line) + 1)

    def set_aside(self, result: str, line: str) -> None:
        """Add a line that the pipeline rejected to a result of such lines."""
        self._set_aside += 1
        self.write(result, line)

    def add(self, result: str, data: bytes | memoryview, lines: int) -> None:
        """Add lines, as bytes, to a result, after all that was written before.

        Raises:
            OutputError: the system refuses.
        """
        self._write_out(lambda: self._append(result, data, lines) if lines else None)

    def begin_sharing(self, settle: Callable[[], None]) -> None:
        """Let other processes write into the parts from here on, where room is reserved for them.

        `settle` returns once all that was reserved is written.
        """
        self._settle = settle
        self._close_parts()  # they are open for appending

    def end_sharing(self) -> None:
        """Wait until all that was reserved is written; from here on, this process writes alone."""
        if self._settle:
            self._settle()
        self._settle = None
        self._close_parts()

    def reserve(self, result: str, size_bytes: int, lines: int) -> Place | None:
        """Reserve room for lines, after all that was written before; None if this process has to write them.

        Raises:
            OutputError: the system refuses.
        """
        is_streamed = self._stream is not None and result == self._streamed_result
        if self._settle is None or self.held is None or is_streamed:
            return None
        self.flush()
        part = self.parts.get(result)
        if part is None or not part.path:
            if result.startswith(APPENDED):
                return None
            part = self.parts[result] = Part("")
            self._write_out(lambda: self._descriptor(result))
        place = Place(result, part.path, part.size_bytes)
        part.grow(size_bytes, lines)
        return place

    def fill(self, place: Place, data: bytes | memoryview) -> None:
        """Write lines where room was reserved for them, in the stead of another process.

        Raises:
            OutputError: the system refuses.
        """
        self._write_out(lambda: self._disk.write_at(self._descriptor(place.result), data, place.offset_bytes))

    def add_printed(self, data: bytes | memoryview, lines: int) -> None:
        """Add lines, as bytes, to standard output, after all that was sent before."""
        self._write_out(lambda: self._send(standard_output(), data, lines) if lines else None)

    def print_line(self, line: str) -> None:
        """Send a line to standard output, with the next piece."""
        self._printed.append(line)
        self.note(len(line) + 1)

    def lines(self, result: str) -> list[str]:
        """Return the list of the lines that are buffered for a result; callers that add to it call `note`."""
        lines = self._held.get(result)
        if lines is None:
            lines = self._held[result] = []
        return lines

    def printed(self) -> list[str]:
        """Return the same list for standard output."""
        return self._printed

    def note(self, characters: int) -> None:
        """Count characters that were added to the buffer, and write it if it is large enough."""
        self._held_characters += characters
        if self._held_characters > HELD_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Write the buffered lines.

        Raises:
            OutputError: the system refuses.
        """
        self._write_out(lambda: None)

    def _write_out(self, then: Callable[[], object]) -> None:
        """Write the buffered lines, and then more."""
        self._held_characters = 0
        try:
            for result, lines in self._held.items():
                if lines:
                    self._append(result, encode_lines(lines), len(lines))
                    lines.clear()
            if self._printed:
                self._send(standard_output(), encode_lines(self._printed), len(self._printed))
                self._printed.clear()
            then()
        except OSError as error:
            raise OutputError(f"cannot write results: {reason_of(error)}") from error

    def resume(self, parts: dict[str, Part], sent: int) -> None:
        """Go on with the parts of an earlier claim, each cut to the size that counts.

        Raises:
            ValueError: one of them is not there, or shorter than that.
            OSError: the disk refuses.
        """
        for result, part in parts.items():
            try:
                status = os.lstat(part.path)
            except OSError:
                status = None
            if status is None or not stat.S_ISREG(status.st_mode):
                raise ValueError(f"the part of {result!r} is gone")
            if status.st_size < part.size_bytes:
                raise ValueError(f"the part of {result!r} has lost something")
            if status.st_size > part.size_bytes:
                self._disk.truncate(part.path, part.size_bytes)
            part.inode = status.st_ino
            self.parts[result] = part
        self.sent = sent

    def sync(self) -> None:
        """Make every part durable as it is; `flush` comes before.

        Raises:
            OutputError: what another process has not written cannot be written.
            OSError: the disk refuses.
        """
        if self._settle:
            self._settle()
        for result, part in self.parts.items():
            if part.text:
                self._write_text(result, part)
        self._sync_parts()
        if self._has_new_names:
            self._disk.sync_folder(self._folder())
            self._has_new_names = False

    def seal(self) -> None:
        """Make every part durable, and close it; `flush` comes before, nothing after.

        Raises:
            ConservationError: a part is not the file that was written to, or not as long as that.
            OSError: the disk refuses.
        """
        self.sync()
        self._end()

    def open_parts(self) -> list[tuple[Part, int]]:
        """Return the parts that are open, each with its descriptor."""
        return [(self.parts[result], descriptor) for result, descriptor in self._open.items()]

    def seal_with_others(self) -> None:
        """Do what `seal` does, without the fsync of the stage folder, which serves several jobs at once.

        What is short enough for a commit record stays in memory.
        """
        self._sync_parts()
        self._has_new_names = False
        self._end()

    def close(self) -> None:
        """Close the parts; they stay as they are."""
        self._held, self._held_characters, self._printed = {}, 0, []
        self._close_parts()

    def _close_parts(self) -> None:
        while self._open:
            self._disk.close(self._open.popitem()[1])

    def discard(self, keep: Collection[str] = ()) -> None:
        """Remove every part, but for those at the paths to keep."""
        self.close()
        while self.parts:
            part = self.parts.popitem()[1]
            if part.path and part.path not in keep:
                unlink_if_there(self._disk, part.path)

    def _sync_parts(self) -> None:
        changed = [
            (result, part) for result, part in self.parts.items() if not (part.is_durable or part.text)
        ]
        for result, part in changed:
            self._disk.sync(self._descriptor(result))
            part.is_durable = True

    def _end(self) -> None:
        """Close the parts, and check that they are what was written."""
        self.close()
        for result, part in self.parts.items():
            if not (part.text or _is_as_written(part)):
                raise ConservationError(f"someone else has changed or removed the part of {result!r}")

    def _append(self, result: str, data: bytes | memoryview, lines: int) -> None:
        if self._stream is not None and result == self._streamed_result:
            self._send(self._stream, data, lines)
            return
        part = self.parts.setdefault(result, Part(""))
        if not part.path and result.startswith(APPENDED):
            part.text += data
            self._text_bytes += len(data)
            if self._text_bytes > TEXT_BYTES:
                self._write_text(result, part)
        elif self._settle:
            self._disk.write_at(self._descriptor(result), data, part.size_bytes)
        else:
            self._disk.write(self._descriptor(result), data)
        part.grow(len(data), lines)

    def _write_text(self, result: str, part: Part) -> None:
        """Write what was held in memory to a file."""
        self._disk.write(self._descriptor(result), part.text)
        self._text_bytes -= len(part.text)
        part.text = b""

    def _send(self, stream: BinaryIO, data: bytes | memoryview, lines: int) -> None:
        self.has_streamed = True
        write_all(stream, data)
        self.sent += lines

    def _descriptor(self, result: str) -> int:
        descriptor = self._open.pop(result, None)
        if descriptor is None:
            if len(self._open) >= OPEN_PARTS:
                self._disk.close(self._open.pop(next(iter(self._open))))
            part = self.parts[result]
            if not part.path:
                path = f"{self._folder()}/{self._prefix}{self._made}"
                descriptor = self._disk.create(path)
                if self._mode is not None:
                    os.fchmod(descriptor, self._mode)
                self._made += 1
                self._has_new_names = True
                part.path = path
                part.inode = os.fstat(descriptor).st_ino
                if self._settle:  # it is open for appending
                    self._disk.close(descriptor)
                    descriptor = self._disk.reopen_to_fill(path)
            elif self._settle:
                descriptor = self._disk.reopen_to_fill(part.path)
            else:
                descriptor = self._disk.reopen(part.path)
        self._open[result] = descriptor
        return descriptor


def _is_as_written(part: Part) -> bool:
    try:
        status = os.lstat(part.path)
    except FileNotFoundError:
        return False
    part.mtime_ns = status.st_mtime_ns
    return (status.st_ino, status.st_size) == (part.inode, part.size_bytes)
