"""A line that fails: what is told of it, whichever way it was found, and where in a user's code that was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.pipeline.failures import LineFailure, RecordError, RecordFinder, cause_of
from fproc.pipeline.plan import Plan, build_plan
from fproc.pipeline.records import Block, Overlong
from fproc.run.chunked import chunks
from fproc.run.figures import Figures
from fproc.run.reading.inputs import open_input
from fproc.run.run import run_input
from fproc.spool.disk.disk import Disk
from fproc.spool.output.parts import Staging
from tests.support.helpers import Notes, plan_of, user

REJECTS: dict[str, Any] = {
    "type": "rewrite",
    "config": {"pattern": "^ok", "template": "{0}", "otherwise": "reject"},
}
MASK: dict[str, Any] = {"type": "replace", "config": {"pattern": "[0-9]+", "with": "#"}}


def rejected(plan: Plan, data: bytes, folder: Path, *, helpers: int = 0, traced: bool = False) -> list[Any]:
    """What is set aside of an input; interpreted where it is traced, else compiled."""
    path = folder / "x.log"
    path.write_bytes(data)
    found: list[Any] = []
    given = open_input(str(path), in_spool=True)
    parts = folder / f"parts-{helpers}-{traced}"
    parts.mkdir()
    output = Staging(Disk(power=False), lambda: str(parts), "p-")
    try:
        run_input(
            plan, given, output, Figures(), helpers=helpers,
            reject=lambda line: found.append(json.loads(line)),
            observer=Notes() if traced else None,
        )  # fmt: skip
    finally:
        given.close()
        output.close()
    return found


def test_what_is_set_aside_has_the_inputs_line_and_what_the_node_was_given_with_its_tag(
    tmp_path: Path,
) -> None:
    plan = plan_of(
        [
            {"tag": "start", "type": "tag_prefix", "next": "mask"},
            {"tag": "mask", **MASK, "next": "check"},
            {"tag": "check", **REJECTS, "next": "end"},
        ]
    )
    [entry] = rejected(plan, b"A:ok 1\nB:order 12345 broken\n", tmp_path)
    assert entry == {
        "line_no": 2,
        "byte_offset": 7,
        "line": "B:order 12345 broken",
        "node": "check",
        "tag": "B",
        "given": "order # broken",
        "error": entry["error"],
    }


TAGS: list[dict[str, Any]] = [
    {"type": "tag", "config": {"rules": {"e": "E", "w": "W"}, "default": "other"}},
    {"type": "tag", "config": {"rules": {"e": "E", "w": "W"}}},
    {"type": "tag_field", "config": {"field": 1, "tags": {"E": "e"}, "default": "d"}},
    {"type": "tag_prefix", "config": {"separator": " "}},
    {"type": user("shout")},
]
BEFORE: list[dict[str, Any]] = [
    MASK,
    {"type": user("twice")},
    {"type": user("shout")},
    {"type": "split", "config": {"separator": " "}},
    {"type": "tag", "config": {"rules": {"x": "nowhere"}}},
]


@pytest.mark.parametrize("first", TAGS, ids=lambda node: str(node["type"]))
@pytest.mark.parametrize("second", BEFORE, ids=lambda node: str(node["type"]))
@pytest.mark.parametrize("last", [REJECTS, {"type": user("reject_all")}], ids=["built-in", "user"])
def test_a_tag_that_no_route_asks_for_is_told_with_the_line(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], last: dict[str, Any]
) -> None:
    nodes = [
        {"tag": "start", **first, "next": "second"},
        {"tag": "second", **second, "next": "last"},
        {"tag": "last", **last, "next": "end"},
    ]
    data = b"E 17 a\nW b\nplain\n"
    plan = plan_of(nodes, on_error="reject")
    interpreted, compiled = (
        rejected(plan, data, tmp_path, traced=True),
        rejected(plan, data, tmp_path),
    )
    assert interpreted
    assert compiled == interpreted
    assert [entry["line"] for entry in compiled] == sorted(
        (entry["line"] for entry in compiled), key=["E 17 a", "W b", "plain"].index
    )


def test_helpers_tell_the_same_of_lines_as_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fproc.run.run.LEAST_BYTES", 0)
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 40)
    plan = plan_of(
        [{"tag": "start", "type": "tag_prefix", "next": "check"}, {"tag": "check", **REJECTS, "next": "end"}]
    )
    data = b"".join(b"t%d:%s\n" % (number, b"ok" if number % 3 else b"bad \xff") for number in range(100))
    alone, together = rejected(plan, data, tmp_path), rejected(plan, data, tmp_path, helpers=1)
    assert len(alone) == 34
    assert together == alone
    for entry in alone:
        assert data[entry["byte_offset"] :].startswith(
            entry["line"].encode("utf-8", "surrogateescape") + b"\n"
        )
        assert (entry["tag"], entry["given"]) == tuple(entry["line"].split(":"))


def test_a_line_over_the_limit_is_told_with_its_beginning(tmp_path: Path) -> None:
    plan = plan_of(
        [{"tag": "start", "type": "trim", "next": "end"}], on_error="reject", limits={"max_line_bytes": 5}
    )
    [entry] = rejected(plan, b"short\ntoo long\n", tmp_path)
    assert (entry["line"], entry["given"], entry["tag"]) == ("too l", "too l", "start")


def test_what_fails_at_the_end_of_a_file_is_of_no_line(tmp_path: Path) -> None:
    nodes = [
        {"tag": "start", "type": "join", "config": {"lines": 2}, "next": "check"},
        {"tag": "check", **REJECTS, "next": "end"},
    ]
    [entry] = rejected(plan_of(nodes), b"a\n", tmp_path)
    assert (entry["line"], entry["line_no"], entry["byte_offset"]) == (None, None, None)
    assert entry["node"] == "check"
    assert entry["given"]


def test_lines_of_a_block_are_found_in_any_order() -> None:
    finder = RecordFinder(Block(["a", "bb", "", "ccc"], 10, 100, b"a\r\nbb\n\nccc"))
    expected = [(100, "a"), (103, "bb"), (106, ""), (107, "ccc")]
    for index in (0, 2, 3, 1, 3, 0):
        assert finder.find(index) == expected[index]
    assert RecordFinder(Block(["a"], 1, 0, b"")).find(0) == (None, "a")
    assert RecordFinder(Overlong(3, 77, "head")).find(0) == (77, None)


def test_many_failing_lines_of_one_block_cost_one_search_through_it() -> None:
    class Counting(bytes):
        searches = 0

        def index(self, *arguments: Any) -> int:
            Counting.searches += 1
            return super().index(*arguments)

    raw = Counting(b"x\n" * 1000)
    finder = RecordFinder(Block(["x"] * 1000, 1, 0, raw))
    assert [finder.find(index)[0] for index in range(1000)] == list(range(0, 2000, 2))
    assert Counting.searches == 999


SOURCES = {
    "function": ("def f(line):\n    return str(1 / int(line))\n", 2),
    "deeper": ("def deep(line):\n    return int(line)\n\ndef f(line):\n    return str(deep(line))\n", 2),
    "library": ("import json\n\ndef f(line):\n    return json.loads(line)\n", 4),
    "generator": ("def f(line):\n    yield line\n    yield str(int(line))\n", 3),
    "class": ("class f:\n    def process(self, line):\n        return self.no\n", 3),
    "finish": ("class f:\n    def process(self, line): pass\n    def finish(self):\n        1 / 0\n", 4),
    "exit": ("import sys\n\ndef f(line):\n    sys.exit(3)\n", 4),
    "made": ("class f:\n    def __init__(self):\n        1 / 0\n    def process(self, line): pass\n", 3),
}  # fmt: skip


@pytest.mark.parametrize("kind", [*SOURCES, "stream"])
def test_an_error_of_a_processor_names_its_file_and_line_of_source(tmp_path: Path, kind: str) -> None:
    stream = "def f(records):\n    for tag, line in records:\n        int(line)\n        yield tag, line\n"
    source, number = SOURCES.get(kind, (stream, 3))
    name = f"source_of_{kind}"
    (tmp_path / f"{name}.py").write_text(source)
    node = {"tag": "start", "type": f"{name}.f", "next": "end", "stream": kind == "stream"}
    plan = build_plan({"nodes": [node]}, folder=str(tmp_path))
    with pytest.raises(RecordError, match=rf"\({name}\.py:{number}\)$"):
        rejected(plan, b"no number\n", tmp_path)


def test_a_module_that_cannot_be_imported_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "breaks_at_import.py").write_text("import os\n\nos.no_such_thing\n")
    with pytest.raises(Exception, match=r"AttributeError: .* \(breaks_at_import\.py:3\)"):
        build_plan({"nodes": [{"tag": "start", "type": "breaks_at_import.f"}]}, folder=str(tmp_path))


def test_what_a_processor_asks_for_names_no_source(tmp_path: Path) -> None:
    plan = plan_of([{"tag": "start", "type": user("reject_bad"), "next": "end"}])
    [entry] = rejected(plan, b"bad\n", tmp_path)
    assert entry["error"] == "no such account"


def test_an_error_of_fprocs_own_has_no_source() -> None:
    def raised(call: Callable[[], object]) -> Exception:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever it is
            return error
        raise AssertionError("it raised nothing")

    error = raised(lambda: RecordFinder(Block([], 1, 0, b"")).find(0))
    assert cause_of(error).startswith("IndexError: ")
    never_raised = ValueError("x")
    assert cause_of(never_raised) == "ValueError: x"


def test_a_failure_is_shortened_where_its_lines_are_long() -> None:
    failure = LineFailure("skipped", "n", 1, 0, "g" * 5000, "t", "l" * 5000, "r" * 5000)
    short = failure.shortened()
    assert max(len(short.given or ""), len(short.line or ""), len(short.reason)) < 1100
    assert short[:4] == failure[:4]
