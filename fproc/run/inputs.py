"""Opening an input for reading, wherever it lies: in the spool, on the command line, on standard input."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from typing import IO, Any, Protocol

from fproc.base.errors import InputError, NotWholeError
from fproc.base.text import shown
from fproc.base.times import utc_date
from fproc.base.values import dataclass
from fproc.config.patterns import COMPRESSED, result_name
from fproc.pipeline.processors.base import Source
from fproc.pipeline.records import no_hole

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


class _Open(Protocol):
    """The needed part of an open file, besides reading."""

    def fileno(self) -> int:
        """Return its descriptor."""

    def tell(self) -> int:
        """Return how many bytes of it have been read."""

    def close(self) -> None:
        """Close it."""


class _Plain:
    """An open file whose contents are its bytes: a small one takes half of the calls of `io.FileIO`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def fileno(self) -> int:
        return self._descriptor

    def read(self, size_bytes: int) -> bytes:
        data = os.read(self._descriptor, size_bytes)
        self._position += len(data)
        return data

    def seek(self, offset_bytes: int) -> None:
        self._position = os.lseek(self._descriptor, offset_bytes, os.SEEK_SET)

    def tell(self) -> int:
        return self._position

    def skip_hole(self) -> int:
        """Seek to the next byte on the disk (lseek(2), SEEK_DATA); return how many NULs are skipped."""
        before = self._position
        try:
            self._position = os.lseek(self._descriptor, before, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                return 0  # this filesystem does not support it
            self.seek(max(before, os.fstat(self._descriptor).st_size))  # only NULs are left
        return self._position - before

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


@dataclass(slots=True)
class Input:
    """An open input.

    `name` is the file's own, which `source` may have without a suffix. `read(n)` returns up to `n` bytes of
    its contents, b"" at the end; `skip_to(n)` seeks to byte `n` of the contents; `skip_hole()` seeks to the
    end of the hole at the current position, and returns how many NULs that skips; `size_bytes` is the size of
    the file on the disk, or None for a pipe; `status` is its status when it was opened; `is_plain` is true if
    the contents are the bytes on the disk.
    """

    name: str
    source: Source
    read: Callable[[int], bytes]
    skip_to: Callable[[int], object]
    skip_hole: Callable[[], int]
    size_bytes: int | None
    status: os.stat_result
    is_plain: bool
    _file: _Open

    def fileno(self) -> int:
        """Return the descriptor of the open file."""
        return self._file.fileno()

    def position_bytes(self) -> int:
        """Return how many bytes of the file have been read."""
        try:
            return self._file.tell()
        except OSError:  # a pipe
            return 0

    def has_changed(self, path: str) -> bool:
        """Return whether the file was written to since it was opened, or is no longer the one at `path`.

        Raises:
            FileNotFoundError: nothing is at `path`.
        """
        status_at_path, status = os.lstat(path), os.fstat(self._file.fileno())
        size_and_mtime = self.status.st_size, self.status.st_mtime_ns
        return (status.st_size, status.st_mtime_ns) != size_and_mtime or not os.path.samestat(
            status, status_at_path
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


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
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1].lower()
    file: _Open
    if suffix not in COMPRESSED or (is_regular and status.st_size == 0):
        file = plain_file = _Plain(descriptor)
        skip_hole = plain_file.skip_hole if is_regular and hasattr(os, "SEEK_DATA") else no_hole
        read: Callable[[int], bytes] = plain_file.read
        skip_to: Callable[[int], object] = plain_file.seek
    else:
        file = compressed_file = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
        read, skip_to = _decompressing(compressed_file, suffix)
        skip_hole = no_hole
    return Input(
        name=name,
        source=Source(result_name(name), utc_date(status.st_mtime)),
        read=read,
        skip_to=skip_to,
        skip_hole=skip_hole,
        size_bytes=status.st_size if is_regular else None,
        status=status,
        is_plain=is_regular and isinstance(file, _Plain),
        _file=file,
    )


def _decompressing(file: IO[bytes], suffix: str) -> tuple[Callable[[int], bytes], Callable[[int], object]]:
    """Return the calls that read the contents of a compressed file, and seek in them."""
    reader, errors = _decompressor(file, suffix)

    def translate_errors(call: Callable[[int], Any]) -> Callable[[int], Any]:
        def translated(number_bytes: int) -> Any:
            try:
                return call(number_bytes)
            except errors as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # the disk's fault, not the file's
                raise NotWholeError(f"is not a whole {suffix} file: {shown(str(error))}") from error

        return translated

    return translate_errors(reader.read), translate_errors(reader.seek)


def _decompressor(file: Any, suffix: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """Return a decompressing reader, and its errors if `file` is not whole; the owner of `file` closes it."""
    if suffix == ".gz":
        import gzip  # noqa: PLC0415 - only where there is something to decompress
        import zlib  # noqa: PLC0415

        return gzip.GzipFile(fileobj=file), (gzip.BadGzipFile, EOFError, zlib.error)
    if suffix == ".bz2":
        import bz2  # noqa: PLC0415

        return bz2.BZ2File(file), (EOFError, ValueError, OSError)
    import lzma  # noqa: PLC0415

    return lzma.LZMAFile(file), (EOFError, lzma.LZMAError)
