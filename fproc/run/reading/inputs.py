"""Opening an input for reading, wherever it lies: in the spool, on the command line, on standard input."""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys

from fproc.base.errors import InputError
from fproc.base.text import shown
from fproc.base.times import utc_date
from fproc.config.input_format import LINES, InputRules, Records
from fproc.config.patterns import result_name
from fproc.pipeline.processors.base import Source
from fproc.run.reading.contents import ContentsReader, first_line, open_contents
from fproc.run.reading.raw import RawFile

log = logging.getLogger("fproc.run")

STDIN_NAME = "stdin"
"""The name of standard input in the names of results."""

_FILE_ERRNOS = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.EINVAL,
        errno.ENXIO,
    }
)
"""Errors of `open` that concern this file alone."""


class Input:
    """An open input.

    `name` is the file's own, which `source` may have without a suffix. `size_bytes` is the size of the file
    on the disk, or None for a pipe; `status` is its status when it was opened.

    Once it is begun, it starts at the node `start` (None: the usual one), `records` says what one record is,
    `begin_bytes` is where its text begins in the contents, after `nulls` NULs, and `is_plain` is true if the
    contents are the bytes on the disk.
    """

    def __init__(self, raw: RawFile, path: str, status: os.stat_result) -> None:
        self.name = path.rpartition("/")[2]
        self.source = Source(result_name(self.name), utc_date(status.st_mtime))
        self.size_bytes = status.st_size if raw.seekable() else None
        self.status = status
        self.start: str | None = None
        self.records: Records = LINES
        self.begin_bytes = self.nulls = 0
        self.is_plain = False
        self._raw = raw
        self._reader: ContentsReader = raw

    def begin(self, rules: InputRules) -> None:
        """Look at the first bytes, and find out how the file is to be read.

        Raises:
            InputError: it is no text, or cannot be decompressed.
            OSError: the disk refuses.
        """
        form, most_bytes = rules.format_of(self.name), rules.most_expanded_bytes
        contents = open_contents(self._raw, self.name, form, most_bytes)
        self._reader, self.begin_bytes, self.nulls = contents.reader, contents.begin_bytes, contents.nulls
        self.is_plain = self.size_bytes is not None and self._reader is self._raw
        if self.nulls:
            log.warning("%s: begins with %d NULs, which are skipped", shown(self.name), self.nulls)
        self.start, self.records = rules.entry_of(self.name, lambda: first_line(self._reader))

    def read(self, size_bytes: int) -> bytes:
        """Return some of the contents, about so many bytes; b"" at the end."""
        return self._reader.read(size_bytes)

    def skip_to(self, offset_bytes: int) -> None:
        """Go on at another byte of the contents."""
        self._reader.skip_to(offset_bytes)

    def skip_hole(self) -> int:
        """Go on at the end of the hole at the current position; return how many NULs that skips."""
        return self._raw.skip_hole() if self.is_plain else 0

    def fileno(self) -> int:
        """Return the descriptor of the open file."""
        return self._raw.fileno()

    def position_bytes(self) -> int:
        """Return how many bytes of the file have been read."""
        return self._raw.tell()

    def has_changed(self, path: str) -> bool:
        """Return whether the file was written to since it was opened, or is no longer the one at `path`.

        Raises:
            FileNotFoundError: nothing is at `path`.
        """
        before, now = self.status, os.lstat(path)
        return (
            now.st_ino != before.st_ino
            or now.st_size != before.st_size
            or now.st_mtime_ns != before.st_mtime_ns
            or now.st_dev != before.st_dev
        )

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


def open_input(path: str, *, in_spool: bool) -> Input:
    """Open a file.

    Args:
        path: its path.
        in_spool: it must be a regular file and no link; otherwise it may be a pipe as well.

    Raises:
        InputError: it cannot be read, which is the file's fault.
        OSError: it cannot be read, which is the host's fault, or may not be read yet.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | (os.O_NOFOLLOW | os.O_NONBLOCK if in_spool else 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        may_be_allowed = in_spool and isinstance(error, PermissionError)
        if error.errno in _FILE_ERRNOS and not may_be_allowed:
            raise InputError(f"cannot be read: {error.strerror}") from error
        raise
    return _input(descriptor, path, in_spool=in_spool)


def standard_input() -> Input:
    """Return standard input as an input named `stdin`.

    Raises:
        InputError: it is closed.
    """
    if sys.stdin is None:
        raise InputError("standard input is closed")
    return _input(os.dup(sys.stdin.fileno()), STDIN_NAME, in_spool=False)


def _input(descriptor: int, path: str, *, in_spool: bool) -> Input:
    status = os.fstat(descriptor)
    is_regular = stat.S_ISREG(status.st_mode)
    if stat.S_ISDIR(status.st_mode) or (in_spool and not is_regular):
        os.close(descriptor)
        raise InputError(
            "is a folder, not a file" if stat.S_ISDIR(status.st_mode) else "is not a regular file"
        )
    return Input(RawFile(descriptor, is_regular=is_regular), path, status)
