"""What the dashboard answers, as a function of what fproc shows of itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import fproc
from fproc import job
from fproc.dashboard import routes
from fproc.dashboard.routes import Response, View, respond
from fproc.metrics import Metrics
from fproc.spool import Spool
from fproc.watch import Health
from tests.helpers import plan_of, user

KNOWN = ["/health", "/livez", "/readyz", "/stats"]


class Place:
    """A spool, its figures, and a loop that is as well as the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        nodes = [{"tag": "start", "type": user("fail_on_bad"), "next": ["end", "drop"]}]
        self.plan = plan_of(
            nodes, watch_dir=str(folder), intake={"ready": "rename"}, durability="process", on_error="reject"
        )
        self.spool = Spool(self.plan.config)
        self.metrics = Metrics()
        self.loop = Health(trouble="", stopping=False)
        self.began = time.monotonic()

    def get(self, path: str, method: str = "GET") -> Response:
        return respond(method, path, View(self.spool, self.metrics, lambda: self.loop, self.began))

    def process(self, name: str, text: str) -> None:
        Path(self.spool.folders.unprocessed, name).write_text(text)
        claim = self.spool.claim(name)
        assert claim is not None
        self.metrics.add(job.process(claim, self.plan))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


def value(response: Response) -> dict[str, Any]:
    """What a client reads."""
    read: dict[str, Any] = json.loads(routes.body(response))
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
    place.loop = Health(trouble="No space left on device", stopping=False)
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
    assert [check["message"] for check in failing] == [f"cannot write to {place.folder / 'processed'}"]


@pytest.mark.parametrize("trouble", ["", "No space left on device"])
def test_a_loop_that_stops_says_so_whatever_else_is_wrong(place: Place, trouble: str) -> None:
    place.loop = Health(trouble=trouble, stopping=True)
    for path in ("/health", "/readyz"):
        assert (place.get(path).status, value(place.get(path))["status"]) == (503, "stopping")


def test_the_process_is_alive_while_it_answers_however_it_is(place: Place) -> None:
    place.loop = Health(trouble="No space left on device", stopping=True)
    assert place.get("/livez").status == 200


THROUGHPUT = {"files_per_second", "lines_per_second", "bytes_per_second", "window_seconds"}
TOTALS = {"files_processed", "files_failed", "lines_in", "lines_out", "bytes_in", "retries", "recovered"}


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
    assert (response.status, response.allow) == (405, "GET, HEAD")
    assert value(response).keys() == {"error"}


@pytest.mark.parametrize("path", KNOWN)
def test_head_is_answered_like_get_and_allows_nothing_else(place: Place, path: str) -> None:
    head, get = place.get(path, "HEAD"), place.get(path)
    assert (head.status, head.value.keys(), head.allow) == (200, get.value.keys(), "")


@pytest.mark.parametrize(
    "path", ["/nothing", "/health/", "//health", "/STATS", "", "*", "/../health", "/st\x1bats"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there_is_not_found_whatever_is_asked_of_it(place: Place, path: str, method: str) -> None:
    response = place.get(path, method)
    assert response.status == 404
    assert value(response).keys() == {"error"}


def test_a_body_is_one_line_of_json(place: Place) -> None:
    place.loop = Health(trouble="caf\udce9\n\x1b", stopping=False)
    body = routes.body(place.get("/health"))
    assert (body.count(b"\n"), body[-1:], body.isascii()) == (1, b"\n", True)


def test_a_folder_that_cannot_be_counted_is_trouble_for_the_server_to_answer(place: Place) -> None:
    (place.folder / "failed").rmdir()
    with pytest.raises(FileNotFoundError):
        place.get("/stats")
