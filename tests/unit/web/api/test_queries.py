"""The lists of the dashboard, from folders, history and traces: complete, in order, in pages."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from fproc.base.times import rfc3339
from fproc.base.values import replace
from fproc.pipeline.tracing.trace import Trace
from fproc.run.outcome import FileEvent
from fproc.telemetry.history.chosen import ChosenEvents
from fproc.web.api import queries
from fproc.web.lists import ended_files
from tests.support.helpers import line_failure, list_twice
from tests.support.rooms import STRANGE, Room


def test_files_that_ended_come_newest_first_with_all_that_is_known(room: Room) -> None:
    room.process("a.log", "x", "y")
    room.process("b.log", "bad")
    room.process(STRANGE, "x")
    bad, good = room.files()[1:]
    assert room.names() == [STRANGE, "b.log", "a.log"]
    assert (good["state"], good["lines"], good["results"], good["attempts"]) == ("processed", 2, ["a.log"], 1)
    assert (good["error"], bad["state"], bad["results"]) == (None, "failed", [])
    assert "line 1" in bad["error"]
    assert good["timestamp"].endswith("Z")
    assert good["seconds"] > 0
    assert room.names("processed") == [STRANGE, "a.log"]
    assert room.names("", "B.LOG") == room.names("", "line 1") == ["b.log"]


@pytest.mark.parametrize("state", ["", "processed", "unprocessed", "failed"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_follow_each_other_without_gaps(room: Room, state: str, limit: int) -> None:
    names = [STRANGE, *(f"{number}.log" for number in range(5))]
    if state in {"", "processed"}:
        for name in names:
            room.process(name, "x")
    else:
        room.put(state, *names)
    expected = names if state == "unprocessed" else names[::-1]
    pages = room.pages(state, limit)
    assert [name for page in pages for name in page] == expected
    assert all(len(page) == limit for page in pages[:-1])


def test_pages_do_not_shift_when_something_comes_or_goes_between_them(room: Room) -> None:
    room.put("failed", "1", "2", "3", "4")
    first = room.whole("failed", limit=2)
    room.put("failed", "5")
    (room.folder / "w" / "failed" / "3").unlink()
    room.monotonic += 1
    assert [row["file"] for row in first["recent"]] == ["4", "3"]
    assert room.names("failed", after=first["after"]) == ["2", "1"]


@pytest.mark.parametrize("after", ["x", "äää", "W10=", "eyJhIjoxfQ==", "\udcff", "WzFd", "W251bGwsIFsxXV0="])
@pytest.mark.parametrize("state", ["", "failed"])
def test_an_after_that_no_answer_gave_is_refused_in_a_sentence(room: Room, state: str, after: str) -> None:
    with pytest.raises(ValueError, match=r"^after must be as the answer before gave it, for the same state$"):
        room.files(state, after=after)


def test_an_after_of_another_state_is_refused(room: Room) -> None:
    room.put("failed", "1", "2")
    after = room.whole("failed", limit=1)["after"]
    for state in ("", "unprocessed"):
        with pytest.raises(ValueError, match="after must be"):
            room.files(state, after=after)


def test_an_unknown_state_is_refused_in_a_sentence(room: Room) -> None:
    with pytest.raises(
        ValueError, match=r"^state must be one of unprocessed, underprocess, processed, failed"
    ):
        room.files("done")


def test_errors_are_those_of_files_and_of_lines(room: Room) -> None:
    now = 1_795_341_600.0
    lines = (line_failure("skipped", "parse", 3, "\udcff", "bad"),)
    room.record(
        FileEvent(
            "j1", STRANGE, "failed", now, 2, error="worse", node="n", line_no=9, line="x", line_errors=lines
        ),
        FileEvent("j2", "b.log", "processed", now),
    )
    answer = room.listing.errors(limit=10)
    assert json.loads(json.dumps(answer)) == answer
    common = {"timestamp": rfc3339(now), "file": STRANGE, "attempt": 2}
    assert answer["errors"] == [
        {**common, "node": "n", "line_no": 9, "line": "x", "error": "worse"},
        {**common, "node": "parse", "line_no": 3, "line": "\udcff", "error": "bad"},
    ]
    assert room.listing.errors(limit=1)["errors"] == answer["errors"][:1]
    assert room.listing.errors(limit=10, file="b.log") == {"errors": []}


def test_traces_are_shown_with_what_runs_and_what_ended(room: Room) -> None:
    for number in range(queries.RECENT + 2):
        room.process(f"{number}.log", "x")
    path = [("start", "start", "a"), ("end", None, "\udcff")]
    room.traces.add(STRANGE, [Trace(None, "a", path, "written")])
    room.traces.add("b.log", [Trace(7, "b", [], "failed: why")])
    answer = room.listing.traces(limit=10)
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["current"], len(answer["recent"])) == ([], queries.RECENT)
    assert answer["traces"] == [
        {"file": "b.log", "line_no": 7, "line": "b", "path": [], "outcome": "failed: why"},
        {
            "file": STRANGE,
            "line_no": None,
            "line": "a",
            "path": [
                {"node": "start", "tag": "start", "line": "a"},
                {"node": "end", "tag": None, "line": "\udcff"},
            ],
            "outcome": "written",
        },
    ]
    assert len(room.listing.traces(file="b.log", limit=10)["traces"]) == 1


def test_without_a_history_there_are_the_folders_and_the_traces(room: Room) -> None:
    assert room.history is not None
    room.history.close()
    room.history = None
    room.listing = room.a_listing()
    room.put("failed", "a")
    assert room.names("failed") == ["a"]
    assert room.files() == room.files("processed") == []
    assert room.listing.errors(limit=10) == {"errors": []}
    assert room.listing.traces(limit=10)["recent"] == []


def test_a_file_that_its_folder_lists_twice_is_counted_and_shown_once(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.put("unprocessed", "a", "b")
    os.link(room.folder / "w" / "unprocessed" / "a", room.folder / "w" / "unprocessed" / "c")
    room.put("failed", "x")
    list_twice(monkeypatch)
    counts = room.listing.counts()
    assert (counts["unprocessed"], counts["failed"]) == (3, 1)
    assert sorted(row["file"] for row in room.files("unprocessed")) == ["a", "b", "c"]


def test_lines_that_were_left_out_stand_beside_the_others(room: Room) -> None:
    now = 1_795_341_600.0
    room.record(FileEvent("j1", "a.log", "processed", now, lines_in=9, rejected=2, skipped=1))
    [row] = room.files()
    assert (row["lines"], row["rejected"], row["skipped"]) == (9, 2, 1)
    report = {"reason": "too many", "attempts": 1, "rejected": 5, "skipped": 0}
    room.put("failed", "b.log", text="x")
    room.put("failed", "b.log.error.json", text=json.dumps(report))
    [row] = room.files("failed")
    assert (row["rejected"], row["skipped"]) == (5, 0)
    room.put("failed", "c.log", text="x")
    assert [(row["rejected"], row["skipped"]) for row in room.files("failed") if row["file"] == "c.log"] == [
        (None, None)
    ]


def test_what_ended_in_a_time_or_under_a_pipeline_is_listed_wherever_it_is_now(room: Room) -> None:
    now = 1_795_341_600.0
    for number in range(4):
        kind = "failed" if number == 1 else "processed"
        event = FileEvent(f"j{number}", f"{number}.log", kind, now + number, pipeline="ab" * 6)
        room.record(event if number < 3 else replace(event, pipeline="cd" * 6))
    first = room.listing.files(state="", query="", limit=2, after="", chosen=ChosenEvents(until=now + 3))
    assert [file["file"] for file in first["recent"]] == ["2.log", "1.log"]
    rest: dict[str, Any] = {"limit": 2, "after": first["after"], "chosen": ChosenEvents(until=now + 3)}
    assert [file["file"] for file in room.listing.files(state="", query="", **rest)["recent"]] == ["0.log"]
    of_pipeline: dict[str, Any] = {"query": "", "limit": 9, "after": ""}
    of_pipeline["chosen"] = ChosenEvents(pipeline="ab" * 6)
    for state, names in (("failed", ["1.log"]), ("processed", ["2.log", "0.log"])):
        assert [file["file"] for file in room.listing.files(state=state, **of_pipeline)["recent"]] == names
    with pytest.raises(ValueError, match="only files that ended, not unprocessed"):
        room.listing.files(state="unprocessed", **of_pipeline)


def test_a_search_reads_only_so_many_events_for_a_page_and_says_where_to_go_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended_files, "MOST_SEARCHED_EVENTS", 10)
    names = [*(f"rare-{number}" for number in range(3)), *(f"{number}" for number in range(32))]
    for name in names:
        room.process(name, "x")
    assert room.pages("processed", 50, "rare") == [[], [], [], ["rare-2", "rare-1", "rare-0"]]
    assert [name for page in room.pages("", 4) for name in page] == names[::-1]
    assert room.whole("processed", "gone", 50)["recent"] == []
