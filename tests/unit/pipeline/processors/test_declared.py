"""What built-ins declare of themselves is true, and what one does not declare is not made use of."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fproc.base import schema
from fproc.pipeline.processors.base import Builtin, Maker, Processor
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.checks import check_options
from fproc.pipeline.records import Record
from tests.support.helpers import SOURCE, Memory, plan_of, run_lines
from tests.support.project import PROJECT

LINES = [
    "ERROR: disk full",
    "10:00 ERROR disk",
    "all good",
    "error:disk",
    "a,b,c",
    "",
    "GET /a",
    "ERROR: disk full",
]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "tag": [{"rules": {"e": "ERROR"}}, {"rules": {"e": "ERROR"}, "default": "d"}],
    "tag_field": [
        {"field": 2, "tags": {"ERROR": "e"}},
        {"field": 2, "tags": {"ERROR": "e"}, "default": "d"},
        {"field": "a", "tags": {"1": "e"}},
    ],
    "tag_prefix": [{}, {"default": "d"}],
    "write": [{"file": "{name}"}, {"file": "{tag}.log"}],
    "tally": [{}, {"field": 1}],
    "count": [{}, {"total": True}],
    "sample": [{"every": 2}, {"share": 0.5}],
    "envelope": [{"header": "^ERROR: disk full$"}],
    "parse_csv": [{"otherwise": "drop"}, {"header": ["a", "b"], "otherwise": "keep"}],
    "parse_log": [{"format": "common", "otherwise": "drop"}, {"format": "w3c", "otherwise": "drop"}],
    "format": [{"to": "csv"}, {"to": "csv", "fields": ["a"], "header": False}, {"to": "kv"}],
}
"""Options of those whose declarations depend on them, or that refuse such lines; else the example's."""


def _usual(builtin: Builtin) -> dict[str, Any]:
    """The options of a built-in's example; lines that do not fit are not rejected."""
    rejects = "otherwise" in builtin.options and builtin.options["otherwise"].default == "reject"
    return {**builtin.example[0], **({"otherwise": "drop"} if rejects else {})}


CASES = [
    pytest.param(name, options, id=f"{name}-{index}")
    for name, builtin in BUILTINS.items()
    for index, options in enumerate(OPTIONS.get(name, [_usual(builtin)]))
]


def values_of(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    values, problems = check_options(name, BUILTINS[name], options, "$")
    assert not problems
    return values


def made(name: str, options: Mapping[str, Any], output: Memory) -> Processor:
    return BUILTINS[name].make(**values_of(name, options))(SOURCE, output)


def done(name: str, options: Mapping[str, Any], tag: str) -> list[Any]:
    """What a fresh processor gives for each line, and what it has written by then."""
    output = Memory()
    processor = made(name, options, output)
    given = [list(processor.process(tag, line)) for line in LINES]
    left = list(processor.finish()) if processor.finish else []
    return [given, left, output.results, output.printed()]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_one_that_does_not_read_tags_does_the_same_with_any(name: str, options: dict[str, Any]) -> None:
    builtin, values = BUILTINS[name], values_of(name, options)
    (one, *others), (two, *same) = done(name, options, "one"), done(name, options, "two")
    if not builtin.reads_tag(values):
        assert others == same
        kept = [[("two" if tag == "one" else tag, line) for tag, line in records] for records in one]
        assert kept == two
    if builtin.sets_tag(values):
        assert one == two


@pytest.mark.parametrize(("name", "options"), CASES)
def test_one_that_passes_lines_changes_none(name: str, options: dict[str, Any]) -> None:
    if BUILTINS[name].passes_line:
        given = done(name, options, "t")[0]
        assert all(line == came for came, records in zip(LINES, given, strict=True) for _, line in records)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_one_that_needs_a_match_drops_all_lines_without_it(name: str, options: dict[str, Any]) -> None:
    needed = BUILTINS[name].needs_match(values_of(name, options))
    if needed:
        given, left, written, printed = done(name, options, "t")
        assert not any(records for line, records in zip(LINES, given, strict=True) if not needed.search(line))
        assert (left, written, printed) == ([], {}, [])


@pytest.mark.parametrize(("name", "options"), CASES)
def test_one_that_remembers_nothing_gives_for_a_line_what_it_gives_for_it_alone(
    name: str, options: dict[str, Any]
) -> None:
    if not BUILTINS[name].remembers(values_of(name, options)):
        alone = [list(made(name, options, Memory()).process("t", line)) for line in LINES]
        assert done(name, options, "t")[0] == alone
        assert not made(name, options, Memory()).finish


def _tag_in_front() -> Maker:
    def process(tag: str, line: str) -> Sequence[Record]:
        return [(tag, f"{tag}:{line}")]

    return lambda _source, _output: Processor(process)


def test_one_that_declares_nothing_is_given_its_tags_and_lines_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(BUILTINS, "tag_in_front", Builtin("Shows the tag.", _tag_in_front, ({}, [], [])))
    plan = plan_of([
        {"tag": "start", "type": "tag", "config": {"rules": {"e": "E"}, "default": "o"}, "next": "trim"},
        {"tag": "trim", "type": "trim", "next": "front"},
        {"tag": "front", "type": "tag_in_front", "next": "end"},
    ])  # fmt: skip
    assert plan.why_interpreted("start") is None
    assert plan.remembers
    assert run_lines(plan, "E1", "x", "E2") == {"in.log": ["e:E1", "o:x", "e:E2"]}


def test_what_is_done_about_a_built_in_goes_by_what_it_declares_and_not_by_its_name() -> None:
    compared = [
        f"{path.name}:{node.lineno}"
        for path in (PROJECT / "fproc" / "pipeline").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Compare)
        if any(isinstance(side, ast.Constant) and side.value in BUILTINS for side in node.comparators)
        if isinstance(node.left, ast.Attribute) and node.left.attr in {"name", "type"}
    ]
    assert compared == []


