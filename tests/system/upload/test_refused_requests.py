"""Uploads that are malformed, too large, of another type or of another site are refused."""

from __future__ import annotations

import pytest

from tests.support.programs.talking import (
    BOUNDARY,
    FORM,
    answers,
    ask,
    connect,
    form,
    heard,
    only,
    part,
    request,
    say,
)
from tests.support.programs.upload_clients import MEGABYTE, MOST_BYTES, Place

HEADER = b'form-data; name="file"; filename="x"'


LAST = f"--{BOUNDARY}--\r\n".encode()


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "no form": b"one line\n",
    "another boundary": form(("x", b"data")).replace(BOUNDARY.encode(), b"other"),
    "no last boundary": form(("x", b"data")).removesuffix(LAST),
    "half a header": f"--{BOUNDARY}\r\nContent-Disposition: form-da".encode(),
    "no header": f"--{BOUNDARY}\r\n\r\ndata\r\n".encode() + LAST,
    "no file": LAST,
    "no field named file": part(b'form-data; name="other"; filename="x"', b"data") + LAST,
    "a field without a file": part(b'form-data; name="file"', b"data") + LAST,
    "no name": part(b'form-data; filename="x"', b"data") + LAST,
    "another disposition": part(b'attachment; name="file"; filename="x"', b"data") + LAST,
    "an open quote": part(b'form-data; name="file"; filename="x', b"data") + LAST,
    "two filenames": part(HEADER + b'; filename="y"', b"data") + LAST,
    "a header without an end": f"--{BOUNDARY}\r\n".encode() + b"X" * 100_000,
    "an encoding": part(HEADER + b"\r\nContent-Transfer-Encoding: base64", b"ZGF0YQ==") + LAST,
    "a header that goes on": part(HEADER + b"\r\n more", b"data") + LAST,
    "bare line feeds": form(("x", b"data")).replace(b"\r\n", b"\n"),
    "the second is malformed": part(HEADER, b"data") + part(b"form-data", b"data") + LAST,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_form_is_refused(place: Place, body: bytes) -> None:
    assert place.post(body).error
    assert place.post(body).status == 400
    assert place.waiting() == {}


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", f"{FORM}; boundary=y", "multipart/form-data; boundary="]
)
def test_a_form_without_one_boundary_is_refused(place: Place, content_type: str) -> None:
    assert place.post(form(("x", b"data")), content_type).status == 400
    assert place.waiting() == {}


def test_a_form_of_10000_parts_is_refused(place: Place) -> None:
    answer = place.post(form(*((f"{number}", b"") for number in range(10_000))))
    assert (answer.status, answer.error) == (413, "the body has more than 1000 parts; send several bodies")
    assert place.waiting() == {}


def test_a_body_of_another_type_is_refused(place: Place) -> None:
    for content_type in (
        "text/plain",
        "multipart/mixed; boundary=x",
        "",
        "application/x-www-form-urlencoded",
    ):
        assert place.post(form(("x", b"data")), content_type).status == 415
    assert place.waiting() == {}


def test_another_method_is_405_and_says_which_there_are(place: Place) -> None:
    for method, path, allowed in (
        ("PUT", "/upload", "POST"),
        ("GET", "/upload", "POST"),
        ("POST", "/upload/x", "PUT"),
        ("DELETE", "/upload/x", "PUT"),
    ):
        answer = only(say(place.running, request(method, path, b"data", {"Content-Type": FORM})))
        assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert place.waiting() == {}


def test_pages_of_other_sites_cannot_upload(place: Place) -> None:
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert place.put("x", b"data", **headers).status == 400
        assert place.post(form(("x", b"data")), **headers).status == 400
    assert place.waiting() == {}
    assert place.put("x", b"data", Origin="http://localhost").status == 201


def test_a_body_needs_its_length(place: Place) -> None:
    without: dict[str, str | None] = {"Content-Length": None}
    chunked = {**without, "Transfer-Encoding": "chunked"}
    both = {"Transfer-Encoding": "chunked"}
    for headers in (without, chunked, both):
        assert place.put("x", b"4\r\ndata\r\n0\r\n\r\n", **headers).status == 411
        assert place.post(form(("x", b"data")), **headers).status == 411
    for length in ("-1", "+4", "4x", "4,4", "0x4", "1e3", "", "9" * 40):
        assert place.put("x", b"data", **{"Content-Length": length}).status == 400
    assert place.waiting() == {}


def test_a_body_that_ends_early_is_refused(place: Place) -> None:
    assert place.put("x", b"data", **{"Content-Length": "5"}).error == "the body ended after 4 of 5 bytes"
    body = form(("x", b"data"))
    assert place.post(body, **{"Content-Length": str(len(body) + 1)}).status == 400
    short = {"Content-Length": str(len(body) - 10), "Content-Type": FORM, "Connection": "close"}
    assert only(say(place.running, request("POST", "/upload", body, short))).status == 400
    assert place.waiting() == {}


def test_what_comes_behind_a_body_is_no_part_of_it_and_no_request_unless_it_is_one(place: Place) -> None:
    found = say(place.running, request("PUT", "/upload/x", b"data and more", {"Content-Length": "4"}))
    assert [answer.status for answer in found] == [201, 400]
    assert place.waiting() == {"x": b"data"}
    hidden = request("PUT", "/upload/../y", b"data" * 1000 + request("PUT", "/upload/z", b"data"))
    assert [answer.status for answer in say(place.running, hidden)] == [400]
    assert place.waiting() == {"x": b"data"}


@pytest.mark.sweep  # it waits until the server has had enough
def test_a_body_that_stalls_is_told_so(place: Place) -> None:
    with connect(place.running) as put, connect(place.running) as post:
        put.sendall(request("PUT", "/upload/x", b"data", {"Content-Length": "5"}))
        body = form(("x", b"data"))
        post.sendall(
            request("POST", "/upload", body, {"Content-Length": str(len(body) + 1), "Content-Type": FORM})
        )
        for connection in (put, post):
            answer = only(answers(heard(connection)))
            assert (answer.status, answer.error) == (408, "the body stalls")
    assert place.waiting() == {}


def test_too_large_a_body_is_refused_before_it_comes(place: Place) -> None:
    for method, path in (("PUT", "/upload/x"), ("POST", "/upload")):
        with connect(place.running) as connection:
            large = {"Content-Length": str(MOST_BYTES + 1), "Content-Type": FORM, "Expect": "100-continue"}
            connection.sendall(request(method, path, b"", large))
            data = heard(connection)
        assert b" 100 Continue" not in data
        assert only(answers(data)).status == 413
    assert place.waiting() == {}


def test_who_sends_too_large_a_body_regardless_can_read_that_it_is(place: Place) -> None:
    answer = ask(
        place.running, "PUT", "/upload/x", bytes(20 * MEGABYTE)
    )  # it reads nothing before all is sent
    assert answer.status == 413
    assert answer.error == f"{20 * MEGABYTE} bytes are too many; {MOST_BYTES} are taken at most"
    assert place.waiting() == {}
