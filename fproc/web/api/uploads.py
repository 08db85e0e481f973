"""The bodies of uploads to inputs: pure of sockets, and in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fproc.base.errors import FprocError, InputError
from fproc.base.faults import trouble_of
from fproc.spool.intake.uploads import UploadArea, Uploaded
from fproc.web.http.multipart import MultipartError, Parser, boundary_of

BLOCK_BYTES = 256 * 1024
"""How much of a body is asked for at once."""

Read = Callable[[int], bytes]
"""Gives at most so many bytes of a body, and none if it has ended."""


class UploadError(FprocError):
    """An upload was refused. `status` is the HTTP status that says so.

    Nothing of it was published, unless the disk refused in the middle of that: then its first files were.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def receive_multipart(read: Read, length: int, content_type: str, upload_area: UploadArea) -> list[Uploaded]:
    """Take the files of a multipart/form-data body of exactly `length` bytes.

    What `read` raises comes out as it is.

    Raises:
        UploadError: the body is malformed (400) or of another type (415), holds too much (413), or the disk
            refuses (503).
    """
    with _refusals():
        boundary = boundary_of(content_type)
        arrival = upload_area.begin()
    with arrival:
        parser = Parser(boundary, arrival.create)
        for data in _blocks(read, length):
            with _refusals():
                parser.feed(data)
        with _refusals():
            parser.close()
            arrived = arrival.publish()
    if not arrived:
        raise UploadError(400, "the body holds no file; send one or more in fields named 'file'")
    return arrived


def receive_raw(read: Read, length: int, name: str, upload_area: UploadArea) -> list[Uploaded]:
    """Take a body of exactly `length` bytes as one file.

    What `read` raises comes out as it is.

    Raises:
        UploadError: the file cannot have this name or the body is too short (400), or the disk refuses (503).
    """
    with _refusals():
        arrival = upload_area.begin()
    with arrival:
        with _refusals():
            file = arrival.create(name)
        for data in _blocks(read, length):
            with _refusals():
                file.write(data)
        with _refusals():
            return arrival.publish()


def _blocks(read: Read, length: int) -> Iterator[bytes]:
    left = length
    while left:
        data = read(min(left, BLOCK_BYTES))
        if not data:
            raise UploadError(400, f"the body ended after {length - left} of {length} bytes")
        left -= len(data)
        yield data


@contextmanager
def _refusals() -> Iterator[None]:
    """Say what goes wrong here as an upload's error."""
    try:
        yield
    except MultipartError as error:
        raise UploadError(error.status, str(error)) from error
    except InputError as error:
        raise UploadError(400, str(error)) from error
    except OSError as error:
        raise UploadError(503, trouble_of(error)) from error
