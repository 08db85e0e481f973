"""Whatever was sent in whatever pieces comes out, and no bytes take much time or memory."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fproc.web.http.multipart import (
    MultipartError,
    Parser,
    boundary_of,
)
from tests.support.forms import BOUNDARY, body, parse, part, raw_part, refused

boundaries = st.text("abc-'()+_,./:=?", min_size=1, max_size=70).map(str.encode)


@st.composite
def lookalikes(draw: st.DrawFn, boundary: bytes) -> bytes:
    """Contents made of pieces of a delimiter, which holds no whole one."""
    delimiter = b"\r\n--" + boundary
    pieces = st.integers(0, len(delimiter)).map(lambda size: delimiter[:size])
    data = b"".join(draw(st.lists(pieces | st.binary(max_size=4) | st.sampled_from([b"\r", b"\n", b"-"]))))
    while delimiter in b"\r\n" + data + b"\r\n--":
        data = (b"\r\n" + data + b"\r\n--").replace(delimiter, delimiter[:-1] + b"!")
    return data


@given(st.data())
def test_whatever_was_sent_in_whatever_pieces_comes_out(data: st.DataObject) -> None:
    boundary = data.draw(boundaries)
    names = st.text(st.characters(exclude_characters='"\\%\r\n', codec="utf-8"), max_size=10)
    sent = data.draw(st.lists(st.tuples(names, lookalikes(boundary) | st.binary(max_size=300)), max_size=4))
    sent = [(name, text) for name, text in sent if b"\r\n--" + boundary not in b"\r\n" + text]
    encoded = b"".join(
        b'--%b\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n%b\r\n'
        % (boundary, name.encode(), text)
        for name, text in sent
    )
    encoded += b"--%b--\r\n" % boundary
    cuts = data.draw(st.lists(st.integers(0, len(encoded)), max_size=8).map(sorted))
    pieces = [encoded[one:other] for one, other in pairwise([0, *cuts, len(encoded)])]
    assert parse(pieces, boundary) == sent
    assert parse([encoded[at : at + 1] for at in range(len(encoded))], boundary) == sent


FRAGMENTS = [
    b"--" + BOUNDARY,
    b"\r\n--" + BOUNDARY,
    b"--",
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Disposition: form-data",
    b'; name="file"',
    b'; filename="x"',
    b"; filename*=UTF-8''",
    b"%FF",
    b"\\",
    b'"',
    b"Content-Transfer-Encoding: ",
]


@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=20), max_size=30))
@example([body(part())])
def test_no_bytes_raise_anything_but_the_parser_s_own_error(pieces: list[bytes]) -> None:
    outcomes = []
    for fed in (pieces, [b"".join(pieces)]):
        try:
            outcomes.append(parse(fed))
        except MultipartError as error:
            outcomes.append([(str(error), b"")])
    assert outcomes[0] == outcomes[1], "it depends on where the pieces were cut"


@given(st.text() | st.text("; =\"\\boundarymultipart/form-data'*%").map("multipart/form-data; ".__add__))
def test_no_type_raises_anything_but_the_parser_s_own_error(content_type: str) -> None:
    try:
        boundary_of(content_type)
    except MultipartError as error:
        str(error).encode()


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_name_can_be_sent_in_its_extended_form(name: str) -> None:
    disposition = f"form-data; name=file; filename*=UTF-8''{quote(name, safe='')}"
    assert parse([body(part(disposition=disposition))]) == [(name, b"data")]


HOSTILE = {
    "spaces in a header": b"X:" + b" " * 8000 + b"y\r\n",
    "spaces in a parameter": b"Content-Disposition: form-data; name=file" + b" " * 8000 + b"y\r\n",
    "backslashes": b'Content-Disposition: form-data; name="' + b"\\" * 8001 + b"\r\n",
    "semicolons": b"Content-Disposition: form-data" + b";" * 8000 + b"y\r\n",
    "many parameters": b"Content-Disposition: form-data"
    + b"".join(b";a%d=" % number for number in range(1000))
    + b"y\r\n",
    "apostrophes": b"Content-Disposition: form-data; name=file; filename*=" + b"'" * 8000 + b"\r\n",
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.timeout(20)
def test_no_header_takes_time_that_grows_with_its_square(header: bytes) -> None:
    data = body(raw_part(header))
    for _ in range(300):
        refused(data)


class Counted:
    """Counts what is written, and keeps nothing."""

    def __init__(self) -> None:
        self.size_bytes = 0

    def write(self, data: memoryview) -> None:
        self.size_bytes += len(data)

    def close(self) -> None:
        pass


def test_memory_does_not_grow_with_the_body() -> None:
    block = (b"\r\n--" + BOUNDARY[:-1]) * (65536 // (len(BOUNDARY) + 3))
    times = 200 * 1000 * 1000 // len(block) + 1
    file = Counted()
    tracemalloc.start()
    try:
        parser = Parser(BOUNDARY, lambda _name: file)
        parser.feed(part(b"").removesuffix(b"\r\n"))
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(times):
            parser.feed(block)
        parser.feed(b"\r\n" + body())
        parser.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert file.size_bytes == len(block) * times
    assert peak - before < 10**6
