"""What the folders tell of inputs that have failed or were processed, under all their names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fproc.base.times import rfc3339
from fproc.spool.intake.status import archived_as
from fproc.spool.layout import numbered
from tests.support.spool.worlds import STRANGE, World


def report(**more: Any) -> str:
    known = {"reason": "ValueError: no such account", "attempts": 3, "node": None, "line_no": None}
    return json.dumps({**known, **more})


def test_failed_files_say_why_where_and_after_how_many_attempts(world: World) -> None:
    world.put("failed/x.log.error.json", report(node="book", line_no=812))
    world.put("failed/x~2.log.error.json", report(node="book", line_no=None, attempts=1))
    world.put("failed/x~10.log.error.json", report())
    for name in ("x.log", "x~2.log", "x~10.log"):
        world.put(f"failed/{name}")
    reason = "failed: ValueError: no such account"
    assert list(world.why("x.log").items()) == [
        ("failed", f"{reason} (3 attempts, node book, line 812)"),
        ("failed/x~2.log", f"{reason} (1 attempt, node book)"),
        ("failed/x~10.log", f"{reason} (3 attempts)"),
    ]


REPORTS = [None, "", "{", "{}", '{"reason": "x"}', "[]", "5", "null"]


@pytest.mark.parametrize("text", REPORTS)
def test_a_report_that_is_missing_or_none_is_told(world: World, text: str | None) -> None:
    world.put("failed/x")
    if text is not None:
        world.put("failed/x.error.json", text)
    assert world.why("x") == {"failed": "failed; there is no report about it"}


def test_processed_files_say_when(world: World) -> None:
    names = {"processed": "x.log", "processed/x~2.log": "x~2.log"}
    paths = {place: world.put(f"processed/{name}") for place, name in names.items()}
    times = {place: f"processed at {rfc3339(path.stat().st_ctime)}" for place, path in paths.items()}
    assert world.why("x.log") == times


NOWHERE = ["", ".", "..", "never seen", "~", "x.log.error.json", "\udcff", "a" * 300]


@pytest.mark.parametrize("name", NOWHERE)
def test_a_name_that_is_nowhere_has_no_answer(world: World, name: str) -> None:
    world.put("processed/x.log")
    assert world.why(name) == {}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_names_are_found_in_every_folder(world: World, name: str) -> None:
    for folder in ("unprocessed", "underprocess", "processed", "failed"):
        world.put(f"{folder}/{name}")
    assert list(world.why(name)) == ["unprocessed", "underprocess", "processed", "failed"]
    assert list(world.status().counts().values()) == [1, 1, 1, 1]


ARCHIVE = ["x.log", "x~2.log", "x~3.log", "x~10.log", "x~2~2.log", "x.log~2", "x~a.log", "x~.log", "y.log"]


ARCHIVE += ["x~2.csv", "xx~2.log", ".log", "x", "x~2", ".log~2"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("x.log", ["x.log", "x~2.log", "x~3.log", "x~10.log"]),
        ("x~2.log", ["x~2.log", "x~2~2.log"]),
        ("x.csv", ["x~2.csv"]),
        (".log", [".log", ".log~2"]),
        ("x", ["x", "x~2"]),
        ("z", []),
    ],
)
def test_the_archived_names_of_an_input_are_found_in_their_order(
    world: World, name: str, found: list[str]
) -> None:
    for other in ARCHIVE:
        world.put(f"processed/{other}")
    assert archived_as(world.folders.processed, name) == found
    assert archived_as(str(world.folder / "gone"), name) == []


def test_names_as_long_as_can_be_are_found_with_their_numbers_and_reports(world: World) -> None:
    name = "n" * 251 + ".log"
    for number in (1, 2):
        world.put(f"failed/{numbered(name, number)}")
        world.put(f"failed/{numbered(name, number, '.error.json')}", report(attempts=number))
    whys = list(world.why(name).values())
    assert [why.rpartition("(")[2] for why in whys] == ["1 attempt)", "2 attempts)"]


def test_a_report_is_not_taken_for_an_input(world: World) -> None:
    world.put("failed/x")
    world.put("failed/x.error.json", '{"reason": "bad", "attempts": 1, "node": null, "line_no": null}')
    assert world.why("x.error.json") == {"failed": "no input, but a report about one"}
    assert world.why("x") == {"failed": "failed: bad (1 attempt)"}


def test_a_processed_file_of_which_lines_were_set_aside_says_how_many_and_where(world: World) -> None:
    world.put("processed/x.log")
    world.put("failed/x.log.rejected.jsonl", "{}\n{}\n")
    assert world.why("x.log")["processed"].endswith(", 2 lines rejected (failed/x.log.rejected.jsonl)")
