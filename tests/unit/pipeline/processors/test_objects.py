"""Structured records: from a line to a record and back, and the fields at paths in them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import Reject
from fproc.pipeline.processors import objects
from fproc.pipeline.processors.objects import (
    MISSING,
    MOST_FORMS,
    MOST_IN_FORM,
    Misfit,
    decode,
    editing,
    encode,
    formatting,
    get,
    parsing,
    put,
    remove,
    selecting,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "line",
    [
        '{"b":1.50,"a":1e3}',
        '{"n":-0,"m":-0.0,"o":0,"p":[-0]}',
        '{"n":1E400,"m":0.10000000000000000000000001}',
        '{"n":123456789012345678901234567890}',
        f'{{"n":{"9" * 5000},"m":[{{"x":{"8" * 5000}}}]}}',
        '{"deep":{"list":[1.0,1.00,{"z":2.50,"y":null}],"t":true},"s":"x"}',
        '{"":"","é":"ü","nul":"\\u0000","two":"a\\nb"}',
        '{"bytes":"\udcff\udc80"}',
        "{}",
    ],
)
def test_a_line_without_blanks_comes_back_as_it_was(line: str) -> None:
    assert encode(decode(line)) == line


@given(st.dictionaries(st.text(), VALUES))
def test_any_record_survives_a_line(record: dict[str, Any]) -> None:
    line = encode(record)
    assert "\n" not in line
    assert decode(line) == record
    assert list(decode(line)) == list(record)
    assert json.loads(line) == record


SPECIAL = st.sampled_from(
    ["", "x", 'a"b', "a\\b", "\t", "\x00", "\x7f", "é", "\u2028", "😀", "\udc80", "{", '":"', "%s"]
)
SCALARS = (
    st.sampled_from([0, -1, 10**30, True, False, None, 1.5, -0.0, 1e300, 1e-7])
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)


@given(
    keys=st.lists(SPECIAL, min_size=1, max_size=5, unique=True),
    rows=st.lists(
        st.lists(st.one_of(SPECIAL, SPECIAL, SCALARS), min_size=5, max_size=5), min_size=1, max_size=6
    ),
    texts=st.lists(st.lists(SPECIAL, min_size=5, max_size=5), max_size=4),
)
def test_records_with_the_same_keys_are_written_as_the_standard_library_writes_each(
    keys: list[str], rows: list[list[Any]], texts: list[list[str]]
) -> None:
    for values in [*texts, *rows, *texts]:
        record = dict(zip(keys, values, strict=False))
        assert encode(record) == json.dumps(record, ensure_ascii=False, separators=(",", ":"))


class Shout(str):
    """Text that shows itself otherwise."""

    __slots__ = ()

    def __str__(self) -> str:
        return "!"


def test_text_of_a_class_of_its_own_is_written_as_the_text_that_it_is() -> None:
    assert encode({"a": Shout("x"), "b": "y"}) == '{"a":"x","b":"y"}'
    assert encode({"a": Shout("x"), "b": 1}) == '{"a":"x","b":1}'


def test_records_of_ever_new_keys_do_not_fill_the_memory() -> None:
    for number in range(3 * MOST_FORMS):
        assert encode({f"k{number}": "x"}) == f'{{"k{number}":"x"}}'
    assert encode({"k" * (MOST_IN_FORM + 1): "x"}) == f'{{"{"k" * (MOST_IN_FORM + 1)}":"x"}}'
    assert len(objects._FORMS) <= MOST_FORMS


def test_numbers_count_as_their_value_however_they_are_written() -> None:
    record = decode('{"a":1.50,"b":1e3,"c":-0,"d":7}')
    assert record == {"a": 1.5, "b": 1000.0, "c": 0, "d": 7}
    assert record["a"] + 1 == 2.5
    assert encode(copy.deepcopy(record)) == '{"a":1.50,"b":1e3,"c":-0,"d":7}'


def test_a_pair_of_escapes_is_one_character() -> None:
    assert encode(decode(r'{"a":"\ud83d\ude00 \\ud83d"}')) == r'{"a":"😀 \\ud83d"}'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", r"is not JSON: Expecting value \(column 1\)"),
        ('{"a":1} x', r"is not JSON: Extra data \(column 9\)"),
        ('{"a":01}', "is not JSON: "),
        ('{"a":NaN}', "is not JSON: NaN is no number of JSON"),
        ('{"a":-Infinity,"b":-0}', "is not JSON: -Infinity is no number of JSON"),
        ("[1]", "is no JSON object but a list"),
        ("1.5", "is no JSON object but a number"),
        ('"x"', "is no JSON object but text"),
        ("true", "is no JSON object but true or false"),
        ("null", "is no JSON object but null"),
        (r'{"a":"\udc80"}', "has half a character"),
        (r'{"a":"\\\ud83d \ud83d\ude00"}', "has half a character"),
        ("[" * 100_000, "is nested too deep"),
    ],
)
def test_what_is_no_object_is_a_misfit_that_says_why(line: str, why: str) -> None:
    with pytest.raises(Misfit, match=why):
        decode(line)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, [{"a": float("nan")}], {"b": {2: {}}}])
def test_what_json_cannot_write_is_a_misfit(value: Any) -> None:
    with pytest.raises(Misfit, match="cannot be written as JSON"):
        encode({"a": value, "other": []})


def test_a_path_leads_into_objects_and_a_key_with_the_dot_in_it_wins() -> None:
    record = {"a": {"b": 1, "c.d": 2}, "x.y": 3, "x": {"y": 4}, "n": None, "t": "text"}
    assert get(record, "a.b") == 1
    assert get(record, "a.c.d") == 2
    assert get(record, "x.y") == 3
    assert get(record, "n") is None
    assert get(record, "t.u") is MISSING
    assert get(record, "a.z", "-") == "-"


def test_a_field_is_put_where_it_is_or_behind_the_others_with_the_objects_on_the_way() -> None:
    record: dict[str, Any] = {"a": {"b": 1}, "x.y": 3}
    put(record, "a.c", 2)
    put(record, "x.y", 4)
    put(record, "new.deep.er", 5)
    put(record, "a.b", 6)
    assert encode(record) == '{"a":{"b":6,"c":2},"x.y":4,"new":{"deep":{"er":5}}}'
    with pytest.raises(Misfit, match=r"^the field 'q' is no object but a number, so it has no 'z'$"):
        put({"x.y": 4, "q": 1}, "q.z", 1)


def test_a_field_is_removed_and_given_back() -> None:
    record: dict[str, Any] = {"a": {"b": 1, "c": {"d": 2}}, "x.y": 3}
    assert remove(record, "a.c.d") == 2
    assert remove(record, "x.y") == 3
    assert remove(record, "a.z.q") is MISSING
    assert remove(record, "a.b.q") is MISSING
    assert record == {"a": {"b": 1, "c": {}}}


def test_changing_a_copy_leaves_the_record_as_it_was_however_deep_the_change() -> None:
    record = decode('{"a":{"b":{"c":1,"d":2}}}')
    changed = dict(record)
    put(changed, "a.b.c", 5)
    remove(changed, "a.b.d")
    assert encode(changed) == '{"a":{"b":{"c":5}}}'
    assert encode(record) == '{"a":{"b":{"c":1,"d":2}}}'


def _needs_a(record: dict[str, Any]) -> dict[str, Any] | None:
    if "a" not in record:
        raise Misfit("has no 'a'")
    return None if record["a"] is None else {**record, "b": 1}


def test_a_processor_of_records_takes_a_line_and_gives_one() -> None:
    edit = editing(_needs_a, "keep")
    assert edit.process("t", '{"a": 2.50}') == (("t", '{"a":2.50,"b":1}'),)
    assert edit.process("t", '{"a": null}') == ()
    parse = parsing(lambda line: {"line": line} if line else None, "reject")
    assert parse.process("t", "x") == (("t", '{"line":"x"}'),)
    assert parse.process("t", "") == ()
    keep = selecting(lambda record: record["a"] > 1, "keep")
    assert keep.process("t", '{"a": 2}') == (("t", '{"a": 2}'),)
    assert keep.process("t", '{"a": 1}') == ()
    form = formatting(lambda record: record["a"], "keep")
    assert form.process("t", '{"a": "x"}') == (("t", "x"),)


def test_otherwise_says_what_becomes_of_a_misfit() -> None:
    assert editing(_needs_a, "keep").process("t", '{"z": 1}') == (("t", '{"z": 1}'),)
    assert editing(_needs_a, "drop").process("t", "no object") == ()
    with pytest.raises(Reject, match=r"^has no 'a'$"):
        editing(_needs_a, "reject").process("t", '{"z": 1}')
