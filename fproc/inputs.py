"""Opening an input for reading, wherever it lies: in the spool, on the command line, on standard input."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from fproc.errors import InputError, UsageError, shown
from fproc.processors.base import Source
from fproc.times import utc_date

COMPRESSED = (".gz", ".bz2", ".xz")
"""Inputs with these suffixes are read decompressed, and their results do not carry the suffix."""


@dataclass(slots=True)
class Input:
    """An open input.

    `read(n)` gives up to `n` bytes of its contents, b"" at the end; `size_bytes` is the size of the file as
    it lies on the disk, or None for a pipe; `position_bytes()` is how much of that has been read.
    """

    source: Source
    read: Callable[[int], bytes]
    size_bytes: int | None
    _file: IO[bytes]
    _stamp: tuple[int, int]

    def position_bytes(self) -> int:
        """How much of the file has been read."""
        with suppress(OSError):
            return self._file.tell()
        return 0

    def has_changed(self) -> bool:
        """Whether the file was written to since it was opened."""
        status = os.fstat(self._file.fileno())
        return (status.st_size, status.st_mtime_ns) != self._stamp

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
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        raise InputError(f"cannot be read: {error.strerror}") from error
    file = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
    try:
        return _input(file, path, in_spool=in_spool)
    except BaseException:
        file.close()
        raise


def standard_input() -> Input:
    """Standard input, as an input named `stdin`.

    Raises:
        UsageError: it is closed.
    """
    if sys.stdin is None:
        raise UsageError("--input -: standard input is closed")
    file = open(os.dup(sys.stdin.fileno()), "rb", buffering=0)  # noqa: SIM115 - the caller closes it
    return _input(file, "stdin", in_spool=False)


def result_name(name: str) -> str:
    """An input's name without a compression suffix: what its results are named after."""
    stem, suffix = os.path.splitext(name)
    return stem if suffix in COMPRESSED else name


def _input(file: Any, path: str, *, in_spool: bool) -> Input:
    status = os.fstat(file.fileno())
    if stat.S_ISDIR(status.st_mode):
        raise InputError("is a folder, not a file")
    if in_spool and not stat.S_ISREG(status.st_mode):
        raise InputError("is not a regular file")
    name = os.path.basename(path)
    return Input(
        source=Source(result_name(name), utc_date(status.st_mtime)),
        read=_reader(file, os.path.splitext(name)[1]),
        size_bytes=status.st_size if stat.S_ISREG(status.st_mode) else None,
        _file=file,
        _stamp=(status.st_size, status.st_mtime_ns),
    )


def _reader(file: Any, suffix: str) -> Callable[[int], bytes]:
    if suffix not in COMPRESSED:
        read: Callable[[int], bytes] = file.read
        return read
    opened, errors = _decompressor(file, suffix)

    def read_decompressed(size_bytes: int) -> bytes:
        try:
            data: bytes = opened.read(size_bytes)
        except errors as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's trouble, not the file's
            raise InputError(f"is not a whole {suffix} file: {shown(str(error))}") from error
        return data

    return read_decompressed


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