def test_a_large_table_of_tags_is_looked_up_and_not_gone_through() -> None:
    tags = {f"host{number}": f"t{number % 1000}" for number in range(20_000)}
    config = {"field": 1, "tags": tags, "default": "other"}
    plan = plan_of([
        {"tag": "start", "type": "tag_field", "config": config, "next": "sink"},
        {"tag": "sink", "type": "write", "config": {"file": "{tag}.log"}},
    ])  # fmt: skip
    assert len(plan.compiler.program("start").source) < 2000
    assert run_lines(plan, "host7 a", "host19999 b", "nobody c", "") == {
        "t7.log": ["host7 a"],
        "t999.log": ["host19999 b"],
        "other.log": ["nobody c", ""],
    }


def test_a_large_table_of_few_tags_has_a_branch_for_each_tag() -> None:
    tags = {f"host{number}": "odd" if number % 2 else "even" for number in range(20_000)}
    nodes = [
        {"tag": "start", "type": "tag_field", "config": {"field": 1, "tags": tags},
         "next": {"odd": "end", "even": "drop", "start": "rest"}},
        {"tag": "rest", "type": "write", "config": {"file": "{tag}"}},
    ]  # fmt: skip
    plan = plan_of(nodes)
    assert len(plan.compiler.program("start").source) < 2500
    assert run_lines(plan, "host7", "host8", "nobody") == {"in.log": ["host7"], "start": ["nobody"]}


def test_a_table_of_200_000_texts_is_read_in_one_pass() -> None:
    """One that is quadratic takes minutes for it, and so the test's time limit."""
    tags = {f"host{number}": "t" for number in range(200_000)}
    problems: schema.Problems = []
    value = schema.parse_json(json.dumps({"field": 1, "tags": tags}), "pipeline.json", problems)
    assert values_of("tag_field", value)["tags"] == tags
    assert problems == []


def test_each_wrong_entry_of_a_table_is_named() -> None:
    _, problems = check_options(
        "tag_field", BUILTINS["tag_field"], {"field": 1, "tags": {"a": "x", "b": 1, "c": None}}, "$"
    )
    assert [problem.path for problem in problems] == ["$.tags.b", "$.tags.c"]


def test_each_key_that_stands_twice_is_named_once() -> None:
    problems: schema.Problems = []
    schema.parse_json('{"b": 1, "a": 1, "b": 2, "a": 3, "b": 4, "c": 5}', "pipeline.json", problems)
    assert [problem.what for problem in problems] == [
        "the key 'a' stands twice in one object",
        "the key 'b' stands twice in one object",
    ]
