"""Keeping lines by what a field is: numbers by what they count, times by when they are, text as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.nodes import of_one, told


def kept(config: dict[str, Any], *values: Any) -> list[Any]:
    """Which of some values of the field `v` a node keeps."""
    lines = [json.dumps({"v": value}) for value in values]
    return [json.loads(line)["v"] for line in of_one("where", {"field": "v", **config}, lines).lines]


@pytest.mark.parametrize(
    ("config", "values", "expected"),
    [
        ({"above": 9}, [10, 9, 9.5, "10", "9.0", "text", None, True, ""], [10, 9.5, "10"]),
        ({"below": "10"}, ["9", 10, "1e0", "abc"], ["9", "1e0"]),
        ({"above": 1, "below": 3}, [1, 2, 3, "2.5"], [2, "2.5"]),
        ({"above": "2026-01-02"}, ["2026-01-10", "2026-01-02", "2025-12-31T23:00:00Z", 5], ["2026-01-10"]),
        ({"below": "2026-01-01T12:00:00+02:00"}, ["2026-01-01T09:59:59Z", "2026-01-01T10:00:00Z"],
         ["2026-01-01T09:59:59Z"]),
        ({"above": ".5"}, [".75", ".25", "+.6", "-.6", 1], [".75", "+.6", 1]),
        ({"above": "m"}, ["n", "a", 7], ["n"]),
        ({"is": 1}, [1, 1.0, "1", "1.00", "01", "one", True], [1, 1.0, "1", "1.00", "01"]),
        ({"is": "01"}, ["01", "1", 1], ["01"]),
        ({"is": ["a", 2, None]}, ["a", "b", 2, "2.0", None], ["a", 2, "2.0", None]),
        ({"is": True}, [True, "true", 1, False], [True, "true"]),
        ({"not": "a"}, ["a", "b", 1, None], ["b", 1, None]),
        ({"not": [0, ""]}, [0, "0.0", "", 5], [5]),
        ({"is": [[1, 2]]}, [[1, 2], [2, 1]], [[1, 2]]),
        ({"matches": "^5\\d\\d$"}, [500, "503", 5000, None], [500, "503"]),
    ],
)  # fmt: skip
def test_a_value_is_compared_by_what_it_is(config: dict[str, Any], values: list[Any], expected: Any) -> None:
    found = kept(config, *values)
    assert [(type(value), value) for value in found] == [(type(value), value) for value in expected]


def test_numbers_are_compared_to_the_last_of_their_digits() -> None:
    lines = ['{"v": 9007199254740993}', '{"v": 9007199254740992}', '{"v": 9007199254740992.5}']
    config = {"field": "v", "above": 9007199254740992}
    assert of_one("where", config, lines).lines == [lines[0], lines[2]]


def test_a_line_without_the_field_is_kept_only_by_asking_for_that() -> None:
    lines = ['{"v": null}', '{"w": 1}', '{"v": {"w": 1}}']
    assert of_one("where", {"field": "v", "exists": True}, lines).lines == [lines[0], lines[2]]
    assert of_one("where", {"field": "v", "exists": False}, lines).lines == [lines[1]]
    assert of_one("where", {"field": "v.w", "is": 1}, lines).lines == [lines[2]]
    assert of_one("where", {"field": "v", "not": 5}, lines).lines == [lines[0], lines[2]]


def test_what_is_no_object_is_a_misfit_where_a_key_is_asked_for() -> None:
    lines = ["no object", '{"v": 1}', "[1]"]
    config = {"field": "v", "is": 1}
    assert of_one("where", config, lines).lines == lines
    assert of_one("where", {**config, "otherwise": "drop"}, lines).lines == [lines[1]]
    rejecting = of_one("where", {**config, "otherwise": "reject"}, lines)
    assert (rejecting.lines, len(rejecting.reasons)) == ([lines[1]], 2)
    assert rejecting.reasons[0].startswith("is not JSON")


def test_a_column_of_a_line_is_looked_at_by_its_number() -> None:
    lines = ["GET /a 200", "GET /b 503", "GET", "PUT  /c  500"]
    assert of_one("where", {"field": 3, "above": 499}, lines).lines == [lines[1], lines[3]]
    assert of_one("where", {"field": 2, "separator": ",", "is": "b"}, ["a,b", "a,c", "b"]).lines == ["a,b"]
    assert of_one("where", {"field": 3, "exists": False}, lines).lines == ["GET"]


def test_a_line_that_is_kept_stays_as_it_is_written() -> None:
    line = '{ "v" : 1.50,\t"w":"\\u00e9" }'
    assert of_one("where", {"field": "v", "is": 1.5}, [line]).lines == [line]


NUMBERS = st.one_of(
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(float),
    st.floats(-1e9, 1e9),
)


@given(bound=NUMBERS, values=st.lists(NUMBERS, max_size=8))
def test_above_below_and_is_share_all_numbers_among_them(bound: Any, values: list[Any]) -> None:
    shares = [kept({name: bound}, *values) for name in ("above", "below", "is")]
    assert sorted(map(repr, values)) == sorted(repr(value) for share in shares for value in share)
    assert all(value > bound for value in shares[0])


@given(wanted=st.lists(st.text(max_size=3), min_size=1, max_size=3), values=st.lists(st.text(max_size=3)))
def test_is_and_not_are_each_others_opposite(wanted: list[str], values: list[str]) -> None:
    assert kept({"is": wanted}, *values) == [value for value in values if value in wanted]
    assert kept({"not": wanted}, *values) == [value for value in values if value not in wanted]


def test_what_cannot_be_asked_is_told() -> None:
    assert "nothing says what the field has to be; give one of is, not" in told("where", {"field": "v"})
    assert "field: must be the number of a column, from 1" in told("where", {"field": 0, "is": 1})
    assert "above: must be a number, a date or another text" in told("where", {"field": 1, "above": True})
    assert "field: 'where' needs this option" in told("where", {"is": 1})
