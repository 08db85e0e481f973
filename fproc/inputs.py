"""Opening an input for reading, wherever it lies: in the spool, on the command line, on standard input."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from fproc.errors import InputError, shown
from fproc.processors.base import Source
from fproc.times import utc_date

STDIN_NAME = "stdin"
"""What standard input is called in the names of results."""

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
"""What `open` says when the trouble is this file's alone."""

COMPRESSED = (".gz", ".bz2", ".xz")
"""Inputs with these suffixes are read decompressed, and their results do not carry the suffix."""


@dataclass(slots=True)
class Input:
    """An open input.

    `read(n)` gives up to `n` bytes of its contents, b"" at the end; `skip_to(n)` lets it go on with byte `n`
    of the contents; `size_bytes` is the size of the file as it lies on the disk, or None for a pipe; `status`
    is what it was when it was opened; `is_plain` says that the contents are the bytes on the disk.
    """

    source: Source
    read: Callable[[int], bytes]
    skip_to: Callable[[int], object]
    size_bytes: int | None
    status: os.stat_result
    is_plain: bool
    _file: IO[bytes]

    def fileno(self) -> int:
        """The descriptor of the open file."""
        return self._file.fileno()

    def position_bytes(self) -> int:
        """How much of the file has been read."""
        with suppress(OSError):
            return self._file.tell()
        return 0

    def has_changed(self, path: str) -> bool:
        """Whether the file was written to since it was opened, or is no longer the one at `path`."""
        now = os.fstat(self._file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns):
            return True
        try:
            return not os.path.samestat(now, os.lstat(path))
        except FileNotFoundError:
            return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_input(path: str, *, in_spool: bool) -> Input:
    """Open a file.

    Args:
        path: where it lies.
        in_spool: it must be a regular file and no link; otherwise it may be a pipe as well.

    Raises:
        InputError: it cannot be read, for a reason that lies in the file.
        OSError: it cannot be read, for a reason that lies in the machine.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | (os.O_NOFOLLOW | os.O_NONBLOCK if in_spool else 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno in _FILE_ERRNOS:
            raise InputError(f"cannot be read: {error.strerror}") from error
        raise
    return _input(descriptor, path, in_spool=in_spool)


def standard_input() -> Input:
    """Standard input, as an input named `stdin`.

    Raises:
        InputError: it is closed.
    """
    if sys.stdin is None:
        raise InputError("standard input is closed")
    return _input(os.dup(sys.stdin.fileno()), STDIN_NAME, in_spool=False)


def result_name(name: str) -> str:
    """An input's name without a compression suffix: what its results are named after."""
    stem, suffix = os.path.splitext(name)
    return stem if suffix in COMPRESSED else name


def _input(descriptor: int, path: str, *, in_spool: bool) -> Input:
    status = os.fstat(descriptor)
    is_regular = stat.S_ISREG(status.st_mode)
    if stat.S_ISDIR(status.st_mode) or (in_spool and not is_regular):
        os.close(descriptor)
        raise InputError(
            "is a folder, not a file" if stat.S_ISDIR(status.st_mode) else "is not a regular file"
        )
    file = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
    name = os.path.basename(path)
    is_empty = is_regular and status.st_size == 0
    read, skip_to = _reader(file, "" if is_empty else os.path.splitext(name)[1])
    return Input(
        source=Source(result_name(name), utc_date(status.st_mtime)),
        read=read,
        skip_to=skip_to,
        size_bytes=status.st_size if is_regular else None,
        status=status,
        is_plain=is_regular and (is_empty or os.path.splitext(name)[1] not in COMPRESSED),
        _file=file,
    )


def _reader(file: Any, suffix: str) -> tuple[Callable[[int], bytes], Callable[[int], object]]:
    """How to read the contents, and how to go on somewhere else in them."""
    if suffix not in COMPRESSED:
        return file.read, file.seek
    opened, errors = _decompressor(file, suffix)

    def contained(call: Callable[[int], Any]) -> Callable[[int], Any]:
        def read(size_bytes: int) -> Any:
            try:
                return call(size_bytes)
            except errors as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # the disk's trouble, not the file's
                raise InputError(f"is not a whole {suffix} file: {shown(str(error))}") from error

        return read

    return contained(opened.read), contained(opened.seek)


def _decompressor(file: Any, suffix: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """A decompressing reader, and what it raises where `file` is not whole; closing that is its owner's."""
    if suffix == ".gz":
        import gzip  # noqa: PLC0415 - only where there is something to decompress
        import zlib  # noqa: PLC0415

        return gzip.GzipFile(fileobj=file), (gzip.BadGzipFile, EOFError, zlib.error)
    if suffix == ".bz2":
        import bz2  # noqa: PLC0415

        return bz2.BZ2File(file), (EOFError, ValueError, OSError)
    import lzma  # noqa: PLC0415

    return lzma.LZMAFile(file), (EOFError, lzma.LZMAError)
