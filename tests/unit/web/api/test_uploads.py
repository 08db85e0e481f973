"""Bodies of uploads become inputs, exactly as long as was said, or nothing of them stays."""

from __future__ import annotations

import errno
import hashlib
import io
import itertools
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.disk.disk import Disk
from fproc.spool.intake.uploads import UploadArea, Uploaded
from fproc.spool.spool import Spool
from fproc.web.api.uploads import BLOCK_BYTES, Read, UploadError, receive_multipart, receive_raw
from fproc.web.http.multipart import MAX_PARTS
from tests.support.descriptors import open_descriptors
from tests.support.helpers import plan_of
from tests.support.spool.crashes import BrokenDisk, files

TYPE = "multipart/form-data; boundary=B"


class Place:
    """A spool that takes uploads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        nodes = [{"tag": "start", "type": "uppercase", "next": "end"}]
        self.config = plan_of(nodes, watch_dir=str(folder)).config
        Spool(self.config)

    def raw(self, data: bytes, name: str = "x", **how: Any) -> list[Uploaded]:
        return receive_raw(**self.given(data, **how), name=name)

    def multipart(self, data: bytes, content_type: str = TYPE, **how: Any) -> list[Uploaded]:
        return receive_multipart(**self.given(data, **how), content_type=content_type)

    def given(
        self, data: bytes, length: int | None = None, read: Read | None = None, disk: Disk | None = None
    ) -> dict[str, Any]:
        return {
            "read": read or io.BytesIO(data).read,
            "length": len(data) if length is None else length,
            "upload_area": UploadArea(self.config, disk),
        }

    def waiting(self) -> dict[str, str]:
        return files(str(self.folder / "unprocessed"))

    def is_untouched(self) -> bool:
        uploads = self.folder / ".fproc/uploads"
        return not self.waiting() and not (uploads.exists() and os.listdir(uploads))


@pytest.fixture
def place(memory_path: Path) -> Place:
    return Place(memory_path / "w")


def body(**contents: bytes) -> bytes:
    return (
        b"".join(
            b'--B\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n%b\r\n'
            % (name.encode(), data)
            for name, data in contents.items()
        )
        + b"--B--\r\n"
    )


def refused(place: Place, receive: Callable[[], object], status: int) -> str:
    with pytest.raises(UploadError) as caught:
        receive()
    assert caught.value.status == status
    assert place.is_untouched()
    return str(caught.value)


@pytest.mark.parametrize("size_bytes", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 10**6])
def test_a_body_arrives_as_one_file_or_as_its_files(place: Place, size_bytes: int) -> None:
    data = b"\r\n-" * (size_bytes // 3) + b"-" * (size_bytes % 3)
    sha256 = hashlib.sha256(data).hexdigest()
    assert place.raw(data) == [Uploaded("x", size_bytes, sha256)]
    assert place.multipart(body(y=data, x=b"")) == [
        Uploaded("y", size_bytes, sha256),
        Uploaded("x~2", 0, hashlib.sha256(b"").hexdigest()),
    ]
    assert place.waiting() == {"x": data.decode(), "y": data.decode(), "x~2": ""}


def test_no_more_is_read_than_was_said_and_no_piece_is_too_large(place: Place) -> None:
    stream = io.BytesIO(b"x" * 10**6 + b"GET / HTTP/1.1")
    asked: list[int] = []

    def read(most: int) -> bytes:
        asked.append(most)
        return stream.read(min(most, 100_001))  # a socket gives what it has

    place.raw(b"", length=10**6, read=read)
    assert stream.read() == b"GET / HTTP/1.1"
    assert max(asked) <= BLOCK_BYTES
    assert place.waiting() == {"x": "x" * 10**6}


@pytest.mark.parametrize("missing", [1, 5, 100])
def test_a_body_that_ends_early_leaves_nothing(place: Place, missing: int) -> None:
    data = body(x=b"one" * 100, y=b"two")
    length = len(data)
    said = refused(place, lambda: place.raw(data[:-missing], length=length), 400)
    assert said == f"the body ended after {length - missing} of {length} bytes"
    assert refused(place, lambda: place.multipart(data[:-missing], length=length), 400) == said


def test_a_length_that_is_too_short_for_the_body_leaves_nothing(place: Place) -> None:
    data = body(x=b"one")
    assert "last boundary" in refused(place, lambda: place.multipart(data, length=len(data) - 5), 400)


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionResetError(), KeyboardInterrupt()])
@pytest.mark.parametrize("receive", [Place.raw, Place.multipart])
def test_what_reading_raises_comes_out_as_it_is_and_leaves_nothing(
    place: Place, receive: Callable[..., object], error: BaseException
) -> None:
    stream = io.BytesIO(body(x=b"one", y=b"two"))

    def read(most: int) -> bytes:
        if stream.tell() > 50:
            raise error
        return stream.read(min(most, 30))

    with pytest.raises(type(error)) as caught:
        receive(place, b"", length=200, read=read)
    assert caught.value is error
    assert place.is_untouched()


def test_bodies_that_cannot_be_taken_get_a_status(place: Place) -> None:
    whole = body(x=b"one")
    assert "not 'text/plain'" in refused(place, lambda: place.multipart(whole, "text/plain"), 415)
    assert "no boundary" in refused(place, lambda: place.multipart(whole, "multipart/form-data"), 400)
    assert "begin with" in refused(place, lambda: place.multipart(whole, TYPE + "C"), 400)
    assert "holds no file" in refused(place, lambda: place.multipart(b"--B--"), 400)
    assert "a path" in refused(place, lambda: place.raw(b"one", "../x"), 400)
    two = body(x=b"one", **{"../y": b"two"})
    assert "'../y': the name is a path" in refused(place, lambda: place.multipart(two), 400)
    many = body(**{f"x{number}": b"" for number in range(MAX_PARTS + 1)})
    assert "more than 1000 parts" in refused(place, lambda: place.multipart(many), 413)


def test_as_many_files_as_are_allowed_take_no_more_descriptors_than_one(place: Place) -> None:
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(open_descriptors()) + 20, hard))
    try:
        arrived = place.multipart(body(**{f"x{number}": b"" for number in range(MAX_PARTS)}))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(arrived) == len(place.waiting()) == MAX_PARTS


@pytest.mark.parametrize("receive", [Place.raw, Place.multipart])
def test_a_full_disk_is_said_with_what_to_do(place: Place, receive: Callable[..., object]) -> None:
    said = set()
    for calls in itertools.count():
        disk = BrokenDisk(calls, error=errno.ENOSPC)
        try:
            receive(place, body(x=b"one"), disk=disk)
            is_over = not disk.broke_at
        except UploadError as error:
            said.add((error.status, str(error)))
            is_over = False
        if is_over:
            break
        for name in place.waiting():
            (place.folder / "unprocessed" / name).unlink()
    assert said == {(503, "No space left on device (free some space, or inodes, on that disk)")}
    assert calls > 8


def test_memory_does_not_grow_with_a_file(place: Place) -> None:
    piece, times = os.urandom(BLOCK_BYTES), 400
    start = body(x=b"").removesuffix(b"\r\n--B--\r\n")
    pieces = iter([start, *[piece] * times, b"\r\n--B--\r\n"])
    rest = b""

    def read(most: int) -> bytes:
        nonlocal rest
        rest = rest or next(pieces)
        given, rest = rest[:most], rest[most:]
        return given

    tracemalloc.start()
    try:
        arrived = place.multipart(b"", length=len(start) + len(piece) * times + 9, read=read)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert arrived[0].bytes == len(piece) * times
    assert peak < 4 * BLOCK_BYTES
