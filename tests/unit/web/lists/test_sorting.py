"""Lists that the server sorts, and searches over all states: in order over all pages, whatever their size."""

from __future__ import annotations

import base64
import time

import pytest

from fproc.run.outcome import FileEvent
from fproc.web.lists import ended_files
from tests.support.rooms import STRANGE, Room


def ended(number: int, name: str, kind: str = "processed", **more: object) -> FileEvent:
    figures = {"seconds": float(number % 3), "lines_in": 10 - number, "attempt": 1, **more}
    return FileEvent(f"job{number}", name, kind, time.time() + number, **figures)  # type: ignore[arg-type]


NAMES = ["b10.log", "B2.log", "a.log", STRANGE, "b2.log", "b02.log", "c.log"]


@pytest.fixture
def full(room: Room) -> Room:
    room.record(*(ended(number, name) for number, name in enumerate(NAMES)))
    room.record(ended(7, "bad.log", "failed", error="lost", rejected=3, skipped=1))
    return room


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize("sort", ["file", "timestamp", "seconds", "lines", "left_out", "attempts", "error"])
def test_files_that_ended_are_sorted_over_all_pages(full: Room, sort: str, limit: int) -> None:
    whole = full.names(sort=sort)
    assert sorted(whole) == sorted([*NAMES, "bad.log"])
    for order in (sort, f"-{sort}"):
        pages = full.pages("", limit, sort=order)
        assert [name for page in pages for name in page] == full.names(sort=order)


def test_names_are_sorted_as_people_do_and_figures_by_size(full: Room) -> None:
    names = ["a.log", "b02.log", "b2.log", "B2.log", "b10.log", "c.log", STRANGE]
    assert full.names("processed", sort="file") == names
    assert full.names("processed", "B", sort="-file") == ["b10.log", "b02.log", "b2.log", "B2.log"]
    for sort in ("-left_out", "state", "-error"):
        assert full.names(sort=sort)[0] == "bad.log"
    assert [row["lines"] for row in full.files(sort="lines")] == [*range(3, 11)]


@pytest.mark.parametrize("state", ["failed", "unprocessed"])
def test_folders_are_sorted_by_name_and_time_over_all_pages(room: Room, state: str) -> None:
    room.put(state, "b10", "a", "b9")
    expected = {"file": ["a", "b9", "b10"], "-file": ["b10", "b9", "a"], "timestamp": ["b10", "a", "b9"]}
    for sort, names in {**expected, "-timestamp": ["b9", "a", "b10"]}.items():
        assert room.pages(state, 2, sort=sort) == [names[:2], names[2:]]
    room.put(state, "a2")
    room.later += 1000
    room.monotonic += 1000
    assert room.names(state, sort="file") == ["a", "a2", "b9", "b10"]


@pytest.mark.parametrize(
    ("state", "sort"),
    [("failed", "seconds"), ("", "size"), ("", "--file"), ("any", "file"), ("unprocessed", "-")],
)
def test_an_order_that_there_is_not_is_refused_in_a_sentence(room: Room, state: str, sort: str) -> None:
    with pytest.raises(ValueError, match="sort"):
        room.files(state, sort=sort)


@pytest.mark.parametrize("position", ["[1e999, 1]", '["x"]', "[null, 1]", '["x", -1]', f"[{'9' * 300}, 1]"])
def test_a_place_that_no_answer_gave_is_refused(room: Room, position: str) -> None:
    after = base64.urlsafe_b64encode(f'[" -lines", {position}]'.encode()).decode()
    with pytest.raises(ValueError, match="after must be"):
        room.files(after=after, sort="-lines")


def test_only_the_newest_events_are_sorted(full: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ended_files, "MOST_SORTED_EVENTS", 2)
    assert full.names(sort="file") == ["bad.log", "c.log"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 50])
def test_a_search_finds_files_of_all_states_each_once(room: Room, limit: int) -> None:
    room.process("done x.log", "x")
    room.put("failed", "failed x 1", "failed y", "failed x 2")
    room.put("unprocessed", "waits x", "waits y")
    room.put("underprocess", "worked x")
    pages = room.pages("any", limit, "x")
    assert [name for page in pages for name in page] == [
        "worked x", "waits x", "failed x 2", "failed x 1", "done x.log",
    ]  # fmt: skip
    states = {row["state"] for row in room.files("any")}
    assert states == {"unprocessed", "underprocess", "failed", "processed"}


@pytest.mark.parametrize("after", ["x", "WyJhbnkiLCBbImdvbmUiLCAiIl1d", "WyJhbnkiLCAxXQ=="])
def test_a_place_in_all_states_that_no_answer_gave_is_refused(room: Room, after: str) -> None:
    with pytest.raises(ValueError, match="after must be"):
        room.files("any", after=after)
