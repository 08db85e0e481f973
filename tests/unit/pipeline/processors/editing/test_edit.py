"""A record is changed as it says, in the order of its options, and nothing else of it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.nodes import of_one, told


def edited(record: dict[str, Any] | str, **config: Any) -> str:
    line = record if isinstance(record, str) else json.dumps(record)
    (new,) = of_one("edit", {"otherwise": "reject", **config}, [line]).lines
    return new


def why_not(record: dict[str, Any], **config: Any) -> str:
    (reason,) = of_one("edit", {"otherwise": "reject", **config}, [json.dumps(record)]).reasons
    return reason


@pytest.mark.parametrize(
    ("config", "line", "expected"),
    [
        ({"set": {"c": 1, "a": "x"}}, '{"a": 1, "b": 2}', '{"a":"x","b":2,"c":1}'),
        ({"set": {"c": "{a}"}}, '{"a": 1.50}', '{"a":1.50,"c":1.50}'),
        ({"set": {"c": "{a} {{{b.c}}}"}},
         '{"a": 1.50, "b": {"c": null}}', '{"a":1.50,"b":{"c":null},"c":"1.50 {}"}'),
        ({"set": {"b.c": "{user name}", "d.e": []}}, '{"user name": "al", "b": {"x": 1}}',
         '{"user name":"al","b":{"x":1,"c":"al"},"d":{"e":[]}}'),
        ({"set": {"a": "{b}", "b": "{a}"}}, '{"a": 1, "b": 2}', '{"a":2,"b":1}'),
        ({"rename": {"a": "x"}}, '{"a": 1, "b": 2}', '{"x":1,"b":2}'),
        ({"rename": {"a": "b"}}, '{"a": 1, "b": 2, "c": 3}', '{"b":1,"c":3}'),
        ({"rename": {"a": "b", "b": "a"}}, '{"a": 1, "b": 2}', '{"b":1,"a":2}'),
        ({"rename": {"a.b": "c", "none": "d"}}, '{"a": {"b": 1, "x": 2}}', '{"a":{"x":2},"c":1}'),
        ({"remove": ["a", "b.c", "none"]}, '{"a": 1, "b": {"c": 1, "d": 2}}', '{"b":{"d":2}}'),
        ({"remove": "a.b"}, '{"a.b": 1, "a": {"b": 2}}', '{"a":{"b":2}}'),
        ({"keep": ["c", "a", "d.e"]},
         '{"a": 1, "b": 2, "c": 3, "d": {"e": 4, "f": 5}}', '{"a":1,"c":3,"d":{"e":4}}'),
        ({"types": {"a": "integer", "b": "number", "c": "boolean", "d": "text"}},
         '{"a": "007", "b": "1.50", "c": "Yes", "d": 2.0}', '{"a":7,"b":1.50,"c":true,"d":"2.0"}'),
        ({"types": {"a": "number", "b": "number", "c": "number", "d": "integer"}},
         '{"a": "+.5", "b": "1e3", "c": "", "d": "2.00"}', '{"a":0.5,"b":1e3,"c":null,"d":2}'),
        ({"types": {"a": "number", "b": "number", "c": "integer"}},
         '{"a": ".5", "b": "-.5", "c": "+5"}', '{"a":0.5,"b":-0.5,"c":5}'),
        ({"types": {"a": "integer", "none": "text"}},
         '{"a": 12345678901234567890123}', '{"a":12345678901234567890123}'),
        ({"set": {"n": "{a}"}, "rename": {"a": "b"}, "remove": "c", "keep": ["b", "n"],
          "types": {"b": "integer"}},
         '{"a": "5", "c": 1, "d": 2}', '{"b":5,"n":"5"}'),
    ],
)  # fmt: skip
def test_a_record_becomes_what_the_options_say(config: dict[str, Any], line: str, expected: str) -> None:
    assert edited(line, **config) == expected


def test_what_cannot_be_done_to_a_record_is_a_misfit_with_the_field_named() -> None:
    assert "no field 'b'" in why_not({"a": 1}, set={"c": "{b}"})
    assert why_not({"a": "x1"}, types={"a": "integer"}) == "the field 'a', 'x1', is no whole number"
    assert "is no whole number" in why_not({"a": 1.5}, types={"a": "integer"})
    assert "is no number" in why_not({"a": "1_000"}, types={"a": "number"})
    assert "neither true nor false" in why_not({"a": "maybe"}, types={"a": "boolean"})
    assert "is no object" in why_not({"a": "x"}, set={"a.b": 1})
    assert of_one("edit", {"remove": "a"}, ["text"]).lines == ["text"]


def test_a_record_can_name_its_source() -> None:
    lines = ['{"a":1}', '{"a":"é"}', '{"a":3}']
    config = {"set": {"from": "{file}:{line_no}@{offset}", "no": "{line_no}"}}
    assert [json.loads(line)["from"] for line in of_one("edit", config, lines).lines] == [
        "in.log:1@0", "in.log:2@8", "in.log:3@19"
    ]  # fmt: skip
    assert [json.loads(line)["no"] for line in of_one("edit", config, lines).lines] == [1, 2, 3]
    assert edited({"file": "own"}, set={"a": "{file}"}) == '{"file":"own","a":"own"}'


TEXT = st.text('ab.é"\\{}\n\t', max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(TEXT, SCALARS, max_size=2)
RECORDS = st.dictionaries(st.sampled_from(["a", "b", "c", "d.e", "", "é"]), JSON)


def pairs(value: Any) -> Any:
    """A value in which the order of keys counts, and true is not 1."""
    if isinstance(value, dict):
        return [(key, pairs(item)) for key, item in value.items()]
    return [pairs(item) for item in value] if isinstance(value, list) else (type(value), value)


@given(record=RECORDS)
def test_an_edit_by_itself_changes_nothing_else(record: dict[str, Any]) -> None:
    assert pairs(json.loads(edited(record))) == pairs(record)
    assert pairs(json.loads(edited(record, remove=["not there"], rename={"neither": "x"}))) == pairs(record)
    found = json.loads(edited(record, set={"new": 5}))
    assert pairs(found) == pairs({**record, "new": 5})
    assert pairs(json.loads(edited(record, remove=["a"]))) == pairs(
        {k: v for k, v in record.items() if k != "a"}
    )
    assert pairs(json.loads(edited(record, keep=["c", "a"]))) == pairs(
        {k: v for k, v in record.items() if k in "ac" and k}
    )


def test_options_that_make_no_sense_are_told() -> None:
    assert "types.a: must be one of text, number, integer, boolean" in told("edit", {"types": {"a": "int"}})
    assert "set.a: must not have a line ending" in told("edit", {"set": {"a": "x\ny"}})
    assert "is not a plain {name}" in told("edit", {"set": {"a": "{b!r}"}})
    assert "remove: must not be an empty list" in told("edit", {"remove": []})
