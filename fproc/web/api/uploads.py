"""The bodies of uploads to inputs: pure of sockets, and in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fproc.base.errors import FprocError, InputError
from fproc.base.faults import trouble_of
from fproc.spool.intake.uploads import IncomingFile, UploadArea, Uploaded
from fproc.web.access.room import NoRoom
from fproc.web.http.multipart import MultipartError, Parser, boundary_of

BLOCK_BYTES = 256 * 1024
"""The bytes of a body that are read at once."""

Read = Callable[[int], bytes]
"""A call that returns at most a number of bytes of a body, and none if it has ended."""


class UploadError(FprocError):
    """An upload was refused, with this HTTP `status`.

    Nothing of it was published, unless the disk refused in the middle of that: then its first files were.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def receive_multipart(
    read: Read,
    length: int,
    content_type: str,
    upload_area: UploadArea,
    *,
    on_file: Callable[[], None] = lambda: None,
) -> list[Uploaded]:
    """Take the files of a multipart/form-data body of exactly `length` bytes.

    Errors of `read` are passed on. `on_file` is called before each file, and may raise `NoRoom`.

    Raises:
        UploadError: the body is malformed (400) or of another type (415), holds too much (413), or the disk
            refuses (503).
    """
    with _refusals():
        boundary = boundary_of(content_type)
        upload = upload_area.begin()
    with upload:

        def create(name: str) -> IncomingFile:
            on_file()
            return upload.create(name)

        parser = Parser(boundary, create)
        for data in _blocks(read, length):
            with _refusals():
                parser.feed(data)
        with _refusals():
            parser.close()
            files = upload.publish()
    if not files:
        raise UploadError(400, "the body holds no file; send one or more in fields named 'file'")
    return files


def receive_raw(read: Read, length: int, name: str, upload_area: UploadArea) -> list[Uploaded]:
    """Take a body of exactly `length` bytes as one file.

    Errors of `read` are passed on.

    Raises:
        UploadError: the file cannot have this name or the body is too short (400), or the disk refuses (503).
    """
    with _refusals():
        upload = upload_area.begin()
    with upload:
        with _refusals():
            file = upload.create(name)
        for data in _blocks(read, length):
            with _refusals():
                file.write(data)
        with _refusals():
            return upload.publish()


def _blocks(read: Read, length: int) -> Iterator[bytes]:
    left_bytes = length
    while left_bytes:
        data = read(min(left_bytes, BLOCK_BYTES))
        if not data:
            raise UploadError(400, f"the body ended after {length - left_bytes} of {length} bytes")
        left_bytes -= len(data)
        yield data


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise errors of an upload as `UploadError`."""
    try:
        yield
    except MultipartError as error:
        raise UploadError(error.status, str(error)) from error
    except InputError as error:
        raise UploadError(400, str(error)) from error
    except NoRoom as full:
        raise UploadError(503, str(full)) from full
    except OSError as error:
        raise UploadError(503, trouble_of(error)) from error
