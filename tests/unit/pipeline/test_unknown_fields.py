"""A name in a template that no record can have is a problem, where the fields are known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fproc.cli.design.check import failed_examples
from fproc.pipeline.advice import unknown_fields
from fproc.pipeline.processors.parsers.logs import PARSE_LOG
from tests.support.helpers import plan_of
from tests.support.nodes import Options, of_one, pipeline

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
    ("kind", "config", "fields"),
    [
        ("dissect", {"pattern": "{a.b} {} {c->}"}, "a, c"),
        ("parse_fixed", {"columns": {"id": "1-4", "name": "5-"}}, "id, name"),
        ("parse_regex", {"pattern": "(?P<a>x) %{INT:b.c:int}"}, "a, b"),
        ("parse_log", {"format": "common"}, "bytes, host, ident, method, path, protocol, status, time, user"),
    ],
)
def test_parsers_whose_options_name_the_fields_make_no_others(
    kind: str, config: Options, fields: str
) -> None:
    (found,) = problems((kind, config), ("format", {"template": "{zzz}"}))
    assert found.endswith(f"; they have {fields}")


def test_the_fields_of_logs_are_those_that_their_lines_become() -> None:
    lines = {
        "combined": PARSE_LOG.example[1][0],
        "syslog_3164": "<34>Oct 11 22:14:15 host su: failed",
        "syslog_5424": "<34>1 2003-10-11T22:14:15.003Z host su - ID47 - failed",
    }
    for form, line in lines.items():
        (made,) = of_one("parse_log", {"format": form}, [line]).lines
        assert PARSE_LOG.fields_after({"format": form}, None) == json.loads(made).keys()


@pytest.mark.parametrize(
    ("before", "template"),
    [
        ([CSV], "{user} {level} {file} {line_no} {offset}"),
        ([CSV, ("edit", {"set": {"new": 1, "a.b": 2}})], "{new} {a.b} {a.c}"),
        ([CSV, ("edit", {"rename": {"user": "x.y"}})], "{x.y} {level}"),
        ([("edit", {"keep": ["x"]})], "{x}"),
        ([("parse_csv", {})], "{anything}"),
        ([("parse_json", {})], "{anything}"),
        ([("parse_kv", {})], "{anything}"),
        ([("parse_log", {"format": "w3c"})], "{anything}"),
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
    problem, difference = failed_examples(plan_of(nodes, examples=[example]))
    assert str(problem) == (
        "$.nodes[1].config: {usr} is no field of the records of the example; did you mean 'user'?"
    )
    assert "missing 'ann'" in str(difference)
