"""Uploads that are cut, killed or stopped leave nothing behind."""

from __future__ import annotations

import os
import random
import signal
import socket
import struct
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.programs.running import Watching, configure
from tests.support.programs.talking import (
    FORM,
    connect,
    form,
    only,
    request,
    say,
)
from tests.support.programs.upload_clients import PATIENT, Place


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
