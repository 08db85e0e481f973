"""Methods, heads, bodies and queries: what is taken, refused, or not found."""

from __future__ import annotations

from pathlib import Path

import pytest

import fproc
from fproc.spool.intake.uploads import UploadArea
from fproc.spool.locks.instance import Facts
from fproc.telemetry.metrics import Metrics
from fproc.web.access.keyring import Keyring
from fproc.web.api.queries import MOST_ROWS
from fproc.web.api.routes import build_routes
from fproc.web.http.auth import Authenticator
from tests.support.dashboards import GIVEN, KNOWN, OPEN, TAKEN, Place, value
from tests.support.helpers import plan_of, user


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


def test_a_folder_that_is_missing_is_empty_and_one_that_cannot_be_read_is_trouble_of_the_host(
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
    place.metrics = Metrics(lambda: 100.0, clock=lambda: 1000.0)  # else a new step may begin meanwhile
    before = place.get(path).etag
    assert before
    assert place.get(path).etag == before
    (place.folder / "failed" / "x.log").write_text("a\n")
    changed = {"/stats": True, "/files": True}.get(path)
    if changed:
        assert place.get(path).etag != before


def test_the_graph_shows_tags_types_and_options_but_of_users_processors_only_their_names(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path / "w")
    place.plan = plan_of(
        [
            {
                "tag": "start",
                "type": "tag",
                "config": {"rules": {"e": "E"}},
                "next": {"e": ["x", "y"], "*": "x"},
            },
            {"tag": "x", "type": user("shout"), "config": {"mark": "SECRET"}, "next": "end"},
            {"tag": "y", "type": "write", "config": {"file": "y"}},
        ],
        watch_dir=str(tmp_path / "w"),
    )
    response = place.get("/graph")
    assert b"SECRET" not in response.body
    assert value(response) == {
        "nodes": [
            {
                "tag": "start",
                "type": "tag",
                "is_entry": True,
                "is_sink": False,
                "options": {"rules": {"e": "E"}},
            },
            {
                "tag": "x",
                "type": user("shout"),
                "is_entry": False,
                "is_sink": False,
                "own_options": ["mark"],
            },
            {
                "tag": "y",
                "type": "write",
                "is_entry": False,
                "is_sink": True,
                "options": {"file": "y"},
            },
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


def test_the_description_names_all_there_is(place: Place) -> None:
    described = value(place.get("/openapi.json"))
    assert described["info"]["version"] == fproc.__version__
    routes = build_routes(place.view(), Authenticator(Keyring(), "127.0.0.1"), UploadArea(place.plan.config))
    there = {
        (path + "{name}" if path.endswith("/") and path != "/" else path, method.lower())
        for path, of in routes.items()
        for method in of
    }
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} == there


DEEP = b"[" * 300_000


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"files": ' + DEEP,
        b'{"files": [1e999]}',
        b'{"files": Infinity}',
        b'{"all": ' + b"9" * 5000 + b"}",
        b"\xff",
        b"",
    ],
)
def test_a_body_that_is_odd_json_is_refused(place: Place, body: bytes) -> None:
    response = place.get("/retry", "POST", body, content_type="application/json")
    assert response.status == 400
    assert len(response.body) < 1000
