"""Inputs with lines that were set aside: a list of their own, as long as these lines are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fproc.spool.layout import about
from fproc.web.lists import rows
from tests.support.rooms import Room


@pytest.fixture
def rejecting(room: Room) -> Room:
    room.config["on_error"] = "reject"
    room.plan = room.a_plan()
    room.process("a.log", "x", "bad", "bad")
    room.process("fine.log", "x")
    room.process("b.log", "bad")
    return room


def kept(room: Room, name: str) -> Path:
    return room.folder / "w" / "failed" / f"{name}.rejected.jsonl"


def test_inputs_with_lines_that_were_set_aside_are_listed_newest_first(rejecting: Room) -> None:
    second, first = rejecting.files("rejected")
    assert (first["file"], first["state"], first["rejected"], first["lines"]) == ("a.log", "processed", 2, 3)
    assert (second["file"], second["rejected"], second["results"]) == ("b.log", 1, [])
    assert "bad" in first["error"]
    assert rejecting.listing.with_rejects() == 2
    kept(rejecting, "a.log").unlink()
    assert rejecting.names("rejected") == ["b.log"]


def test_they_are_found_by_name_and_by_reason_and_counted_without_a_history(rejecting: Room) -> None:
    assert rejecting.history is not None
    rejecting.history.close()
    assert rejecting.names("rejected", "A.l") == ["a.log"]
    assert rejecting.names("rejected", "bad") == ["b.log", "a.log"]
    assert [row["rejected"] for row in rejecting.files("rejected")] == [1, 2]


def test_many_rejected_lines_are_counted_by_the_history(
    rejecting: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_REJECTS_BYTES", 10)
    assert [(row["rejected"], row["error"]) for row in rejecting.files("rejected")] == [(1, None), (2, None)]
    assert rejecting.history is not None
    rejecting.history.close()
    assert [row["rejected"] for row in rejecting.files("rejected")] == [None, None]


@pytest.mark.parametrize("text", ["", "x", "[]", '{"error": 1}'])
def test_a_file_of_rejected_lines_that_is_none_is_listed_all_the_same(room: Room, text: str) -> None:
    room.put("failed", "a.log.rejected.jsonl", text=text)
    assert [(row["file"], row["error"]) for row in room.files("rejected")] == [("a.log", None)]


def test_a_failed_input_that_is_named_like_rejected_lines_has_none(room: Room) -> None:
    report = json.dumps({"reason": "lost"})
    room.put("failed", "odd.rejected.jsonl")
    room.put("failed", "odd.rejected.jsonl.error.json", text=report)
    assert room.files("rejected") == []


@pytest.mark.parametrize("name", ["n" * 255, "n" * 251 + ".log", "\N{PILE OF POO}" * 63])
@pytest.mark.parametrize("folder", ["processed", "failed"])
def test_an_input_whose_name_is_too_long_for_that_of_its_rejected_lines_is_listed_under_its_own(
    room: Room, folder: str, name: str
) -> None:
    room.put(folder, name, "a.log")
    room.put("failed", about(name, ".rejected.jsonl"), text='{"error": "odd"}\n')
    assert [(row["file"], row["state"], row["error"]) for row in room.files("rejected")] == [
        (name, folder, "odd")
    ]
