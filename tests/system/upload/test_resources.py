"""Uploads take no memory, and where there is no space they are refused."""

from __future__ import annotations

import gzip
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fproc.spool.checks.condition import LEAST_FREE_BYTES
from tests.support.programs.running import Watching, configure, drop, wait_until
from tests.support.programs.runs import peak_memory_mb
from tests.support.programs.talking import (
    FORM,
    Answer,
    answers,
    connect,
    form,
    heard,
    only,
    request,
    say,
)
from tests.support.programs.upload_clients import MEGABYTE, PATIENT, Place
from tests.support.spool.small_disks import INODES, fill, fill_inodes, small_disk


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


def test_an_upload_leaves_a_reserve_and_what_others_were_promised(tmp_path: Path) -> None:
    configure(tmp_path, intake=PATIENT)
    with small_disk(tmp_path / "watch_dir") as disk, Watching(tmp_path, dashboard=True) as running:
        place = Place(running, tmp_path)
        room = shutil.disk_usage(disk).free - LEAST_FREE_BYTES
        assert place.put("all.log", b"", **{"Content-Length": str(room + MEGABYTE)}).status == 503
        with connect(running) as connection:
            half = {"Content-Length": str(room * 2 // 3)}
            connection.sendall(request("PUT", "/upload/x.log", b"data", half))
            running.wait_until(lambda: list((disk / ".fproc/uploads").glob("*/files/x.log")))
            answer = place.put("y.log", b"", **{"Content-Length": str(room // 2)})
            assert (answer.status, "bytes of uploads only" in answer.error) == (503, True)
            assert place.put("z.log", b"data").status == 201
        running.wait_until(lambda: not place.unfinished())
        assert place.put("y.log", bytes(room // 2)).status == 201
        fillers = fill_inodes(disk, 8)  # not one of the reserve
        answer = place.put("w.log", b"data")
        assert (answer.status, "no room for more files" in answer.error) == (503, True)
        shutil.rmtree(fillers)
        answer = place.post(form(*((f"{number}", b"") for number in range(INODES))))
        assert (answer.status, "no room for more files" in answer.error) == (503, True)
        running.wait_until(lambda: not place.unfinished())
        assert set(place.waiting()) == {"y.log", "z.log"}


def test_a_small_upload_that_expands_to_more_than_is_allowed_fails(tmp_path: Path) -> None:
    configure(tmp_path, limits={"max_expanded_mb": 5})
    bomb = gzip.compress(bytes(99) + b"\n" + b"x" * 10**6 * 6)
    with Watching(tmp_path, dashboard=True) as running:
        place = Place(running, tmp_path)
        assert place.put("bomb.gz", bomb).status == 201
        assert place.put("fine.gz", gzip.compress(b"fine\n" * 900_000)).status == 201
        running.wait_for("failed/bomb.gz.error.json", "processed/fine.gz")
        report = (running.spool / "failed/bomb.gz.error.json").read_text()
        assert "holds more than limits.max_expanded_mb, which is 5 MB" in report
        assert not list(running.spool.glob("results/bomb*"))


def heard_while_open(connection: socket.socket) -> bytes:
    connection.shutdown(socket.SHUT_WR)
    return heard(connection)


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
    with Watching(tmp_path, dashboard=True, anew=True) as running:
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
