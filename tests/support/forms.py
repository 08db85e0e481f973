"""Bodies of multipart/form-data, and what the parser makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from fproc.web.http.multipart import (
    MultipartError,
    Parser,
)

BOUNDARY = b"------------------------d74496d66958873e"
"""As curl makes them."""


class Taken:
    """A file that was found. What is written is kept, for views of it are good only for a moment."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.data = b""
        self.is_closed = False

    def write(self, data: memoryview) -> None:
        assert len(data) > 0
        assert not self.is_closed
        self.data += data

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


def parse(pieces: Sequence[bytes] | Iterator[bytes], boundary: bytes = BOUNDARY) -> list[tuple[str, bytes]]:
    """The names and contents of files, all of which must have come to an end."""
    found: list[Taken] = []

    def take(filename: str) -> Taken:
        found.append(Taken(filename))
        return found[-1]

    parser = Parser(boundary, take)
    for piece in pieces:
        parser.feed(piece)
    parser.close()
    assert all(file.is_closed for file in found)
    return [(file.filename, file.data) for file in found]


def part(data: bytes = b"data", disposition: str = 'form-data; name="file"; filename="x"') -> bytes:
    return raw_part(f"Content-Disposition: {disposition}\r\n".encode(), data)


def raw_part(header: bytes, data: bytes = b"") -> bytes:
    return b"--" + BOUNDARY + b"\r\n" + header + b"\r\n" + data + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def refused(*pieces: bytes, status: int = 400, boundary: bytes = BOUNDARY) -> str:
    with pytest.raises(MultipartError) as caught:
        parse(pieces, boundary)
    assert caught.value.status == status
    return str(caught.value)
