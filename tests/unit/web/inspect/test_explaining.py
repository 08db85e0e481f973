"""What became of a line, asked over HTTP: by a process of its own, which may hang or die."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from fproc.base import own_code
from fproc.web.inspect import explaining
from tests.support.dashboards import Place, value
from tests.support.helpers import plan_of

PLUGIN = """
import os, time
def odd(line):
    if line == "hang":
        while True:
            time.sleep(1)
    if line == "die":
        os._exit(3)
    if line == "much":
        return "x" * 5_000_000
    if line == "bad":
        raise ValueError("no good")
    return line.upper()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    (tmp_path / "odd_lines.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    place = Place(tmp_path / "w")
    nodes = [{"tag": "start", "type": "odd_lines.odd", "next": "end"}]
    place.plan = plan_of(nodes, watch_dir=str(tmp_path / "w"), on_error="reject")
    (place.folder / "failed" / "a.log").write_text("one\nhang\ndie\nmuch\nbad\n")
    return place


def asked(place: Place, query: str) -> tuple[int, dict[str, Any]]:
    response = place.get(f"/explain?{query}")
    return response.status, value(response)


def test_a_line_of_any_input_that_still_exists_is_explained_step_by_step(place: Place) -> None:
    up = {"tag": "start", "line": "ONE"}
    assert asked(place, "file=a.log&line=1") == (
        200,
        {
            "file": "a.log",
            "line_no": 1,
            "line": "one",
            "steps": [
                {"node": "start", "tag": "start", "line": "one", "hops": 1, "emitted": [up]},
                {"node": "end", "tag": "start", "line": "ONE", "hops": 2, "emitted": []},
            ],
        },
    )  # fmt: skip
    status, explained = asked(place, "file=a.log&line=5")
    assert (status, [step.get("failure") for step in explained["steps"]]) == (
        200,
        ["rejected: ValueError: no good (odd_lines.py:12)"],
    )


def test_a_compressed_input_is_called_by_its_own_name(place: Place) -> None:
    (place.folder / "failed" / "b.log.gz").write_bytes(gzip.compress(b"one\n"))
    status, explained = asked(place, "file=b.log.gz&line=1")
    assert (status, explained["file"]) == (200, "b.log.gz")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("file=a.log&line=6", 404),
        ("file=gone&line=1", 404),
        ("file=../failed/a.log&line=1", 404),
        ("file=..&line=1", 404),
        ("file=\ud800&line=1", 404),
        ("file=a.log&line=0", 400),
        ("file=a.log&line=-1", 400),
        ("file=a.log&line=9999999999999999", 404),
        ("file=a.log&line=0000000000000006", 404),
        ("file=a.log", 400),
        ("line=1", 400),
    ],
)
def test_a_line_that_is_not_there_is_refused(place: Place, query: str, status: int) -> None:
    answered, error = asked(place, query)
    assert (answered, set(error)) == (status, {"error"})


def test_code_that_hangs_is_ended_with_its_process(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "EXPLAIN_SECONDS", 1.0)
    monkeypatch.setattr(explaining, "START_SECONDS", 1.0)
    status, error = asked(place, "file=a.log&line=2")
    assert (status, error) == (503, {"error": "a.log: line 2 takes longer than 1 s; it was given up"})


def test_code_that_kills_its_process_kills_nothing_else(place: Place) -> None:
    status, error = asked(place, "file=a.log&line=3")
    assert (status, error["error"]) == (
        503,
        "a.log: line 3: the process that was to explain it has died: it ended with exit status 3",
    )


def test_where_the_program_was_replaced_the_answer_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "build_id", lambda: "another")
    status, error = asked(place, "file=a.log&line=1")
    assert (status, error["error"].endswith("restart fproc")) == (503, True)


def test_an_answer_that_is_too_long_is_given_up(place: Place) -> None:
    status, error = asked(place, "file=a.log&line=4")
    assert (status, error) == (503, {"error": "a.log: line 4 becomes too much to be shown"})


def test_one_line_is_explained_at_a_time(place: Place) -> None:
    with explaining._busy:
        response = place.get("/explain?file=a.log&line=1")
    assert (response.status, response.headers["Retry-After"]) == (503, "10")
