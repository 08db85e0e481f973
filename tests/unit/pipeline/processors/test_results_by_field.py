"""A result's name may name fields of the records that go there; their values are made safe."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.advice import configuration_warnings
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.options.result_names import is_result_name
from fproc.pipeline.processors.options.templates import MOST_NAME_BYTES, safe_name
from fproc.pipeline.records import Block
from tests.support.helpers import SOURCE, Memory, plan_of

Results = dict[str, list[str]]


def plan_for(file: str, *before: dict[str, Any], **config: Any) -> Plan:
    nodes = [*before, {"tag": "sink", "type": "write", "config": {"file": file, **config}}]
    return plan_of([{**nodes[0], "tag": "start"}, *nodes[1:]])


def written(plan: Plan, *lines: str) -> tuple[Results, list[str]]:
    """The results, compiled and interpreted, and why lines failed."""
    outcomes = []
    for engine in (Interpreter, None):
        output, errors = Memory(), list[RecordError]()
        options: dict[str, Any] = {
            "source": SOURCE, "output": output, "entry": "start", "max_hops": 9, "on_error": errors.append
        }  # fmt: skip
        run = (
            CompiledRun(plan.compiler, plan.graph, plan.makers, **options)
            if engine is None
            else engine(plan.graph, plan.makers, **options)
        )
        run.feed(Block(list(lines), 1, 0, b""))
        run.finish()
        outcomes.append((output.results, [error.failure.reason for error in errors]))
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


def test_records_go_to_the_results_that_their_fields_name() -> None:
    lines = ['{"a":"x","b":{"c":1.50}}', '{"a":"y","b":{"c":null}}', '{"a":"x","b":{"c":1.50},"d":2}']
    results, _ = written(plan_for("{stem}/{a}-{b.c}{suffix}"), *lines)
    assert results == {"in/x-1.50.log": [lines[0], lines[2]], "in/y-%.log": [lines[1]]}


def test_a_line_that_has_not_the_field_is_rejected_or_dropped() -> None:
    results, reasons = written(plan_for("{a}"), '{"b":1}', "text", '{"a":1}')
    assert results == {"1": ['{"a":1}']}
    assert reasons[0] == "has no field 'a', which the result's name needs"
    assert reasons[1].startswith("is not JSON")
    assert written(plan_for("{a}", otherwise="drop"), '{"b":1}', "text")[1] == []


def test_what_goes_to_one_result_on_two_ways_stays_in_order() -> None:
    tag = {"type": "tag", "config": {"rules": {"left": "1"}, "default": "right"}}
    plan = plan_of([
        {**tag, "tag": "start", "next": {"left": "fields", "right": "plain"}},
        {"tag": "fields", "type": "write", "config": {"file": "{a}.log"}},
        {"tag": "plain", "type": "write", "config": {"file": "x.log"}},
    ])  # fmt: skip
    lines = [f'{{"a":"x","n":{number}}}' for number in (1, 2, 21, 3, 1)]
    assert written(plan, *lines) == ({"x.log": lines}, [])


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("a/b", "a%2Fb"), ("../x", "%2E.%2Fx"), ("..", "%2E."), ("", "%"), (".stage", "%2Estage"),
        ("a\n\0b", "a%0A%00b"), ("50%", "50%25"), ("é x", "é x"), ("a\\b", "a%5Cb"),
    ],
)  # fmt: skip
def test_a_value_leads_nowhere_else(value: str, name: str) -> None:
    results, reasons = written(plan_for("by/{a}"), json.dumps({"a": value}))
    assert (list(results), reasons) == ([f"by/{name}"], [])


@given(one=st.text(max_size=20), two=st.text(max_size=20))
def test_two_values_have_two_names_that_results_can_have(one: str, two: str) -> None:
    assert (safe_name(one) == safe_name(two)) == (one == two)
    assert is_result_name(safe_name(one))
    assert "/" not in safe_name(one)


def test_a_long_value_is_cut() -> None:
    assert len(os.fsencode(safe_name("é" * 400))) <= MOST_NAME_BYTES


def test_a_field_that_looks_like_a_mistyped_name_is_told() -> None:
    warnings = configuration_warnings(plan_for("{nmae}.log"))
    assert any("{nmae} is taken for a field of the record; did you mean 'name'?" in text for text in warnings)
    assert any(
        "several inputs have a result '{level}.log'" in text
        for text in configuration_warnings(plan_for("{level}.log"))
    )


def test_it_takes_records_from_the_nodes_before() -> None:
    parse = {"type": "parse_csv", "config": {"header": ["level", "text"]}, "next": "sink"}
    plan = plan_for("{level}", parse)
    assert "decode" not in plan.compiler.program("start").source
    assert written(plan, "warn,a", "info,b", "warn,c")[0] == {
        "warn": ['{"level":"warn","text":"a"}', '{"level":"warn","text":"c"}'],
        "info": ['{"level":"info","text":"b"}'],
    }


def test_a_tag_and_fields_name_a_result_together() -> None:
    tag = {"type": "tag_prefix", "config": {"separator": " "}, "next": "sink"}
    plan = plan_for("{tag}.{a}", tag)
    assert plan.compiler.program("start").source.count("push(") == 1  # for what names no result
    results, reasons = written(
        plan, 'x {"a":1}', 'y {"a":1}', 'x/y {"a":1}', 'x {"a":1.0}', "x z", 'x {"b":1}'
    )
    assert results == {"x.1": ['{"a":1}'], "y.1": ['{"a":1}'], "x.1.0": ['{"a":1.0}']}
    assert [reason[:30] for reason in reasons] == [
        "ValueError: 'x/y.1' cannot be ",
        "is not JSON: Expecting value (",
        "has no field 'a', which the re",
    ]
