"""Results while they grow: private parts that nobody sees before they are published.

Lines are held back up to a bound and written in large pieces. A part is a file in the stage folder; only so
many are open at once, because a pipeline may write a result for each of thousands of tags.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

from fproc.errors import OutputError, reason_of
from fproc.records import encode_lines
from fproc.spool.disk import Disk, unlink_if_there
from fproc.stdout import standard_output, write_all

HELD_CHARACTERS = 256 * 1024
OPEN_PARTS = 64


class Staging:
    """The parts of one job.

    Args:
        disk: makes the calls.
        folder: gives the stage folder; asked for when the first part is made.
        prefix: begins the name of each part; it belongs to this claim alone.
        stream: takes the lines of the result named `streamed` at once, instead of a part.
        streamed: see `stream`.
    """

    def __init__(
        self,
        disk: Disk,
        folder: Callable[[], str],
        prefix: str,
        *,
        stream: BinaryIO | None = None,
        streamed: str | None = None,
    ) -> None:
        self.parts: dict[str, str] = {}
        self.has_streamed = False
        self._disk = disk
        self._folder = folder
        self._prefix = prefix
        self._stream = stream
        self._streamed = streamed
        self._held: dict[str, list[str]] = {}
        self._printed: list[str] = []
        self._held_characters = 0
        self._open: dict[str, int] = {}

    def write(self, result: str, line: str) -> None:
        """Add a line to a result."""
        self._held.setdefault(result, []).append(line)
        self._hold(line)

    def print_line(self, line: str) -> None:
        """Send a line to standard output, with the next piece."""
        self._printed.append(line)
        self._hold(line)

    def flush(self) -> None:
        """Write what is held back.

        Raises:
            OutputError: the system refuses.
        """
        held, self._held, self._held_characters = self._held, {}, 0
        printed, self._printed = self._printed, []
        try:
            for result, lines in held.items():
                if self._stream is not None and result == self._streamed:
                    self._send(self._stream, lines)
                else:
                    self._disk.write(self._descriptor(result), encode_lines(lines))
            if printed:
                self._send(standard_output(), printed)
        except OSError as error:
            raise OutputError(f"cannot write results: {reason_of(error)}") from error

    def _send(self, stream: BinaryIO, lines: list[str]) -> None:
        self.has_streamed = True
        write_all(stream, encode_lines(lines))

    def seal(self) -> None:
        """Make every part durable; `flush` comes before, nothing after."""
        for result, path in self.parts.items():
            descriptor = self._open.pop(result, None)
            if descriptor is None:
                descriptor = self._disk.reopen(path)
            try:
                self._disk.sync(descriptor)
            finally:
                self._disk.close(descriptor)
        if self.parts:
            self._disk.sync_folder(self._folder())

    def discard(self) -> None:
        """Remove every part of this claim."""
        self._held, self._held_characters, self._printed = {}, 0, []
        while self._open:
            self._disk.close(self._open.popitem()[1])
        while self.parts:
            unlink_if_there(self._disk, self.parts.popitem()[1])

    def _hold(self, line: str) -> None:
        self._held_characters += len(line) + 1
        if self._held_characters > HELD_CHARACTERS:
            self.flush()

    def _descriptor(self, result: str) -> int:
        descriptor = self._open.pop(result, None)
        if descriptor is None:
            if len(self._open) >= OPEN_PARTS:
                self._disk.close(self._open.pop(next(iter(self._open))))
            path = self.parts.get(result)
            if path is None:
                path = os.path.join(self._folder(), f"{self._prefix}{len(self.parts)}")
                descriptor = self._disk.create(path)
                self.parts[result] = path
            else:
                descriptor = self._disk.reopen(path)
        self._open[result] = descriptor
        return descriptor
