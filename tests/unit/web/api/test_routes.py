"""What the dashboard answers, as a function of what fproc shows of itself."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fproc
from fproc.cli import operate
from fproc.run import attempt
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.uploads import UploadArea
from fproc.spool.locks.instance import Facts, InstanceFile
from fproc.spool.spool import Spool
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.traces import Traces
from fproc.web.api.queries import Queries
from fproc.web.api.routes import MOST_ROWS, build_routes
from fproc.web.api.state import DashboardState
from fproc.web.http.auth import Authenticator
from fproc.web.http.messages import Request, Response
from fproc.web.http.router import Body, Router
from fproc.web.page import pages
from tests.support.helpers import plan_of, user

GIVEN = [
    "/health",
    "/livez",
    "/readyz",
    "/stats",
    "/series",
    "/files",
    "/errors",
    "/trace",
    "/graph",
    "/metrics",
]
KNOWN = ["/", *GIVEN, "/openapi.json"]
TAKEN = {"/upload": "POST", "/upload/x": "PUT", "/retry": "POST", "/login": "POST", "/logout": "POST"}


class Place:
    """A spool, its figures, and a loop that is as well as the test says."""

    def __init__(self, folder: Path, token: str | None = None) -> None:
        self.folder = folder
        nodes = [{"tag": "start", "type": user("fail_on_bad"), "next": ["end", "drop"]}]
        self.plan = plan_of(
            nodes, watch_dir=str(folder), intake={"ready": "rename"}, durability="process", on_error="reject"
        )
        self.spool = Spool(self.plan.config)
        self.metrics = Metrics()
        self.loop = Facts(paused="", stopping=False)
        self.began = time.monotonic()
        self.token = token

    def view(self) -> DashboardState:
        return DashboardState(
            config=self.plan.config,
            graph=self.plan.graph,
            spool=self.spool,
            metrics=self.metrics,
            listing=Queries(self.plan.config, None, list, Traces()),
            health=lambda: self.loop,
            workers=lambda: (2, 1),
            began=self.began,
        )

    def get(self, path: str, method: str = "GET", data: bytes = b"", **headers: str) -> Response:
        """What a request is answered with that comes from this machine, with its body, if it has one."""
        guard = Authenticator(self.token, "127.0.0.1")
        arrivals = UploadArea(self.plan.config, home=self.spool.home)
        site = Router(build_routes(self.view(), guard, arrivals), guard, most_upload_bytes=1000)
        path, _, query = path.partition("?")
        given = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        fields = dict(part.split("=") for part in query.split("&") if part)
        length = len(data) if method in {"POST", "PUT"} else None
        visit = site.admit(Request(method, path, fields, given, "127.0.0.1", length, data))
        if visit.refusal is not None:
            return visit.refusal
        if visit.body is Body.STREAM:
            parts: Iterator[bytes] = iter([data])
            return site.receive(visit, lambda _: next(parts, b""))
        return site.answer(visit)

    def process(self, name: str, text: str) -> None:
        Path(self.spool.folders.unprocessed, name).write_text(text)
        self.run(name)

    def run(self, name: str) -> None:
        claim = self.spool.claim(name)
        assert claim is not None
        self.metrics.add(attempt.process_claim(claim, self.plan))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


def value(response: Response) -> dict[str, Any]:
    """What a client reads."""
    read: dict[str, Any] = json.loads(response.body)
    return read


def test_health_is_ok_while_all_is_well(place: Place) -> None:
    response = place.get("/health")
    health = value(response)
    assert response.status == 200
    assert health.keys() == {"status", "version", "uptime_seconds", "checks"}
    assert (health["status"], health["version"]) == ("ok", fproc.__version__)
    assert health["uptime_seconds"] >= 0
    assert health["checks"]
    assert all(check["ok"] is True for check in health["checks"].values())


def test_the_uptime_is_counted_from_the_start(place: Place) -> None:
    place.began -= 1000
    assert 1000 <= value(place.get("/health"))["uptime_seconds"] < 1100
    assert 1000 <= value(place.get("/stats"))["system"]["uptime_seconds"] < 1100


@pytest.mark.parametrize("path", ["/health", "/readyz"])
def test_paused_intake_is_degraded_and_says_why(place: Place, path: str) -> None:
    place.loop = Facts(paused="No space left on device", stopping=False)
    response = place.get(path)
    health = value(response)
    assert (response.status, health["status"]) == (503, "degraded")
    failing = [check for check in health["checks"].values() if not check["ok"]]
    assert [check["message"] for check in failing] == ["No space left on device"]


def test_a_folder_that_is_missing_is_degraded_and_named(place: Place) -> None:
    (place.folder / "processed").rmdir()
    response = place.get("/health")
    failing = [check for check in value(response)["checks"].values() if not check["ok"]]
    assert (response.status, value(response)["status"]) == (503, "degraded")
    (message,) = [check["message"] for check in failing]
    assert message.startswith(f"a folder has vanished: {place.folder / 'processed'} (mount that disk")


@pytest.mark.parametrize("trouble", ["", "No space left on device"])
def test_a_loop_that_stops_says_so_whatever_else_is_wrong(place: Place, trouble: str) -> None:
    place.loop = Facts(paused=trouble, stopping=True)
    for path in ("/health", "/readyz"):
        assert (place.get(path).status, value(place.get(path))["status"]) == (503, "stopping")


ROOM = 9 * 10**12

TROUBLES: dict[str, tuple[Facts, int]] = {
    "all is well": (Facts(), ROOM),
    "intake is paused": (Facts(paused="No space left on device"), ROOM),
    "a name is in trouble": (Facts(names={"a.log": "Operation not permitted"}), ROOM),
    "a check of its own fails": (Facts(checks={"workers": "a.log: no progress for 60 s"}), ROOM),
    "the disk is nearly full": (Facts(), 5_000_000),
    "it is stopping": (Facts(stopping=True), ROOM),
    "it is stopping in trouble": (Facts(paused="No space left on device", stopping=True), 0),
}


@pytest.mark.parametrize("what", [*TROUBLES, "a folder is missing"])
def test_the_command_line_the_figures_and_health_agree(
    place: Place, what: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    place.loop, free_bytes = TROUBLES.get(what, (Facts(), ROOM))
    monkeypatch.setattr("fproc.spool.checks.condition.space", lambda _: (free_bytes, 2 * ROOM))
    if what == "a folder is missing":
        (place.folder / "processed").rmdir()
    presence = InstanceFile(place.spool.folders, Disk(power=False))
    presence.say({"health": place.loop.to_json()})
    exit_status = operate.status(place.plan.config, as_json=True)
    presence.close()
    told = json.loads(capfd.readouterr().out)["health"]
    response = place.get("/health")
    health = value(response)
    figures = {
        "workers": {"count", "busy"},
        "last_success": {"timestamp"},
        "oldest_waiting": {"file", "seconds"},
    }
    checks = {
        name: {key: item for key, item in check.items() if key not in figures.get(name, ())}
        for name, check in health["checks"].items()
    }
    assert told["status"] == health["status"]
    assert {**checks, **told["checks"]} == checks
    assert told["troubles"] == [check["message"] for check in checks.values() if not check["ok"]]
    is_well = what == "all is well"
    assert (exit_status, response.status) == ((0, 200) if is_well else (1, 503))
    assert place.get("/readyz").status == response.status
    assert f"fproc_healthy {int(is_well)}\n" in place.get("/metrics").body.decode()


def test_the_process_is_alive_while_it_answers_however_it_is(place: Place) -> None:
    place.loop = Facts(paused="No space left on device", stopping=True)
    assert place.get("/livez").status == 200


THROUGHPUT = {"files_per_second", "lines_per_second", "bytes_per_second", "window_seconds"}
TOTALS = {
    *("files_processed", "files_failed", "lines_in", "lines_out", "bytes_in", "retries", "recovered"),
    *("lines_rejected", "lines_skipped"),
}


def test_stats_have_their_figures_from_the_start(place: Place) -> None:
    response = place.get("/stats")
    stats = value(response)
    assert response.status == 200
    assert stats["files"] == {"unprocessed": 0, "underprocess": 0, "processed": 0, "failed": 0}
    assert stats["totals"] == dict.fromkeys(TOTALS, 0)
    assert stats["throughput"].keys() == THROUGHPUT
    assert stats["system"].keys() == {"cpu_percent", "memory_bytes", "uptime_seconds"}
    assert (stats["nodes"], stats["edges"]) == ({}, [])


def test_stats_tell_what_was_done(place: Place) -> None:
    place.process("x", "a\nbad\nb\n")
    place.process("y", "c\n")
    (place.folder / "unprocessed" / "waiting").write_text("d\n")
    stats = value(place.get("/stats"))
    assert stats.keys() == {
        "files",
        "totals",
        "success_rate",
        "throughput",
        "processing_seconds",
        "nodes",
        "edges",
        "system",
    }
    assert stats["files"] == {"unprocessed": 1, "underprocess": 0, "processed": 2, "failed": 0}
    assert stats["totals"] == {
        "files_processed": 2,
        "files_failed": 0,
        "lines_in": 4,
        "lines_out": 3,
        "bytes_in": 10,
        "retries": 0,
        "recovered": 0,
        "lines_rejected": 1,
        "lines_skipped": 0,
    }
    assert stats["success_rate"] == 1.0
    assert stats["processing_seconds"].keys() == {"p50", "p95", "p99", "max"}
    assert {"count": 4, "emitted": 3, "errors": 1}.items() <= stats["nodes"]["start"].items()
    assert stats["edges"] == [
        {"from": "start", "to": "end", "count": 3},
        {"from": "start", "to": "drop", "count": 3},
    ]


def test_the_rate_of_success_is_left_out_until_there_is_one(place: Place) -> None:
    assert "success_rate" not in value(place.get("/stats"))


def test_memory_is_told_in_bytes(place: Place) -> None:
    assert 1_000_000 < value(place.get("/stats"))["system"]["memory_bytes"] < 100_000_000_000


def test_memory_is_left_out_where_nobody_tells(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/proc/self/statm")

    monkeypatch.setattr("builtins.open", refuse)
    stats = value(place.get("/stats"))
    monkeypatch.undo()
    assert stats["system"].keys() == {"cpu_percent", "uptime_seconds"}


@pytest.mark.parametrize("path", KNOWN)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"])
def test_a_method_that_is_not_taken_is_answered_with_those_that_are(
    place: Place, path: str, method: str
) -> None:
    response = place.get(path, method)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    assert value(response).keys() == {"error"}


@pytest.mark.parametrize(("path", "taken"), TAKEN.items())
def test_what_only_takes_something_cannot_be_looked_at(place: Place, path: str, taken: str) -> None:
    response = place.get(path)
    assert (response.status, response.headers["Allow"]) == (405, taken)


@pytest.mark.parametrize("path", KNOWN)
def test_head_is_answered_like_get(place: Place, path: str) -> None:
    head, get = place.get(path, "HEAD"), place.get(path)
    assert (head.status, head.content_type) == (get.status, get.content_type) == (200, get.content_type)


@pytest.mark.parametrize(
    "path", ["/nothing", "/health/", "//health", "/STATS", "", "*", "/../health", "/st\x1bats"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there_is_not_found_whatever_is_asked_of_it(place: Place, path: str, method: str) -> None:
    response = place.get(path, method)
    assert response.status == 404
    assert value(response).keys() == {"error"}


def test_a_body_is_one_line_of_json(place: Place) -> None:
    place.loop = Facts(paused="caf\udce9\n\x1b", stopping=False)
    body = place.get("/health").body
    assert (body.count(b"\n"), body[-1:], body.isascii()) == (1, b"\n", True)


def test_a_folder_that_is_missing_is_empty_and_one_that_cannot_be_read_is_trouble_of_the_machine(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.folder / "failed").rmdir()
    assert value(place.get("/stats"))["files"]["failed"] == 0

    def refuse(_path: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.scandir", refuse)
    (place.folder / "failed").mkdir()
    response = place.get("/stats")
    assert (response.status, "Input/output error" in value(response)["error"]) == (503, True)


OPEN = {"/health", "/livez", "/readyz", "/login", "/logout"}


@pytest.mark.parametrize("path", [*KNOWN, *TAKEN])
def test_all_but_health_and_the_log_in_needs_the_token_where_there_is_one(tmp_path: Path, path: str) -> None:
    place = Place(tmp_path / "w", "s3cret")
    response = place.get(path, TAKEN.get(path, "GET"), b"x", content_type="x/y")
    assert (response.status == 401) is (path not in OPEN), response
    given = place.get(path, TAKEN.get(path, "GET"), b"x", content_type="x/y", authorization="Bearer s3cret")
    assert given.status != 401


def test_a_log_in_leads_to_the_page(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", "s3cret")
    form = {"content_type": "application/x-www-form-urlencoded"}
    asked = place.get("/")
    assert (asked.status, asked.content_type) == (401, pages.HTML)
    assert b'action="/login"' in asked.body
    wrong = place.get("/login", "POST", b"token=%3Cb%3E", **form)
    assert (wrong.status, wrong.content_type) == (401, pages.HTML)
    assert b"the token is wrong" in wrong.body
    right = place.get("/login", "POST", b"token=s3cret", **form)
    assert (right.status, right.headers["Location"]) == (303, "/")
    cookie = right.headers["Set-Cookie"].partition(";")[0]
    page = place.get("/", cookie=cookie)
    assert (page.status, b'<meta name="fproc-auth"' in page.body) == (200, True)
    assert place.get("/logout", "POST", cookie=cookie).status == 303


def test_without_a_token_there_is_nothing_to_log_out_of(place: Place) -> None:
    assert b'<meta name="fproc-auth"' not in place.get("/").body


def test_the_page_may_run_what_it_came_with_and_nothing_else(place: Place) -> None:
    page = place.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(re.findall("'sha256-", policy)) == 2
    text = page.body.decode()
    assert (text.count("<script>"), text.count("<style>")) == (1, 1)
    assert re.findall(r"""\son\w+=["']|\sstyle=["']|javascript:|https?://(?!www\.w3\.org/)""", text) == []


BAD_QUERIES = [
    "/stats?window=61",
    "/stats?window=x",
    "/series?window=-60",
    "/series?window=",
    "/files?state=gone",
    "/files?limit=0",
    f"/files?limit={MOST_ROWS + 1}",
    "/files?limit=1e3",
    "/files?limit=99999999999999999999",
    "/files?after=nowhere",
    "/errors?limit=x",
    "/trace?limit=0",
]


@pytest.mark.parametrize("path", BAD_QUERIES)
def test_a_query_that_means_nothing_is_refused(place: Place, path: str) -> None:
    response = place.get(path)
    assert response.status == 400
    assert value(response).keys() == {"error"}


@pytest.mark.parametrize("path", [path for path in GIVEN if path not in {*OPEN, "/metrics"}])
def test_what_is_polled_has_an_etag_that_changes_only_with_it(place: Place, path: str) -> None:
    before = place.get(path).etag
    assert before
    assert place.get(path).etag == before
    (place.folder / "failed" / "x.log").write_text("a\n")
    changed = {"/stats": True, "/files": True}.get(path)
    if changed:
        assert place.get(path).etag != before


def test_the_graph_shows_tags_and_types_and_no_configuration(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.plan = plan_of(
        [
            {
                "tag": "start",
                "type": "tag",
                "config": {"rules": {"e": "SECRET"}},
                "next": {"e": ["x", "y"], "*": "x"},
            },
            {"tag": "x", "type": "trim", "next": "end"},
            {"tag": "y", "type": "write", "config": {"file": "SECRET"}},
        ],
        watch_dir=str(tmp_path / "w"),
    )
    response = place.get("/graph")
    assert b"SECRET" not in response.body
    assert value(response) == {
        "nodes": [
            {"tag": "start", "type": "tag", "is_entry": True, "is_sink": False},
            {"tag": "x", "type": "trim", "is_entry": False, "is_sink": False},
            {"tag": "y", "type": "write", "is_entry": False, "is_sink": True},
            {"tag": "end", "type": "end", "is_entry": False, "is_sink": True},
        ],
        "edges": [
            {"from": "start", "to": "x", "tags": ["e", "*"]},
            {"from": "start", "to": "y", "tags": ["e"]},
            {"from": "x", "to": "end", "tags": []},
        ],
        "entries": ["start"],
    }


def test_where_tags_decide_lines_may_go_to_both_ends(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.plan = plan_of([{"tag": "start", "type": "tag_prefix"}], watch_dir=str(tmp_path / "w"))
    assert [node["tag"] for node in value(place.get("/graph"))["nodes"]] == ["start", "end", "drop"]


def test_an_upload_is_an_input(place: Place) -> None:
    response = place.get("/upload/a.log", "PUT", b"one\n")
    assert (response.status, value(response)["files"][0]["name"]) == (201, "a.log")
    assert (place.folder / "unprocessed" / "a.log").read_text() == "one\n"


def test_an_upload_that_is_too_large_or_would_fill_the_disk_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.get("/upload/a.log", "PUT", b"x" * 1001).status == 413
    monkeypatch.setattr(
        "os.statvfs", lambda _: type("Full", (), {"f_bavail": 0, "f_frsize": 4096, "f_blocks": 9})()
    )
    response = place.get("/upload/a.log", "PUT", b"x")
    assert (response.status, "room for 0 bytes" in value(response)["error"]) == (503, True)
    assert value(place.get("/health"))["checks"]["disk"] == {
        "ok": False,
        "message": "only 0.0 MB are free; make room",
        "free_bytes": 0,
        "total_bytes": 9 * 4096,
    }


def retry(place: Place, data: object) -> tuple[int, dict[str, Any]]:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    response = place.get("/retry", "POST", body, content_type="application/json")
    return response.status, value(response)


def test_failed_files_go_back_to_work(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for name in ("a", "b", "c"):
        (place.folder / "failed" / name).write_text("x\n")
        (place.folder / "failed" / f"{name}.error.json").write_text("{}")
    assert retry(place, {"files": ["b", "b", "gone"]}) == (
        200,
        {"retried": ["b"], "errors": [{"file": "gone", "error": "there is no such input in failed/"}]},
    )
    assert retry(place, {"all": True}) == (200, {"retried": ["a", "c"], "errors": []})
    assert retry(place, {"all": True}) == (200, {"retried": [], "errors": []})
    assert retry(place, {"files": ["gone"]})[0] == 404
    assert sorted(path.name for path in (place.folder / "unprocessed").iterdir()) == ["a", "b", "c"]
    assert list((place.folder / "failed").iterdir()) == []
    audited = [record.getMessage() for record in caplog.records if record.name == "fproc.audit"]
    assert audited == [f"retry: {name}, asked for by 127.0.0.1" for name in ("b", "a", "c")]


def test_a_processed_file_that_lost_lines_goes_back_to_work_and_its_results_are_replaced(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    place.process("a.log", "one\nbad\n")
    place.process("good.log", "one\n")
    assert retry(place, {"all": True}) == (200, {"retried": [], "errors": []})
    refused = {"file": "good.log", "error": "is in processed/, and no line of it was set aside"}
    (place.folder / "processed/a.log").write_text("one\ntwo\n")
    answer = {"retried": ["a.log"], "errors": [refused]}
    assert retry(place, {"files": ["a.log", "good.log"]}) == (200, answer)
    assert "retry: a.log, asked for by 127.0.0.1" in caplog.text
    place.run("a.log")
    results = {path.name: path.read_text() for path in (place.folder / "results").glob("*.log")}
    assert results == {"a.log": "one\ntwo\n", "good.log": "one\n"}
    assert list((place.folder / "failed").iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        [],
        {},
        {"all": False},
        {"all": 1},
        {"files": "a"},
        {"files": [1]},
        {"files": [], "all": True},
    ],
)
def test_a_retry_that_is_none_is_refused(place: Place, data: object) -> None:
    status, answer = retry(place, data)
    assert (status, set(answer)) == (400, {"error"})


def test_the_description_names_all_there_is(place: Place) -> None:
    described = value(place.get("/openapi.json"))
    assert described["info"]["version"] == fproc.__version__
    routes = build_routes(place.view(), Authenticator(None, "127.0.0.1"), UploadArea(place.plan.config))
    there = {
        (path.replace("/upload/", "/upload/{name}"), method.lower())
        for path, of in routes.items()
        for method in of
    }
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} == there
