"""Uploads under names that are not safe are refused, and nothing of them arrives."""

from __future__ import annotations

from urllib.parse import quote_from_bytes

import pytest

from tests.support.programs.talking import (
    BOUNDARY,
    form,
    only,
    part,
    request,
    say,
)
from tests.support.programs.upload_clients import Place

REFUSED_NAMES: dict[str, bytes] = {
    "up": b"../up.log",
    "far up": b"../../../../../../tmp/fproc-was-here",
    "into the results": b"../results/x.log",
    "up and down": b"a/../../x",
    "absolute": b"/etc/fproc-was-here",
    "below": b"below/x.log",
    "a dot": b".",
    "two dots": b"..",
    "backslashes": b"..\\x.log",
    "a drive": b"C:\\x.log",
    "hidden": b".hidden",
    "unfinished": b"x.tmp",
    "a report": b"x.error.json",
    "a device": b"CON",
    "a device with an ending": b"nul.log",
    "another device": b"com1",
    "too long": b"x" * 300,
    "too long in bytes": "ü".encode() * 128,
    "an escape": b"\x1b[31mred",
    "another control character": b"x\x7f",
    "reversed": "x\u202etxt.exe".encode(),
    "a dot at the end": b"x.",
    "a space at the end": b"x ",
}


UNPRINTABLE: dict[str, bytes] = {
    "empty": b"",
    "NUL": b"x\0.log",
    "a line": b"x\ny",
    "a return": b"x\ry",
    "Latin-1": b"\xff",
    "half a character": b"\xed\xa0\x80",
}


@pytest.mark.parametrize(
    "name", [*REFUSED_NAMES.values(), *UNPRINTABLE.values()], ids=[*REFUSED_NAMES, *UNPRINTABLE]
)
def test_a_name_that_is_not_safe_is_refused(place: Place, name: bytes) -> None:
    for written in {
        quote_from_bytes(name, safe=""),
        quote_from_bytes(name),
        "".join(f"%{byte:02x}" for byte in name),
    }:
        answer = place.put(written, b"data")
        assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
        assert "the name " in answer.error
    for extended in (b"utf-8''" + quote_from_bytes(name, safe="").encode(),):
        body = part(b'form-data; name="file"; filename="fine"; filename*=' + extended, b"data")
        assert place.post(body + f"--{BOUNDARY}--".encode()).status == 400
    assert place.waiting() == {}


@pytest.mark.parametrize("name", REFUSED_NAMES.values(), ids=REFUSED_NAMES)
def test_a_name_that_is_not_safe_is_refused_in_a_form_and_nothing_of_that_arrives(
    place: Place, name: bytes
) -> None:
    answer = place.post(form(("fine.log", b"data"), (name, b"data"), ("fine2.log", b"data")))
    assert answer.status == 400
    assert "the name " in answer.error
    assert place.waiting() == {}


def test_a_path_with_dots_is_not_followed(place: Place) -> None:
    for path in ("/upload/../x", "/upload/./x", "/upload/a/../x", "/upload//x", "/upload/%2e%2e/%2e%2e/x"):
        assert only(say(place.running, request("PUT", path, b"data"))).status == 400
    for path in ("/../upload/x", "/./upload/x", "//x/upload/y"):
        assert only(say(place.running, request("PUT", path, b"data"))).status == 404
    assert place.waiting() == {}
