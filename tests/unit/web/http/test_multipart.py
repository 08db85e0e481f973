"""Reading multipart/form-data: what was sent comes out, or an error does."""

from __future__ import annotations

from collections.abc import Iterator
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart

import pytest

from fproc.web.http.multipart import (
    FIELDS_BYTES,
    HEADER_BYTES,
    MAX_PARTS,
    MultipartError,
    boundary_of,
)
from tests.support.forms import BOUNDARY, body, parse, part, raw_part, refused


def test_files_come_out_in_order_with_their_names_and_other_fields_do_not() -> None:
    other = part(b"a value", 'form-data; name="comment"')
    another = part(b"a file", 'form-data; name="attachment"; filename="y"')
    data = body(part(b"one"), other, part(b"", 'form-data; name="file"; filename="empty"'), another)
    assert parse([data]) == [("x", b"one"), ("empty", b"")]


def test_a_body_may_hold_no_file_at_all() -> None:
    assert parse([body()]) == []


def test_headers_have_any_case_and_order_and_those_that_say_nothing_here_are_read_over() -> None:
    header = b'content-type: text/plain\r\nX-Y:\r\nCONTENT-disposition:FORM-DATA ; Filename="x";NAME=file\r\n'
    assert parse([body(raw_part(header, b"one"))]) == [("x", b"one")]


def test_spaces_may_follow_a_boundary_and_anything_the_last_one() -> None:
    data = body(part(b"one")).replace(BOUNDARY + b"\r\n", BOUNDARY + b" \t\r\n") + b"--whatever\r\n\r\n"
    assert parse([data]) == [("x", b"one")]
    assert parse([data.partition(b"--\r\n--w")[0] + b"--"]) == [("x", b"one")]


def test_what_another_program_encodes_is_read() -> None:
    message = MIMEMultipart("form-data")
    payload = MIMEApplication(b"one\r\n\0\xff", _encoder=lambda _part: None)
    payload.add_header("Content-Disposition", "form-data", name="file", filename="x.log")
    message.attach(payload)
    content_type = message["Content-Type"]
    text = message.as_bytes()
    boundary = boundary_of(content_type.replace("\n", " ") + f'; boundary="{message.get_boundary()}"')
    encoded = text.partition(b"\n\n")[2].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
    assert parse([encoded], boundary) == [("x.log", b"one\r\n\0\xff")]


NAMES = {
    'filename="x.log"': "x.log",
    "filename=x.log": "x.log",
    'filename = "x.log" ': "x.log",
    'filename=""': "",
    'filename="a;b=c.log"': "a;b=c.log",
    'filename="naïve \N{SNOWMAN}"': "naïve \N{SNOWMAN}",
    'filename="a%22b"': 'a"b',
    'filename="a\\"b"': 'a"b',
    'filename="a\\\\b"': "a\\b",
    'filename="C:\\fake\\x.txt"': "C:\\fake\\x.txt",
    'filename="a%0D%0Ab"': "a\r\nb",
    'filename="100%25 %41"': "100%25 %41",
    "filename*=UTF-8''na%C3%AFve%20x": "naïve x",
    "filename*=utf-8'en'x.log": "x.log",
    "filename=\"fallback\"; filename*=UTF-8''%E2%98%83": "\N{SNOWMAN}",
    "filename*=UTF-8''a%27b": "a'b",
    "FILENAME*=UTF-8''x": "x",
    'filename="../../x"': "../../x",
}


@pytest.mark.parametrize("given_name", NAMES)
def test_names_come_out_as_they_were_meant(given_name: str) -> None:
    data = body(part(disposition=f'form-data; name="file"; {given_name}'))
    assert parse([data]) == [(NAMES[given_name], b"data")]


REFUSED_HEADERS = {
    b"": "no Content-Disposition",
    b"Content-Type: text/plain\r\n": "no Content-Disposition",
    b'Content-Disposition: attachment; name="file"\r\n': "no Content-Disposition: form-data",
    b"Content-Disposition: form-data\r\n": "no name",
    b'Content-Disposition: form-data; filename="x"\r\n': "no name",
    b'Content-Disposition: form-data; name="file"\r\n': "no file",
    b'Content-Disposition: form-data; name="file; filename="x"\r\n': "cannot be understood",
    b'Content-Disposition: form-data; name="file" filename="x"\r\n': "cannot be understood",
    b'Content-Disposition: form-data; name="file"; filename="x\r\n': "cannot be understood",
    b'Content-Disposition: form-data; name="file"; filename="x\\"\r\n': "cannot be understood",
    b'Content-Disposition: form-data; name="file"; filename="x"; filename="y"\r\n': "cannot be understood",
    b"Content-Disposition: form-data; name=file; filename*=x\r\n": "filename*",
    b"Content-Disposition: form-data; name=file; filename*=latin1''x\r\n": "filename*",
    b"Content-Disposition: form-data; name=file; filename*=UTF-8''%FF\r\n": "not text",
    b'Content-Disposition: form-data; name="file"; filename="\xff"\r\n': "not text",
    b'Content-Disposition: form-data; name="file";\r\n filename="x"\r\n': "a line that is none",
    b'Content-Disposition: form-data; name="file"; filename="a\nb"\r\n': "a line that is none",
    b'Content-Disposition: form-data; name="file"; filename="a\rb"\r\n': "a line that is none",
    b"Content-Disposition : form-data; name=file; filename=x\r\n": "a line that is none",
    b"no header\r\n": "a line that is none",
    b"Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n": "two headers",
    b"Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n": "RFC 7578",
}


