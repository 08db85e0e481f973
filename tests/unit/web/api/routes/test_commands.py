"""What is changed by way of the dashboard: uploads and retries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fproc.spool.locks.instance import Facts
from fproc.web.api import commands
from tests.support.dashboards import Place, value


def test_an_upload_is_an_input(place: Place) -> None:
    response = place.get("/upload/a.log", "PUT", b"one\n")
    assert (response.status, value(response)["files"][0]["name"]) == (201, "a.log")
    assert (place.folder / "unprocessed" / "a.log").read_text() == "one\n"


def test_an_upload_that_is_too_large_or_would_fill_the_disk_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place.get("/upload/a.log", "PUT", b"x" * 1001).status == 413
    full = {"f_bavail": 0, "f_frsize": 4096, "f_blocks": 9, "f_files": 0, "f_favail": 0}
    monkeypatch.setattr("os.statvfs", lambda _: type("Full", (), full)())
    response = place.get("/upload/a.log", "PUT", b"x")
    assert (response.status, "room for 0 bytes" in value(response)["error"]) == (503, True)
    assert value(place.get("/health"))["checks"]["disk"] == {
        "ok": False,
        "message": "only 0.0 MB are free; make room",
        "free_bytes": 0,
        "total_bytes": 9 * 4096,
    }


def test_while_intake_is_paused_nothing_is_taken_in(place: Place) -> None:
    place.loop = Facts(paused="the disk is full", stopping=False)
    response = place.get("/upload/x.log", "PUT", b"data")
    assert (response.status, response.headers["Retry-After"]) == (503, "60")
    assert value(response) == {"error": "intake is paused; /health says why"}
    place.loop = Facts(paused="", stopping=False)
    assert place.get("/upload/x.log", "PUT", b"data").status == 201


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


def test_a_retry_of_very_many_answers_after_a_while_and_says_how_many_are_left(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(commands, "RETRIED_AT_ONCE", 2)
    for number in range(5):
        (place.folder / f"failed/{number}.log").write_text("x\n")
    lefts = []
    for _ in range(4):
        status, answer = retry(place, {"all": True})
        lefts.append((status, len(answer["retried"]), answer.get("left")))
    assert lefts == [(200, 2, 3), (200, 2, 1), (200, 1, None), (200, 0, None)]
    assert len(list((place.folder / "unprocessed").iterdir())) == 5
