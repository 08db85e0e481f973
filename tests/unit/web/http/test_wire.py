"""Heads of requests as bytes, understood or refused; and answers as bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fproc.web.http.messages import Request, Response, error, json_response
from fproc.web.http.wire import parse_head, render_response


def head(first: str = "GET / HTTP/1.1", *headers: str) -> bytes:
    return "\r\n".join([first, *(headers or ("Host: localhost",)), "", ""]).encode("latin-1")


def understood(given: bytes) -> Request:
    request = parse_head(given, "127.0.0.1")
    assert isinstance(request, Request), request
    return request


def refused(given: bytes) -> Response:
    response = parse_head(given, "127.0.0.1")
    assert isinstance(response, Response), response
    assert set(json.loads(response.body)) == {"error"}
    return response


def written(
    response: Response, request: Request | None = None, *, is_last: bool = False
) -> tuple[str, bytes]:
    data = b"".join(render_response(response, request, is_last=is_last))
    top, _, body = data.partition(b"\r\n\r\n")
    return top.decode(), body


def test_a_request_is_taken_apart() -> None:
    request = understood(
        head("PUT /upload/a%20b?x=1&y=&x=2 HTTP/1.1", "Host: h", "content-LENGTH: 12", "X-Y: z")
    )
    assert (request.method, request.path, request.query) == ("PUT", "/upload/a b", {"x": "2", "y": ""})
    assert (request.length_bytes, request.client, request.is_last) == (12, "127.0.0.1", False)
    assert request.headers == {"host": "h", "content-length": "12", "x-y": "z"}


def test_a_body_of_many_parts_is_announced() -> None:
    kind = "multipart/form-data; boundary=x"
    request = understood(head("POST / HTTP/1.1", "Host: a", f"Content-Type: {kind}", "Content-Length: 9"))
    assert (request.media_type, request.headers["content-type"]) == ("multipart/form-data", kind)


def test_an_absolute_form_names_the_same_path() -> None:
    assert understood(head("GET http://h/health?q=1 HTTP/1.1")).path == "/health"


def test_two_slashes_begin_a_path_and_no_host() -> None:
    assert understood(head("GET //h/health?q=1 HTTP/1.1")).path == "//h/health"


def test_bytes_that_are_not_utf_8_come_as_surrogates() -> None:
    request = understood(head("GET /a%ff?q=%fe HTTP/1.1"))
    assert (request.path, request.query) == ("/a\udcff", {"q": "\udcfe"})


@pytest.mark.parametrize(
    ("version", "connection", "is_last"),
    [("1.1", "keep-alive", False), ("1.1", "close", True), ("1.0", "x", True), ("1.0", "keep-alive", True)],
)
def test_it_is_known_whether_a_request_is_the_last(version: str, connection: str, *, is_last: bool) -> None:
    given = head(f"GET / HTTP/{version}", "Host: h", f"Connection: {connection}")
    assert understood(given).is_last is is_last


def test_an_old_client_needs_no_host() -> None:
    assert understood(head("GET / HTTP/1.0", "X: y")).headers == {"x": "y"}


def test_it_is_known_who_waits_to_send_a_body() -> None:
    assert understood(head("POST / HTTP/1.1", "Host: h", "Expect: 100-Continue")).expects_continue


REFUSED: dict[str, tuple[bytes, int]] = {
    "no request": (b"GARBAGE\r\n\r\n", 400),
    "an empty line first": (b"\r\nHost: a\r\n\r\n", 400),
    "nothing but blanks first": (b"  \r\nHost: a\r\n\r\n", 400),
    "two words too many": (head("GET /a b HTTP/1.1"), 400),
    "no such version": (head("GET / HTTP/3.0"), 505),
    "no version": (head("GET / HTTP/x"), 400),
    "no host": (head("GET / HTTP/1.1", "X: y"), 400),
    "two hosts": (head("GET / HTTP/1.1", "Host: a", "Host: b"), 400),
    "a header without a name": (head("GET / HTTP/1.1", "Host: a", ": b"), 400),
    "a header without a colon": (head("GET / HTTP/1.1", "Host: a", "what"), 400),
    "a header that goes on": (head("GET / HTTP/1.1", "Host: a", "X: b", " c"), 400),
    "a header with a NUL": (head("GET / HTTP/1.1", "Host: a", "X: b\0c"), 400),
    "a header with a lone return": (head("GET / HTTP/1.1", "Host: a", "X: b\rc: d"), 400),
    "a space before the colon": (head("GET / HTTP/1.1", "Host: a", "Content-Length : 5"), 400),
    "too many headers": (head("GET / HTTP/1.1", "Host: a", *(f"X{i}: y" for i in range(200))), 431),
    "two lengths": (head("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 2"), 400),
    "the same length twice": (head("POST / HTTP/1.1", "Host: a", *["Content-Length: 1"] * 2), 400),
    "a negative length": (head("POST / HTTP/1.1", "Host: a", "Content-Length: -1"), 400),
    "a length with a sign": (head("POST / HTTP/1.1", "Host: a", "Content-Length: +1"), 400),
    "no length": (head("POST / HTTP/1.1", "Host: a", "Content-Length: x"), 400),
    "a list of lengths": (head("POST / HTTP/1.1", "Host: a", "Content-Length: 1, 1"), 400),
    "a length beyond all disks": (head("POST / HTTP/1.1", "Host: a", "Content-Length: " + "9" * 30), 400),
    "chunks": (head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"), 411),
    "chunks and a length": (
        head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Content-Length: 3"),
        411,
    ),
    "a no-break space for a space": (b"GET\xa0/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a vertical tab for a space": (b"GET\x0b/\x0bHTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two spaces": (head("GET  / HTTP/1.1"), 400),
    "a space behind": (head("GET / HTTP/1.1 "), 400),
    "a bare line feed between headers": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    "a bare line feed after the first line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "a version with a zero": (head("GET / HTTP/01.1"), 400),
    "a version with a zero behind": (head("GET / HTTP/1.01"), 400),
    "a version in small letters": (head("GET / http/1.1"), 400),
    "a path of raw UTF-8": ("GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 400),
    "a path with a control character": (head("GET /\x7f HTTP/1.1"), 400),
    "a header with an escape": (head("GET / HTTP/1.1", "Host: a", "X: \x1b[1m"), 400),
    "two origins": (head("GET / HTTP/1.1", "Host: a", "Origin: a", "Origin: b"), 400),
    "no path": (head("GET HTTP/1.1"), 400),
    "too many fields": (head("GET /?" + "a=1&" * 50 + " HTTP/1.1"), 400),
    "a bad address": (head("GET http://[::1/ HTTP/1.1"), 400),
}


PIECES = [
    b"GET ",
    b"/a?b=%ff",
    b" HTTP/1.1",
    b"\r\n",
    b"Host: a",
    b"Content-Length: 5",
    b": ",
    b" ",
    b"HTTP/9.9",
    b"/",
]


@pytest.mark.parametrize(("head_bytes", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_ambiguous_or_no_request_is_refused(head_bytes: bytes, status: int) -> None:
    assert refused(head_bytes).status == status


@given(st.binary(max_size=300))
@example(b"\r\n")
@example(b"GET / HTTP/1.1\r\nContent-Type: multipart/x; boundary=\xff\r\nHost: \xff")
def test_whatever_comes_is_a_request_or_is_answered(given_bytes: bytes) -> None:
    response = parse_head(given_bytes + b"\r\n\r\n", "127.0.0.1")
    assert isinstance(response, Request) or 400 <= response.status < 600


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=12))
def test_whatever_looks_like_a_request_is_one_or_is_answered(pieces: list[bytes]) -> None:
    response = parse_head(b"".join(pieces) + b"\r\n\r\n", "127.0.0.1")
    assert isinstance(response, Request) or 400 <= response.status < 600


def test_an_answer_has_what_browsers_and_caches_need() -> None:
    top, body = written(json_response({"a": 1}), understood(head()))
    lines = top.split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    headers = {line.split(": ")[0] for line in lines[1:]}
    assert headers >= {"Content-Type", "Content-Length", "Cache-Control", "X-Content-Type-Options", "Date"}
    assert "Cache-Control: no-store" in lines
    assert "Connection: close" not in lines
    assert json.loads(body) == {"a": 1}


def test_the_last_answer_says_so() -> None:
    assert "Connection: close" in written(error(400, "no"), None, is_last=True)[0]


def test_the_answer_to_head_has_no_body() -> None:
    top, body = written(json_response({"a": 1}), understood(head("HEAD / HTTP/1.1")))
    assert body == b""
    assert "Content-Length: 9" in top


def test_what_the_client_has_already_is_not_sent_again() -> None:
    response = json_response({"a": 1}, is_polled=True)
    for tags in (response.etag, f'"x", {response.etag}', f"W/{response.etag}", "*"):
        top, body = written(response, understood(head("GET / HTTP/1.1", "Host: a", f"If-None-Match: {tags}")))
        assert top.startswith("HTTP/1.1 304 ")
        assert (body, "Content-Length" in top) == (b"", False)
        assert f"ETag: {response.etag}" in top
    other = head("GET / HTTP/1.1", "Host: a", 'If-None-Match: "other"')
    assert written(response, understood(other))[0].startswith("HTTP/1.1 200 ")


def test_an_etag_may_leave_out_what_always_changes() -> None:
    one = json_response({"files": 1, "system": 1}, but="system", is_polled=True)
    other = json_response({"files": 1, "system": 2}, but="system", is_polled=True)
    changed = json_response({"files": 2, "system": 2}, but="system", is_polled=True)
    assert one.etag == other.etag != changed.etag
    assert one.etag.startswith('W/"')


def test_names_that_are_not_utf_8_can_be_written() -> None:
    assert json_response({"file": "\udcff"}).body == b'{"file": "\\udcff"}\n'
