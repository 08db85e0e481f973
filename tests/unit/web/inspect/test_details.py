"""All of one file in one answer: where it is, what happened to it, and what came of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fproc.run.outcome import FileEvent
from fproc.spool.disk.disk import Disk
from fproc.spool.job.checkpoint import Checkpoint, Position, write_checkpoint
from fproc.spool.job.decision import FileStamp
from fproc.spool.output.intents import place_in
from fproc.web.inspect import details
from tests.support.dashboards import Place, value
from tests.support.rooms import Room, history_in


def test_a_file_is_told_with_its_attempts_and_its_results(memory_path: Path) -> None:
    room = Room(memory_path)
    room.process("a.log", "one", "two")
    assert room.history is not None
    found = room.listing.details.of("a.log")
    room.history.close()
    assert found is not None
    [place] = found["places"]
    assert (place["state"], place["why"].startswith("processed at ")) == ("processed", True)
    assert [(moment["kind"], moment["lines"], moment["attempt"]) for moment in found["timeline"]] == [
        ("processed", 2, 1)
    ]
    [result] = found["results"]
    text = (memory_path / "w" / "results" / "a.log").read_bytes()
    expected = {"name": "a.log", "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    assert result == expected


def test_large_results_are_told_without_a_hash_and_those_that_are_gone_without_a_size(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(memory_path)
    room.process("a.log", "one", "two")
    monkeypatch.setattr(details, "MOST_HASHED_BYTES", 3)
    first = room.listing.details.of("a.log")
    (memory_path / "w" / "results" / "a.log").unlink()
    second = room.listing.details.of("a.log")
    assert room.history is not None
    room.history.close()
    assert first is not None
    assert second is not None
    assert first["results"][0]["sha256"] is None
    assert second["results"] == [{"name": "a.log", "bytes": None, "sha256": None}]


def test_a_result_that_was_appended_to_is_told_with_the_place_and_the_size_of_the_whole(
    memory_path: Path,
) -> None:
    room = Room(memory_path)
    told = place_in("all.log", 4, 2)
    room.record(FileEvent("job", "a.log", "processed", 1.0, results=(told,)))
    (memory_path / "w" / "results" / "all.log").write_bytes(b"x\ntwo\n")
    found = room.listing.details.of("a.log")
    assert room.history is not None
    room.history.close()
    assert found is not None
    assert [(result["name"], result["bytes"]) for result in found["results"]] == [(told, 6)]


def test_rejected_lines_and_the_report_of_a_failure_are_told(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.process("a.log", "one\nbad\n")
    [processed] = value(place.get("/file/a.log"))["places"]
    assert [line["line_no"] for line in processed["rejects"]["lines"]] == [2]
    (place.folder / "failed" / "b.log").write_text("x\n")
    (place.folder / "failed" / "b.log.error.json").write_text('{"reason": "why not", "node": "start"}')
    [failed] = value(place.get("/file/b.log"))["places"]
    assert (failed["state"], failed["report"]["reason"]) == ("failed", "why not")


@pytest.mark.parametrize("name", ["gone", "..", "a/b", "x\0", "\ud800", "x" * 300])
def test_of_what_never_was_nothing_is_known(tmp_path: Path, name: str) -> None:
    response = Place(tmp_path / "w").get(f"/file/{name}")
    assert (response.status, set(value(response))) == (404, {"error"})


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_browser_gets_a_page_and_a_program_json_at_the_same_address(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    place.process("a.log", "one\n")
    page, answer = place.get("/file/a.log", accept=BROWSER), place.get("/file/a.log", accept="*/*")
    assert (page.status, page.content_type) == (200, "text/html; charset=utf-8")
    assert b"a.log" not in page.body
    assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]
    assert value(answer)["file"] == "a.log"
    assert {"Accept" in one.headers["Vary"] for one in (page, answer)} == {True}


def test_a_browser_without_a_token_gets_the_form_that_leads_back_to_the_file(tmp_path: Path) -> None:
    place = Place(tmp_path / "w", "secret")
    form = place.get("/file/a%20b.log", accept=BROWSER)
    assert (form.status, form.content_type) == (401, "text/html; charset=utf-8")
    assert b'action="/login?next=%2Ffile%2Fa%2520b.log"' in form.body
    refusal = place.get("/file/a%20b.log")
    assert (refusal.status, set(value(refusal))) == (401, {"error"})


def test_who_uploaded_a_file_and_who_asked_for_its_retry_is_told(memory_path: Path) -> None:
    place = Place(memory_path / "w")
    place.history = history_in(memory_path)
    assert place.get("/upload/a.log", "PUT", b"x\n").status == 201
    place.run("a.log")
    (place.folder / "failed" / "b~2.log").write_text("x\n")
    body = b'{"files": ["b~2.log"]}'
    assert place.get("/retry", "POST", body, content_type="application/json").status == 200
    told = {
        name: [(moment["kind"], moment["client"], moment["bytes"]) for moment in found["timeline"]]
        for name in ("a.log", "b~2.log")
        for found in [value(place.get(f"/file/{name}"))]
    }
    place.history.close()
    assert told == {"a.log": [("uploaded", "127.0.0.1", 2)], "b~2.log": [("requeued", "127.0.0.1", 0)]}


def test_the_checkpoint_of_a_file_that_is_worked_on_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path / "w")
    path = place.folder / "underprocess" / "big.log"
    path.write_text("x\n")
    job = place.folder / ".fproc" / "jobs" / "big.log"
    job.mkdir(parents=True)
    saved = Checkpoint(FileStamp.of(path.stat()), "f", Position(offset_bytes=900, line_no=11), (), 0, 0)
    write_checkpoint(Disk(power=False), str(job), saved)
    [at_work] = value(place.get("/file/big.log"))["places"]
    assert (at_work["state"], at_work["checkpoint"]) == ("underprocess", {"line_no": 11})
