"""Uploads to the real program that arrive: each is an input as it was sent."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from tests.support.programs.running import Watching, configure, spooled
from tests.support.programs.talking import (
    FORM,
    ask,
    form,
    request,
    say,
)
from tests.support.programs.upload_clients import MOST_BYTES, Place


def of(name: str, data: bytes) -> dict[str, Any]:
    """What is answered about a file that has arrived."""
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_what_is_uploaded_is_processed_like_any_input(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, dashboard=True) as running:
        assert ask(running, "PUT", "/upload/a.log", b"one\n").status == 201
        body = form(("b.log", b"two\n"), ("c.log", b"three\n"))
        assert ask(running, "POST", "/upload", body, {"Content-Type": FORM}).status == 201
        expected = {"a.log": b"one\n", "b.log": b"two\n", "c.log": b"three\n"}
        running.wait_until(
            lambda: (
                spooled(tmp_path)
                == {
                    f"{folder}/{name}": data
                    for folder in ("processed", "results")
                    for name, data in expected.items()
                }
            )
        )
        said = [line.partition("INFO upload: ")[2] for line in running.log.splitlines() if "upload: " in line]
    assert [line.split(",")[0] for line in said] == ["a.log", "b.log", "c.log"]
    assert (
        said[0]
        == f"a.log, 4 bytes, sha256 {hashlib.sha256(b'one' + bytes([10])).hexdigest()}, from 127.0.0.1"
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_uploads_both_ways(place: Place, tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(b"\r\n--x\x00\xff" * 1000)
    data, url = (tmp_path / "x.log").read_bytes(), place.running.url
    for arguments in (["-T", "x.log", f"{url}/upload/"], ["-F", "file=@x.log", f"{url}/upload"]):
        subprocess.run(["curl", "-sf", "-o", os.devnull, *arguments], cwd=tmp_path, check=True, timeout=20)
    assert place.waiting() == {"x.log": data, "x.log~2": data} or place.waiting() == {
        "x.log": data,
        "x~2.log": data,
    }


NAMES = [
    "x",
    "two words.txt",
    "größe.log",
    "新しい.csv",
    "100%.log",
    "a~2.log",
    "-rf",
    "x" * 255,
    "<img src=x>.txt",
    "a;b&c",
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20])
def test_a_file_arrives_under_its_name_with_its_size_and_digest(place: Place, name: str) -> None:
    data = name.encode() * 10
    answer = place.put(quote_from_bytes(name.encode()), data)
    assert (answer.status, answer.value) == (201, {"files": [of(name, data)]})
    place.clear()
    answer = place.post(form((name, data), (f"{name}2"[-255:], b"")))
    assert (answer.status, answer.value) == (201, {"files": [of(name, data), of(f"{name}2"[-255:], b"")]})
    assert place.waiting() == {name: data, f"{name}2"[-255:]: b""}


def test_a_name_that_is_taken_gets_a_number(place: Place) -> None:
    names = [place.put("x.log", b"%d" % number).value["files"][0]["name"] for number in range(3)]
    again = place.post(form(("x.log", b"3"), ("x.log", b"4"), ("y.log", b"5"))).value["files"]
    assert names == ["x.log", "x~2.log", "x~3.log"]
    assert [one["name"] for one in again] == ["x~4.log", "x~5.log", "y.log"]
    assert place.waiting() == {
        name: b"%d" % number for number, name in enumerate([*names, *(one["name"] for one in again)])
    }


def test_one_connection_takes_many_uploads(place: Place) -> None:
    sizes = [0, 1, 65_536, 300_000]
    data = b"".join(request("PUT", f"/upload/{size}", b"x" * size) for size in sizes)
    assert [answer.status for answer in say(place.running, data)] == [201] * 4
    assert {name: len(data) for name, data in place.waiting().items()} == {str(size): size for size in sizes}


def test_as_much_as_is_allowed_arrives(place: Place) -> None:
    assert place.put("x", bytes(MOST_BYTES)).status == 201
    assert place.waiting() == {"x": bytes(MOST_BYTES)}
