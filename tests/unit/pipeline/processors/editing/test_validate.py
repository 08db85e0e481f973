"""A record that breaks a rule is rejected with the reason; others stay as they are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.nodes import of_one, told


def complaint(record: dict[str, Any], **config: Any) -> str:
    """Why a record is rejected; nothing if it is kept."""
    outcome = of_one("validate", config, [json.dumps(record)])
    assert outcome.lines == ([] if outcome.reasons else [json.dumps(record)])
    return "".join(outcome.reasons)


@pytest.mark.parametrize(
    ("record", "config", "reason"),
    [
        ({"a": 1}, {"required": ["a"]}, ""),
        ({"b": 1}, {"required": ["a"]}, "the field 'a' is missing"),
        ({"a": ""}, {"required": ["a"]}, "the field 'a' is empty"),
        ({"a": {"b": None}}, {"required": "a.b"}, "the field 'a.b' is empty"),
        ({"a": "12", "b": "1.5", "c": "true", "d": "2026-01-02", "e": {}, "f": [], "g": "x"},
         {"types": {"a": "integer", "b": "number", "c": "boolean", "d": "time", "e": "object", "f": "list",
                    "g": "text"}},
         ""),
        ({"a": "1.5"}, {"types": {"a": "integer"}}, "the field 'a', '1.5', is no integer"),
        ({"a": True}, {"types": {"a": "number"}}, "the field 'a', 'true', is no number"),
        ({"a": "2026-02-30"}, {"types": {"a": "time"}}, "the field 'a', '2026-02-30', is no time"),
        ({"a": "x7"}, {"patterns": {"a": "^\\d+$"}}, "the field 'a', 'x7', does not match '^\\\\d+$'"),
        ({"a": 7}, {"patterns": {"a": "^\\d+$"}}, ""),
        ({"a": "150"}, {"ranges": {"a": [0, 150]}}, ""),
        ({"a": 150.5}, {"ranges": {"a": [0, 150]}}, "the field 'a', '150.5', is not 150 or less"),
        ({"a": -1}, {"ranges": {"a": [0, None]}}, "the field 'a', '-1', is not 0 or more"),
        ({"a": "n/a"}, {"ranges": {"a": [0, None]}}, "the field 'a', 'n/a', is not 0 or more"),
        ({"a": "2026-01-01T00:00:00Z"}, {"ranges": {"a": ["2026-01-01", "2026-12-31"]}}, ""),
        ({"a": "2025-12-31"}, {"ranges": {"a": ["2026-01-01", None]}},
         "the field 'a', '2025-12-31', is not 2026-01-01 or more"),
        ({"a": "EUR"}, {"one_of": {"a": ["EUR", "USD"]}}, ""),
        ({"a": "GBP"}, {"one_of": {"a": ["EUR", 5]}}, "the field 'a', 'GBP', is not one of EUR, 5"),
        ({"a": "5"}, {"one_of": {"a": ["EUR", 5]}}, ""),
        ({"b": "x"}, {"types": {"a": "integer"}, "ranges": {"a": [1, 2]}}, ""),
        ({"b": "x"}, {"required": ["a"], "types": {"b": "integer"}},
         "the field 'a' is missing; the field 'b', 'x', is no integer"),
    ],
)  # fmt: skip
def test_a_rule_says_what_a_field_may_be(record: dict[str, Any], config: dict[str, Any], reason: str) -> None:
    assert complaint(record, **config) == reason


def test_a_misfit_can_be_dropped_or_kept_instead() -> None:
    lines = ['{"a": 1}', '{"b": 1}', "text"]
    assert of_one("validate", {"required": "a", "otherwise": "drop"}, lines).lines == [lines[0]]
    assert of_one("validate", {"required": "a", "otherwise": "keep"}, lines).lines == lines


@given(value=st.integers(-5, 5), least=st.integers(-5, 5), most=st.integers(-5, 5))
def test_a_range_has_both_of_its_bounds_in_it(value: int, least: int, most: int) -> None:
    assert (complaint({"a": value}, ranges={"a": [least, most]}) == "") == (least <= value <= most)


def test_rules_that_are_none_are_told() -> None:
    assert "required: there is no rule" in told("validate", {})
    assert "ranges.a: must be a list of the least and the most" in told("validate", {"ranges": {"a": [1]}})
    assert "types.a: must be one of text, number" in told("validate", {"types": {"a": "float"}})
    assert "patterns.a: is not a regular expression" in told("validate", {"patterns": {"a": "("}})
