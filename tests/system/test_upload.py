"""Uploads to the real program: each is an input as it was sent, or nothing of it stays anywhere."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from tests.support.programs.running import Watching, configure, drop, spooled, wait_until
from tests.support.programs.talking import (
    BOUNDARY,
    FORM,
    Answer,
    answers,
    ask,
    connect,
    form,
    heard,
    only,
    part,
    request,
    say,
    sockets_of,
)
from tests.system.test_full_disk import fill, fill_inodes, small_disk
from tests.system.test_storm import peak_memory_mb

PATIENT = {"ready": "stable", "settle_seconds": 3600, "poll_seconds": 0.05}
"""Intake that takes nothing, so what was uploaded stays in sight."""

MEGABYTE = 10**6
MOST_BYTES = MEGABYTE


class Place:
    """A running instance that leaves uploads where they arrive, and whose folders a test looks over."""

    def __init__(self, running: Watching, around: Path) -> None:
        self.running = running
        self._around = around

    def waiting(self) -> dict[str, bytes]:
        """What lies in `unprocessed/`."""
        return {path.name: path.read_bytes() for path in (self.running.spool / "unprocessed").iterdir()}

    def clear(self) -> None:
        for path in (self.running.spool / "unprocessed").iterdir():
            path.unlink()

    def unfinished(self) -> list[Path]:
        """Files and folders of uploads that are under way, or were left behind."""
        return list((self.running.spool / ".fproc/uploads").glob("*"))

    def sockets(self) -> int:
        """How many sockets the instance has open."""
        return len(sockets_of(self.running.process.pid))

    def others(self) -> list[str]:
        """All that there is, also around the spool, but for inputs, the books, and what counts."""
        found = {str(path.relative_to(self._around)) for path in self._around.rglob("*")}
        return sorted(
            re.sub(r"(/\.fproc/lockers/.*/count)-\d+$", r"\1", path)
            for path in found
            if "/unprocessed/" not in path and "/.fproc/history.db" not in path
        )

    def put(self, name: str | bytes, data: bytes, **headers: str | None) -> Answer:
        """Upload one file; the name is written into the path as it is."""
        where = b"/upload/" + (name if isinstance(name, bytes) else name.encode())
        return only(say(self.running, request("PUT", where, data, headers)))

    def post(self, body: bytes, content_type: str = FORM, **headers: str | None) -> Answer:
        """Upload a form."""
        return only(
            say(self.running, request("POST", "/upload", body, {"Content-Type": content_type, **headers}))
        )


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    around = tmp_path_factory.mktemp("around")
    folder = around / "above/folder"
    folder.mkdir(parents=True)
    configure(folder, intake=PATIENT, limits={"max_upload_mb": MOST_BYTES / MEGABYTE})
    with Watching(folder, dashboard=True) as running:
        place = Place(running, around)
        assert place.put("first", b"").status == 201  # so all folders are there
        place.clear()
        yield place


@pytest.fixture
def place(patient: Place) -> Iterator[Place]:
    """The same instance for all tests; after each, nothing is left but what has arrived, and it is well."""
    before = patient.others()
    try:
        yield patient
        patient.running.wait_until(lambda: not patient.unfinished())
        assert patient.others() == before
        assert patient.running.get("/health")[0] == 200
        assert "Traceback" not in patient.running.log
    finally:
        patient.clear()


def of(name: str, data: bytes) -> dict[str, Any]:
    """What is answered about a file that has arrived."""
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


# --- what arrives -----------------------------------------------------------------------------------------


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


# --- names that are refused --------------------------------------------------------------------------------

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


# --- bodies that are refused -------------------------------------------------------------------------------

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


# --- lengths that are not so -------------------------------------------------------------------------------


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


# --- what ends in the middle -------------------------------------------------------------------------------


def hang_up(connection: socket.socket, *, rudely: bool) -> None:
    """Close a connection, with or without what TCP has for a good-bye."""
    if rudely:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("way", ["put", "post"])
def test_an_upload_that_is_cut_anywhere_leaves_nothing_behind_and_arrives_when_it_is_whole(
    place: Place, way: str
) -> None:
    chance = random.Random(5)
    data = chance.randbytes(900_000)
    if way == "put":
        whole = request("PUT", "/upload/x.log", data)
    else:
        body = form(("w.log", data[:1000]), ("x.log", data))
        whole = request("POST", "/upload", body, {"Content-Type": FORM})
    idle = place.sockets()
    for number in range(20):
        cut = chance.randrange(1, len(whole))
        connection = connect(place.running)
        connection.sendall(whole[:cut])
        place.running.wait_until(lambda: place.sockets() > idle)
        hang_up(connection, rudely=number % 2 == 0)
        place.running.wait_until(lambda: place.sockets() == idle and not place.unfinished())
        assert place.waiting() == {}, cut
    assert only(say(place.running, whole)).status == 201
    assert place.waiting()["x.log"] == data


def test_what_kill_9_leaves_of_uploads_is_no_input_and_the_next_start_removes_it(tmp_path: Path) -> None:
    configure(tmp_path, intake=PATIENT)
    data = random.Random(6).randbytes(500_000)
    put = request("PUT", "/upload/x.log", data)
    post = request("POST", "/upload", form(("y.log", data)), {"Content-Type": FORM})
    uploads, unprocessed = tmp_path / "watch_dir/.fproc/uploads", tmp_path / "watch_dir/unprocessed"

    def has_begun(name: str) -> bool:
        return any(path.stat().st_size > 100_000 for path in uploads.glob(f"*/files/{name}"))

    with ExitStack() as stack:
        running = stack.enter_context(Watching(tmp_path, dashboard=True))
        for whole in (put, post):
            stack.enter_context(connect(running)).sendall(whole[:400_000])
        running.wait_until(lambda: has_begun("x.log") and has_begun("y.log"))
        running.signal(signal.SIGKILL)
        running.wait()
    assert len(os.listdir(uploads)) == 2
    assert os.listdir(unprocessed) == []
    with Watching(tmp_path, dashboard=True) as running:
        running.wait_until(lambda: not os.listdir(uploads))
        assert os.listdir(unprocessed) == []
        assert [only(say(running, whole)).status for whole in (put, post)] == [201, 201]
        assert {path.name: path.read_bytes() for path in unprocessed.iterdir()} == {
            "x.log": data,
            "y.log": data,
        }


def test_stopping_in_the_middle_of_an_upload_leaves_nothing_of_it(tmp_path: Path) -> None:
    configure(tmp_path, intake=PATIENT)
    with Watching(tmp_path, dashboard=True) as running, connect(running) as connection:
        uploads = running.spool / ".fproc/uploads"
        connection.sendall(request("PUT", "/upload/x.log", bytes(400_000))[:200_000])
        running.wait_until(lambda: list(uploads.glob("*/files/x.log")))
        assert running.stop() == 0
        assert os.listdir(uploads) == os.listdir(running.spool / "unprocessed") == []


# --- no space ----------------------------------------------------------------------------------------------


def test_without_space_an_upload_is_refused_and_work_goes_on_once_there_is_some(tmp_path: Path) -> None:
    configure(tmp_path)
    with small_disk(tmp_path / "watch_dir") as disk, Watching(tmp_path, dashboard=True) as running:
        place = Place(running, tmp_path)

        def assert_refused(answer: Answer) -> None:
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) > 0
            running.wait_until(lambda: not place.unfinished())
            assert place.waiting() == {}

        answer = place.put("x.log", b"", **{"Content-Length": str(50 * MEGABYTE)})
        assert "the disk has room for" in answer.error
        assert_refused(answer)
        for whole in (
            request("PUT", "/upload/x.log", bytes(2 * MEGABYTE)),
            request("POST", "/upload", form(("x.log", bytes(2 * MEGABYTE))), {"Content-Type": FORM}),
        ):
            with connect(running) as connection:
                connection.sendall(whole[:1000])
                running.wait_until(lambda: list((disk / ".fproc/uploads").glob("*/files/x.log")))
                filler = fill(disk, MEGABYTE)
                connection.sendall(whole[1000:])
                answer = only(answers(heard_while_open(connection)))
            assert "No space left on device" in answer.error
            assert_refused(answer)
            filler.unlink()
        fillers = fill_inodes(disk, 0)
        assert_refused(place.put("x.log", b"data\n"))
        shutil.rmtree(fillers)
        wait_until(lambda: running.get("/health")[0] == 200, lambda: str(running.get("/health")))
        assert place.put("x.log", b"data\n").status == 201
        running.wait_for("processed/x.log", "results/x.log")
        drop(tmp_path, "y.log", b"data\n")
        running.wait_for("processed/y.log", "results/y.log")
        assert "Traceback" not in running.log


def heard_while_open(connection: socket.socket) -> bytes:
    connection.shutdown(socket.SHUT_WR)
    return heard(connection)


# --- large files -------------------------------------------------------------------------------------------

BLOCK = bytes(MEGABYTE)


@contextmanager
def large_upload(running: Watching, megabytes: int, way: str) -> Iterator[Callable[[], Answer]]:
    """Begin an upload of zeros; gives what sends the rest and gives the answer."""
    start, end = b"", b""
    if way == "post":
        start, end = form(("large", b"|")).split(b"|")
    size = {"Content-Length": str(len(start) + megabytes * MEGABYTE + len(end)), "Content-Type": FORM}
    head = request(*(("POST", "/upload") if way == "post" else ("PUT", "/upload/large")), start, size)

    def finish() -> Answer:
        for _ in range(megabytes - 1):
            connection.sendall(BLOCK)
        connection.sendall(end)
        connection.shutdown(socket.SHUT_WR)
        return only(answers(heard(connection)))

    with connect(running) as connection:
        connection.sendall(head + BLOCK)
        yield finish


@pytest.mark.sweep
@pytest.mark.parametrize("way", ["put", "post"])
@pytest.mark.parametrize(
    "megabytes", [200, pytest.param(2000, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
def test_a_large_upload_takes_no_memory(tmp_path: Path, megabytes: int, way: str) -> None:
    configure(tmp_path, intake=PATIENT, limits={"max_upload_mb": 4000})
    with Watching(tmp_path, dashboard=True) as running:
        assert only(say(running, request("PUT", "/upload/small", BLOCK))).status == 201
        base_mb = peak_memory_mb(running.process.pid)
        with large_upload(running, megabytes, way) as finish:
            answer = finish()
        more_mb = peak_memory_mb(running.process.pid) - base_mb
        assert answer.status == 201
        assert answer.value["files"][0]["bytes"] == megabytes * MEGABYTE
        assert (running.spool / "unprocessed/large").stat().st_size == megabytes * MEGABYTE
        print(f"{way} of {megabytes} MB: {more_mb:.1f} MB more than {base_mb:.1f} MB")
        assert more_mb < 10
    shutil.rmtree(tmp_path / "watch_dir")


def test_what_a_killed_receiver_left_is_swept_while_fproc_runs_its_markers_too(tmp_path: Path) -> None:
    """The receiver may have been that of another instance, so no start of this one would come."""
    configure(tmp_path, intake={**PATIENT, "ready": "marker"}, recovery={"check_interval": 0.1})
    with Watching(tmp_path) as running:
        half, published = (running.spool / f".fproc/uploads/{token}/files" for token in ("half", "published"))
        half.mkdir(parents=True)
        (half / "y").write_bytes(b"half of it")
        (running.spool / "unprocessed/x").write_bytes(b"one\n")
        published.mkdir(parents=True)
        (published / "x.done").touch()
        running.wait_for("processed/x")
        running.wait_until(lambda: os.listdir(running.spool / ".fproc/uploads") == [])
        assert os.listdir(running.spool / "unprocessed") == []
