"""Text that ends records: rows of CSV, pairs, JSON and templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.checks import check_options
from fproc.pipeline.processors.parsers.format import CsvFormatter
from fproc.pipeline.processors.state import of_attributes
from tests.support.helpers import plan_of, run_lines
from tests.support.nodes import of_one, told

CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r"), max_size=6)

NAMES = st.text(st.sampled_from('ab,;|"\t\n é'), min_size=1).filter(str.strip)


def formatted(config: dict[str, Any], *lines: str) -> list[str]:
    plan = plan_of([{"tag": "start", "type": "format", "config": config, "next": "end"}])
    return run_lines(plan, *lines).get("in.log", [])


def test_rows_have_the_columns_of_the_first_record_in_its_order() -> None:
    assert formatted(
        {"to": "csv"}, '{"a":1.50,"b":null}', '{"b":true,"a":"x,\\"y"}', '{"a":{"x":[1]},"b":"é"}'
    ) == ["a,b", "1.50,", '"x,""y",true', '"{""x"":[1]}",é']


def test_a_record_with_other_fields_than_the_first_does_not_fit() -> None:
    lines = ['{"a":1,"b":2}', '{"a":1}', '{"a":1,"b":2,"c":3}', '{"a":5,"b":6}']
    assert formatted({"to": "csv", "otherwise": "drop"}, *lines) == ["a,b", "1,2", "5,6"]
    assert formatted({"to": "csv", "otherwise": "drop", "default": "-"}, *lines) == [
        "a,b",
        "1,2",
        "1,-",
        "5,6",
    ]


def test_columns_may_be_chosen_nested_ones_too_and_the_header_left_out() -> None:
    config = {"to": "csv", "fields": ["b.c", "a"], "separator": ";", "header": False}
    assert formatted(config, '{"a":"x;y","b":{"c":-0},"d":1}') == ['-0;"x;y"']


def test_a_header_comes_once_though_a_run_goes_on_from_a_checkpoint() -> None:
    first = CsvFormatter(None, None, ",".join, has_header=True)
    second = CsvFormatter(None, None, ",".join, has_header=True)
    assert [*first.lines('{"a":1,"b":2}')] == ["a,b", "1,2"]
    names = ["fields", "needs_header"]
    of_attributes(second, names).restore(json.loads(json.dumps(of_attributes(first, names).snapshot())))
    assert [*second.lines('{"b":4,"a":3}')] == ["3,4"]


def test_pairs_are_quoted_where_they_must_be() -> None:
    line = r'{"a":1.50,"b":null,"c":"x y","d":"q\"\\","e":"C:\\x"}'
    assert formatted({"to": "kv"}, line, '{"a b":1}') == [r'a=1.50 b= c="x y" d="q\"\\" e=C:\x', '{"a b":1}']


def test_json_may_have_some_fields_only() -> None:
    assert formatted({"to": "json", "fields": ["c", "a"]}, '{"a": 1.50, "b": 2, "c": []}') == [
        '{"c":[],"a":1.50}'
    ]


def test_a_template_is_filled_with_fields_wherever_they_are() -> None:
    config = {"template": "{a.b} {{x}} {c d}:{z}", "default": "-"}
    assert formatted(config, '{"a":{"b":1.50},"c d":true}') == ["1.50 {x} true:-"]
    assert formatted({"template": "{a}", "otherwise": "drop"}, '{"b":1}') == []


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({}, "nothing says what the text is"),
        ({"to": "csv", "template": "{a}"}, "'to' and 'template' both say what the text is"),
        ({"template": "{}"}, "{} is not a plain {name}"),
        ({"template": "{a:>5}"}, "{a} is not a plain {name}"),
        ({"template": "{a"}, "expected '}' before end of string"),
    ],
)
def test_wrong_options_are_explained(config: dict[str, Any], what: str) -> None:
    _, problems = check_options("format", BUILTINS["format"], config, "$")
    assert what in "; ".join(problem.what for problem in problems)


@given(
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t", "||"]),
)
def test_a_table_that_is_written_and_parsed_again_is_the_same(
    names: list[str], rows: list[list[str]], separator: str
) -> None:
    table = [dict(zip(names, row, strict=False)) for row in rows]
    plan = plan_of([
        {"tag": "start", "type": "format", "config": {"to": "csv", "separator": separator}, "next": "p"},
        {"tag": "p", "type": "parse_csv", "config": {"separator": separator}, "next": "end"},
    ])  # fmt: skip
    records = [json.loads(line) for line in run_lines(plan, *map(json.dumps, table)).get("in.log", [])]
    assert records == [record for record in table if [*record.values()] != names]


@given(st.dictionaries(st.text("abc.-", min_size=1), CELLS, min_size=1))
def test_pairs_that_are_written_and_parsed_again_are_the_same(record: dict[str, str]) -> None:
    plan = plan_of([
        {"tag": "start", "type": "format", "config": {"to": "kv"}, "next": "p"},
        {"tag": "p", "type": "parse_kv", "next": "end"},
    ])  # fmt: skip
    assert [json.loads(line) for line in run_lines(plan, json.dumps(record))["in.log"]] == [record]


def test_cells_that_could_not_be_told_apart_are_refused() -> None:
    assert "quote: '\"' stands in the separator, too" in told("format", {"to": "csv", "separator": ';"'})
    assert of_one("format", {"to": "kv", "separator": "\n"}, ['{"a":1,"b":2}']).lines == ["a=1\nb=2"]
