"""A name in a template that no record can have is a problem, where the fields are known."""

from __future__ import annotations

from typing import Any

import pytest

from fproc.cli.design.check import failed_examples
from fproc.pipeline.advice import unknown_fields
from tests.support.helpers import plan_of
from tests.support.nodes import Options, pipeline

CSV = ("parse_csv", {"header": ["user", "level"]})


def problems(*nodes: tuple[str, Options]) -> list[str]:
    return [str(problem) for problem in unknown_fields(plan_of(pipeline(*nodes)))]


@pytest.mark.parametrize(
    ("before", "template", "hint"),
    [
        ([], "{zzz}", "they have level, user"),
        ([], "{usr}", "did you mean 'user'?"),
        ([("edit", {"rename": {"user": "name"}})], "{user}", "they have level, name"),
        ([("edit", {"remove": ["user"]})], "{user}", "they have level"),
        ([("edit", {"keep": ["level", "x"]})], "{user}", "they have level"),
        ([("where", {"field": "user", "exists": True}), ("mask", {})], "{zzz}", "they have level, user"),
        ([("lookup", {"field": "user", "table": {"a": 1}})], "{val}", "did you mean 'value'?"),
    ],
)
def test_it_is_named_with_what_there_is(before: Any, template: str, hint: str) -> None:
    (found,) = problems(CSV, *before, ("format", {"template": template}))
    assert found.endswith(f"config: {template} is no field of the records that come here; {hint}")


@pytest.mark.parametrize(
    ("before", "template"),
    [
        ([CSV], "{user} {level} {file} {line_no} {offset}"),
        ([CSV, ("edit", {"set": {"new": 1, "a.b": 2}})], "{new} {a.b} {a.c}"),
        ([CSV, ("edit", {"rename": {"user": "x.y"}})], "{x.y} {level}"),
        ([("edit", {"keep": ["x"]})], "{x}"),
        ([("parse_csv", {})], "{anything}"),
        ([("parse_json", {})], "{anything}"),
        ([CSV, ("tally", {"field": "user", "template": "{key} {count}"})], "{anything}"),
    ],
)
def test_what_may_be_there_is_none(before: Any, template: str) -> None:
    assert problems(*before, ("format", {"template": template})) == []


def test_all_ways_to_a_node_count() -> None:
    plan = plan_of([
        {"tag": "start", "type": "trim", "next": ["one", "two"]},
        {"tag": "one", "type": "parse_csv", "config": {"header": ["a"]}, "next": "sink"},
        {"tag": "two", "type": "parse_csv", "config": {"header": ["b"]}, "next": "sink"},
        {"tag": "sink", "type": "write", "config": {"file": "{a}{b}{c}"}},
    ])  # fmt: skip
    assert [str(problem) for problem in unknown_fields(plan)] == [
        "$.nodes[3].config: {c} is no field of the records that come here; they have a, b"
    ]


def test_where_they_are_not_known_an_example_shows_it() -> None:
    nodes = pipeline(("parse_json", {}), ("format", {"template": "{usr}", "otherwise": "drop"}))
    example = {"input": ['{"user": "ann"}'], "expect": {"end": ["ann"]}}
    (problem,) = failed_examples(plan_of(nodes, examples=[example]))
    assert "missing 'ann'" in str(problem)
