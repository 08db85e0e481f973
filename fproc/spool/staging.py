"""Results while they grow: private parts that nobody sees before they are published.

Lines are held back up to a bound and written in large pieces. A part is a file in the stage folder; only so
many are open at once, because a pipeline may write a result for each of thousands of tags.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from fproc.errors import InputError, OutputError, reason_of
from fproc.records import encode_lines
from fproc.spool.disk import Disk, unlink_if_there

HELD_CHARACTERS = 256 * 1024
OPEN_PARTS = 64


class Staging:
    """The parts of one job.

    Args:
        disk: makes the calls.
        folder: the stage folder.
        prefix: begins the name of each part; it belongs to this job alone.
        to_stdout: the result whose lines go to standard output instead of a part, or None.
    """

    def __init__(self, disk: Disk, folder: str, prefix: str, *, to_stdout: str | None = None) -> None:
        self.parts: dict[str, str] = {}
        self._disk = disk
        self._folder = folder
        self._prefix = prefix
        self._to_stdout = to_stdout
        self._held: dict[str, list[str]] = {}
        self._held_characters = 0
        self._open: dict[str, int] = {}
        self._printed: list[str] = []

    def write(self, result: str, line: str) -> None:
        """Add a line to a result."""
        if result == self._to_stdout:
            self.print_line(line)
            return
        self._held.setdefault(result, []).append(line)
        self._hold(line)

    def print_line(self, line: str) -> None:
        """Send a line to standard output, with the next piece."""
        self._printed.append(line)
        self._hold(line)

    def flush(self) -> None:
        """Write what is held back.

        Raises:
            InputError: a line holds a surrogate that stands for no byte.
            OutputError: the system refuses.
        """
        held, self._held, self._held_characters = self._held, {}, 0
        printed, self._printed = self._printed, []
        try:
            for result, lines in held.items():
                self._disk.write(self._descriptor(result), _encoded(result, lines))
            if printed:
                sys.stdout.buffer.write(_encoded("standard output", printed))
                sys.stdout.buffer.flush()
        except OSError as error:
            raise OutputError(f"cannot write results: {reason_of(error)}") from error

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
            self._disk.sync_folder(self._folder)

    def discard(self) -> None:
        """Remove every part, and those that an earlier run of this job left."""
        self._held, self._held_characters, self._printed = {}, 0, []
        while self._open:
            self._disk.close(self._open.popitem()[1])
        self.parts = {}
        for path in self.leftovers():
            unlink_if_there(self._disk, path)

    def leftovers(self) -> Iterator[str]:
        """The parts of this job that lie in the stage folder, whoever made them."""
        for name in os.listdir(self._folder):
            if name.startswith(self._prefix):
                yield os.path.join(self._folder, name)

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
                path = os.path.join(self._folder, f"{self._prefix}{len(self.parts)}")
                descriptor = self._disk.create(path)
                self.parts[result] = path
            else:
                descriptor = self._disk.reopen(path)
        self._open[result] = descriptor
        return descriptor


def _encoded(result: str, lines: list[str]) -> bytes:
    try:
        return encode_lines(lines)
    except UnicodeEncodeError as error:
        bad = error.object[error.start]
        what = f"a line of {result!r} holds {bad!a}, which stands for no character and no byte"
        raise InputError(f"{what}; a processor made it") from error