@pytest.mark.parametrize("header", REFUSED_HEADERS)
def test_a_header_that_is_not_as_it_should_be_is_said_so(header: bytes) -> None:
    assert REFUSED_HEADERS[header] in refused(body(raw_part(header)))


def test_a_harmless_transfer_encoding_is_none() -> None:
    header = b"Content-Disposition: form-data; name=file; filename=x\r\nContent-Transfer-Encoding: BINARY\r\n"
    assert parse([body(raw_part(header, b"one"))]) == [("x", b"one")]


REFUSED_BODIES = {
    b"": "ends before its last boundary",
    b"garbage": "does not begin with its boundary",
    b"garbage\r\n" + body(part()): "does not begin with its boundary",
    b"\r\n" + body(part()): "does not begin with its boundary",
    body(part())[:-4]: "ends before its last boundary",
    body(part())[:-3]: "ends before its last boundary",
    part(): "ends before its last boundary",
    b"--" + BOUNDARY + b"\r\n": "ends before its last boundary",
    body(part(b"a\r\n--" + BOUNDARY + b"b\r\n")): "something follows a boundary",
    body(part()).replace(b"\r\n", b"\n"): "no end within 8192 bytes",
}


@pytest.mark.parametrize("data", REFUSED_BODIES)
def test_a_body_that_is_not_as_it_should_be_is_said_so(data: bytes) -> None:
    more = b"x" * HEADER_BYTES if "no end within" in REFUSED_BODIES[data] else b""
    assert REFUSED_BODIES[data] in refused(data, more)


@pytest.mark.parametrize("piece", [1, 100, 10**6])
def test_a_header_that_does_not_end_is_an_error_before_it_takes_memory(piece: int) -> None:
    data = b"--" + BOUNDARY + b"\r\nX: " + b"y" * 10**6
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        while True:
            yield data[taken : taken + piece]
            taken += piece

    with pytest.raises(MultipartError, match="no end within 8192 bytes"):
        parse(pieces())
    assert taken <= HEADER_BYTES + 100


@pytest.mark.parametrize("piece", [7, 10**6])
def test_a_header_of_as_many_bytes_as_may_be_is_read(piece: int) -> None:
    header = b'Content-Disposition: form-data; name="file"; filename="x"\r\nX: '
    header += b"y" * (HEADER_BYTES - len(header) - 6) + b"\r\n"
    data = body(raw_part(header, b"one"))
    assert parse([data[at : at + piece] for at in range(0, len(data), piece)]) == [("x", b"one")]
    refused(body(raw_part(header.replace(b"X:", b"X:y"), b"one")))


def test_more_parts_than_are_allowed_are_an_error() -> None:
    assert len(parse([body(*[part()] * MAX_PARTS)])) == MAX_PARTS
    assert "more than 1000 parts" in refused(body(*[part()] * (MAX_PARTS + 1)), status=413)
    refused(*[part(b"", "form-data; name=x")] * (MAX_PARTS + 1), status=413)


def test_fields_that_are_no_files_may_not_be_large() -> None:
    half = part(b"x" * (FIELDS_BYTES // 2), "form-data; name=x")
    assert parse([body(half, half)]) == []
    assert "no files" in refused(body(half, half, part(b"x", "form-data; name=y")), status=413)


TYPES = {
    "multipart/form-data; boundary=abc": b"abc",
    'Multipart/Form-Data;boundary="a b:c"': b"a b:c",
    "multipart/form-data; charset=utf-8; Boundary=a=b": b"a=b",
    "multipart/form-data; boundary=" + "x" * 70: b"x" * 70,
    "multipart/form-data ; boundary=abc ;": b"abc",
}


@pytest.mark.parametrize("content_type", TYPES)
def test_the_boundary_is_read_from_the_type(content_type: str) -> None:
    assert boundary_of(content_type) == TYPES[content_type]


REFUSED_TYPES = {
    "": 415,
    "text/plain": 415,
    "multipart/mixed; boundary=abc": 415,
    "multipart/form-data-x; boundary=abc": 415,
    "multipart/form-data\nx; boundary=abc": 415,
    "multipart/form-data": 400,
    "multipart/form-data; boundary=": 400,
    'multipart/form-data; boundary=""': 400,
    'multipart/form-data; boundary="a "': 400,
    "multipart/form-data; boundary=a b": 400,
    "multipart/form-data; boundary=a; boundary=b": 400,
    "multipart/form-data; boundary=" + "x" * 71: 400,
    'multipart/form-data; boundary="a\r\nb"': 415,
    'multipart/form-data; boundary="a\N{SNOWMAN}"': 400,
    "multipart/form-data; boundary=a@b": 400,
}


@pytest.mark.parametrize("content_type", REFUSED_TYPES)
def test_a_type_or_boundary_that_will_not_do_is_said_so(content_type: str) -> None:
    with pytest.raises(MultipartError) as caught:
        boundary_of(content_type)
    assert caught.value.status == REFUSED_TYPES[content_type]
