"""What monitoring sees over HTTP, whatever the pipeline and the clients are doing."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import fproc
from tests.support.programs.running import (
    WAITING_OR_BAD,
    Watching,
    configure,
    drop,
    own_processor,
    run,
    started,
    wait_until,
)
from tests.support.programs.talking import address, answers, ask, connect, heard, request, say, sockets_of

ENDED = ("files_processed", "files_failed")
SAMPLED = {"sampled_seconds", "sampled_in_window_seconds"}

TABLES: dict[str, set[str]] = {
    "totals": {
        *(*ENDED, "lines_in", "lines_out", "lines_rejected", "lines_skipped"),
        *("bytes_in", "retries", "recovered"),
    },
    "throughput": {"files_per_second", "lines_per_second", "bytes_per_second", "window_seconds"},
    "processing_seconds": {"p50", "p95", "p99", "max"},
    "lately": {"files", "failed", "window_seconds"},
    "nodes": set(),
    "system": {"cpu_percent", "memory_bytes", "uptime_seconds"},
}


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """An idle instance, for tests that only ask."""
    folder = tmp_path_factory.mktemp("watching")
    configure(folder)
    with Watching(folder, dashboard=True) as running:
        yield running


def ask_raw(watching: Watching, given: bytes) -> bytes:
    """Send bytes that may be no request, and read to the end of the connection."""
    with connect(watching) as connection:
        connection.sendall(given)
        connection.shutdown(socket.SHUT_WR)
        return heard(connection)


def test_it_listens_on_loopback_alone_and_says_where(watching: Watching) -> None:
    assert watching.url.startswith("http://127.0.0.1:")


def test_health_and_stats_answer_while_a_file_is_processed(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING_OR_BAD)
    with Watching(tmp_path, dashboard=True) as running:
        drop(tmp_path, "a.log", b"one\nwait\n")
        running.wait_for("underprocess/a.log")
        status, value = running.get("/health")
        assert (status, value["status"], value["version"]) == (200, "ok", fproc.__version__)
        assert set(value) == {"status", "version", "uptime_seconds", "revision", "checks"}
        assert value["uptime_seconds"] >= 0
        assert value["checks"]
        assert running.get("/livez")[0] == running.get("/readyz")[0] == 200
        status, value = running.get("/stats")
        assert status == 200
        assert value["files"] == {"unprocessed": 0, "underprocess": 1, "processed": 0, "failed": 0}
        (tmp_path / "go").touch()
        running.wait_until(lambda: running.get("/stats")[1]["totals"]["files_processed"] == 1)
        assert running.get("/stats")[1]["totals"]["bytes_in"] == len(b"one\nwait\n")


def test_stats_has_the_figures_and_names_of_the_contract_and_agrees_with_the_folders(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING_OR_BAD, workers=1)
    with Watching(tmp_path, dashboard=True) as running:
        for name, data in {"a.log": b"one\ntwo\n", "b.log": b"three\n", "c.log": b"bad\n"}.items():
            drop(tmp_path, name, data)
        running.wait_until(lambda: sum(running.get("/stats")[1]["totals"][key] for key in ENDED) == 3)
        drop(tmp_path, "d.log", b"wait\n")
        running.wait_for("underprocess/d.log")
        drop(tmp_path, "e.log", b"four\n")
        value = running.get("/stats")[1]
        counts = {name: len(os.listdir(running.spool / name)) for name in value["files"]}
        (tmp_path / "go").touch()
    counts["failed"] -= 1  # the report
    assert value["files"] == counts == {"unprocessed": 1, "underprocess": 1, "processed": 2, "failed": 1}
    assert set(value) == {*TABLES, "files", "success_rate", "rejects", "edges", "outside_nodes"}
    assert {name: set(value[name]) for name in TABLES} == {**TABLES, "nodes": {"start", "end", "drop"}}
    assert set(value["nodes"]["start"]) == {"count", "emitted", "errors", "seconds", *SAMPLED}
    assert value["nodes"]["start"]["seconds"] > 0
    totals = value["totals"]
    assert (totals["files_processed"], totals["files_failed"], totals["retries"]) == (2, 1, 0)
    assert (totals["lines_in"], totals["lines_out"]) == (4, 3)
    assert value["success_rate"] == pytest.approx(2 / 3)
    assert value["nodes"]["start"] | {"count": 4, "emitted": 3, "errors": 1} == value["nodes"]["start"]
    assert value["edges"] == [{"from": "start", "to": "end", "count": 3}]
    times = value["processing_seconds"]
    assert 0 < times["p50"] <= times["p95"] <= times["p99"] <= times["max"]
    assert value["system"]["memory_bytes"] > 2**20


PATHS = {
    **dict.fromkeys(("/health", "/readyz", "/livez"), "application/json"),
    **dict.fromkeys(
        ("/stats", "/series", "/files", "/errors", "/trace", "/graph", "/failures"), "application/json"
    ),
    "/openapi.json": "application/json",
    "/metrics": "text/plain; version=0.0.4; charset=utf-8",
    "/": "text/html; charset=utf-8",
}
POLLED = [path for path in PATHS if path not in {"/health", "/readyz", "/livez", "/metrics"}]


@pytest.mark.parametrize(("path", "content_type"), PATHS.items())
def test_head_gives_the_same_head_as_get_and_no_body(
    watching: Watching, path: str, content_type: str
) -> None:
    got, head = ask(watching, "GET", path), ask(watching, "HEAD", path)
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert got.headers["content-type"] == head.headers["content-type"] == content_type
    assert int(got.headers["content-length"]) == len(got.body)
    assert int(head.headers["content-length"]) > 0
    assert got.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", POLLED)
def test_who_has_seen_it_already_is_told_only_that(watching: Watching, path: str) -> None:
    def is_known() -> bool:  # a minute may begin between two looks
        tag = ask(watching, "GET", path).headers["etag"]
        answer = ask(watching, "GET", path, headers={"If-None-Match": tag})
        return (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)

    watching.wait_until(is_known)


def test_the_description_names_all_that_there_is(watching: Watching) -> None:
    value = ask(watching, "GET", "/openapi.json").value
    assert value["info"]["version"] == fproc.__version__
    files = {f"/{kind}/{{name}}" for kind in ("file", "results", "rejects", "failed")}
    commands = {"/upload", "/upload/{name}", "/retry", "/login", "/logout"}
    assert set(value["paths"]) == {*PATHS, *files, *commands, "/explain"}


@pytest.mark.parametrize("path", ["/gone", "/health/", "/../etc/passwd", "/%00", "/stats%2e"])
def test_an_unknown_path_is_404_in_json(watching: Watching, path: str) -> None:
    answer = ask(watching, "GET", path)
    assert answer.status == 404
    assert answer.error


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_another_method_is_405_and_says_which_there_are(watching: Watching, method: str) -> None:
    answer = ask(watching, method, "/health", b"a body that nobody reads")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.error


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", "", "a b"])
def test_who_asks_for_another_host_is_refused(watching: Watching, host: str) -> None:
    """A page of another site can have its own name lead here (DNS rebinding), but not change that name."""
    assert ask(watching, "GET", "/stats", headers={"Host": host}).status == 400


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:80", "[::1]:80", "a.localhost"]
)
def test_who_asks_for_this_host_under_any_of_its_names_is_answered(watching: Watching, host: str) -> None:
    assert ask(watching, "GET", "/stats", headers={"Host": host}).status == 200


GARBAGE: dict[str, tuple[bytes, set[int]]] = {
    "no request": (b"GARBAGE\r\n\r\n", {400}),
    "bytes": (b"\x00\xff\xfe\x80\r\n\r\n", {400}),
    "no version": (b"GET /health and more HTTP/1.1\r\n\r\n", {400}),
    "no such version": (b"GET /health HTTP/9.9\r\n\r\n", {400, 505}),
    "no number for a version": (b"GET /health HTTP/x\r\n\r\n", {400}),
    "a long path": (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", {400, 414}),
    "a long header": (b"GET /health HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", {400, 431}),
    "many headers": (b"GET /health HTTP/1.1\r\n" + b"X: x\r\n" * 200 + b"\r\n", {400, 431}),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\n", {400}),
}


@pytest.mark.parametrize(("request_bytes", "statuses"), GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_gets_an_error_with_a_status_line(
    watching: Watching, request_bytes: bytes, statuses: set[int]
) -> None:
    data = ask_raw(watching, request_bytes)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), data
    assert int(head.split()[1]) in statuses
    value: dict[str, Any] = json.loads(body)
    assert set(value) == {"error"}
    assert watching.get("/health")[0] == 200
    assert "Traceback" not in watching.log


def test_one_connection_takes_several_requests_one_after_the_other(watching: Watching) -> None:
    found = say(
        watching, request("GET", "/livez") * 3 + request("GET", "/livez", headers={"Connection": "close"})
    )
    assert [answer.status for answer in found] == [200] * 4
    assert ["connection" in answer.headers for answer in found] == [False, False, False, True]


def test_clients_that_say_nothing_or_hang_up_do_not_silence_it(watching: Watching) -> None:
    with ExitStack() as stack:
        for number in range(40):
            idle = stack.enter_context(connect(watching))
            idle.sendall(b"GET /hea"[: number % 9])
        assert watching.get("/health")[0] == 200
        assert watching.get("/stats")[0] == 200
    for _ in range(40):  # and those that hang up in the middle
        connect(watching).close()
    assert watching.get("/health")[0] == 200
    assert "Traceback" not in watching.log


def test_health_is_503_with_a_message_while_intake_is_in_trouble_and_200_again_after(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, dashboard=True) as running:
        assert running.get("/health")[0] == 200
        (running.spool / "unprocessed").rename(tmp_path / "aside")
        # It makes the folder again at once, so what stands in its way comes first if this is quick enough.
        wait_until(lambda: put_in_the_way(running.spool / "unprocessed"))
        running.wait_until(lambda: running.get("/health")[0] == 503)
        value = running.get("/health")[1]
        assert value["status"] == "degraded"
        assert any(not check["ok"] and check["message"] for check in value["checks"].values())
        assert running.get("/readyz")[0] == 503
        assert running.get("/livez")[0] == 200
        (running.spool / "unprocessed").unlink()
        drop(tmp_path, "x.log", b"fine\n")
        running.wait_for("processed/x.log")
        running.wait_until(lambda: running.get("/health")[0] == 200)
        assert "Traceback" not in running.log


def put_in_the_way(path: Path) -> bool:
    """Put a file where a folder should be; whether it is there."""
    if path.is_dir():
        path.rmdir()
    path.touch()
    return path.is_file()


def test_a_port_in_use_is_one_clear_error_and_nothing_is_processed(
    watching: Watching, tmp_path: Path
) -> None:
    configure(tmp_path)
    drop(tmp_path, "x.log", b"fine\n")
    host, port = address(watching)
    ended = run(tmp_path, "--watch", "--port", str(port), "--quiet")
    assert (ended.status, ended.out, len(ended.lines)) == (78, b"", 1)
    assert f"$.dashboard.port: {host}:{port} is in use by another program" in ended.err
    assert (tmp_path / "watch_dir/unprocessed/x.log").exists()


def listening(pid: int) -> list[tuple[str, int]]:
    """Where a process listens, by TCP over IPv4, whether or not it says so yet."""
    own, found = Path(f"/proc/{pid}"), []
    sockets = sockets_of(pid)
    for line in (own / "net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if f"socket:[{fields[9]}]" in sockets and fields[3] == "0A":
            host, port = fields[1].split(":")
            found.append((socket.inet_ntoa(bytes.fromhex(host)[::-1]), int(port, 16)))
    return found


def test_clients_that_come_while_it_starts_are_answered(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import time\ntime.sleep(0.5)\n" + WAITING_OR_BAD)
    configure(tmp_path, [{"tag": "start", "type": "own.step", "next": "end"}])
    for number in range(300):
        drop(tmp_path, f"{number}.log", b"one\n")
    with started(tmp_path, "--watch", "--port", "0") as process, ExitStack() as stack:
        wait_until(lambda: process.poll() is not None or listening(process.pid))
        (where,) = listening(process.pid)
        clients = [stack.enter_context(socket.create_connection(where, timeout=20)) for _ in range(20)]
        for client in clients:
            client.sendall(request("GET", "/health", headers={"Connection": "close"}))
        for client in clients:
            assert [answer.status for answer in answers(heard(client))] == [200]


def test_without_a_dashboard_nothing_listens(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path) as running:
        own = Path(f"/proc/{running.process.pid}")
        if not own.is_dir():
            pytest.skip("there is no /proc")
        sockets = sockets_of(running.process.pid)
        tables = [(own / "net" / table).read_text() for table in ("tcp", "tcp6", "udp", "udp6")]
        on_network = {f"socket:[{line.split()[9]}]" for table in tables for line in table.splitlines()[1:]}
        assert not sockets & on_network
