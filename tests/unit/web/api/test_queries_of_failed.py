"""Failed files on the dashboard: those that lie there, with what their reports and the history say."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from fproc.base.times import rfc3339
from fproc.web.lists import folder_cache, folder_files, rows
from tests.support.rooms import Room, counts


def test_failed_files_are_those_that_lie_there_with_reason_and_history(room: Room) -> None:
    room.process("a.log", "x", "bad")
    room.process("a.log", "bad")
    room.process("gone.log", "bad")
    for path in (room.folder / "w" / "failed").glob("gone.log*"):
        path.unlink()
    second, first = room.files("failed")
    assert (first["file"], second["file"]) == ("a.log", "a~2.log")
    assert (first["lines"], second["lines"]) == (2, 1)
    report = json.loads((room.folder / "w" / "failed" / "a.log.error.json").read_text())
    assert (first["error"], first["attempts"], first["timestamp"]) == (
        report["reason"],
        1,
        report["timestamp"],
    )
    assert first["seconds"] > 0


def test_a_failed_file_without_history_has_what_its_report_says(room: Room) -> None:
    room.process("a.log", "bad")
    assert room.history is not None
    room.history.close()
    (row,) = room.files("failed")
    assert (row["lines"], row["seconds"], row["attempts"]) == (None, None, 1)
    assert "bad" in row["error"]
    assert (row["node"], row["line_no"]) == ("start", 1)


@pytest.mark.parametrize(
    "when", ["", "2026-11-23", "0001-01-01T00:00:00", "9999-12-31T23:59:59-23:00", "soon"]
)
def test_a_time_that_someone_else_wrote_comes_out_as_all_others_do(room: Room, when: str) -> None:
    room.put("failed", "a.log")
    room.put("failed", "a.log.error.json", text=json.dumps({"timestamp": when, "attempts": True}))
    (row,) = room.files("failed")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["timestamp"])
    assert row["attempts"] == 0


@pytest.mark.parametrize(
    "report", ["", "[]", '{"reason": 7, "attempts": "x", "timestamp": null}', "\x00", "{"]
)
def test_a_failed_file_whose_report_is_none_is_listed_all_the_same(room: Room, report: str) -> None:
    room.put("failed", "a.log")
    room.put("failed", "a.log.error.json", text=report)
    (row,) = room.files("failed")
    assert (row["file"], row["error"], row["attempts"]) == ("a.log", None, 0)
    assert row["timestamp"][:4] == rfc3339(time.time())[:4]


def test_a_report_that_is_too_long_is_made_up_for_by_the_history(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.process("a.log", "bad")
    monkeypatch.setattr(rows, "MOST_REPORT_BYTES", 20)
    (row,) = room.files("failed")
    assert ("bad" in row["error"], row["attempts"]) == (True, 1)


def test_failed_files_are_found_by_name_and_by_reason(room: Room) -> None:
    room.put("failed", "orders.log", "b.log", "c.log")
    room.put("failed", "b.log.error.json", text='{"reason": "no such Order"}')
    assert room.names("failed", "ORDER") == ["b.log", "orders.log"]
    assert room.names("failed", "nothing") == []


def test_a_search_reads_a_limited_number_of_reports_and_then_says_where_to_go_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_files, "MOST_SEARCHED", 3)
    room.put("failed", "wanted", *(f"{number}" for number in range(7)))
    room.put("failed", "0.error.json", text='{"reason": "wanted"}')
    assert room.pages("failed", 10, "wanted") == [[], [], ["0", "wanted"]]


def test_only_the_reports_of_a_page_are_read(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.put("failed", *(f"{number}" for number in range(100)))
    read: list[str] = []
    report = rows.report_fields

    def noted(path: str) -> dict[str, Any]:
        read.append(path)
        return report(path)

    monkeypatch.setattr(folder_files, "report_fields", noted)
    assert len(room.files("failed", limit=5)) == len(read) == 5
    assert len(room.files("failed", "99")) == 1


def test_of_very_many_files_the_newest_failed_and_the_oldest_waiting_are_listed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_cache, "MOST_LISTED", 2)
    monkeypatch.setattr(folder_cache, "MOST_WAITING", 2)
    room.put("failed", "1", "2", "3")
    room.put("unprocessed", "1", "2", "3")
    assert (room.names("failed"), room.names("unprocessed")) == (["3", "2"], ["1", "2"])
    assert room.listing.counts() == counts(failed=3, unprocessed=3)
