"""Totals of each key: what a dictionary would have, in any order that is asked for."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.nodes import of_one, told

LINES = ["GET /a 10", "PUT /b 2.50", "GET /c x", "GET", "DEL /a -1"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"field": 1, "sum": 3}, ["DEL 1 -1", "GET 3 10", "PUT 1 2.50"]),
        ({"field": [1, 2]}, ["DEL /a 1", "GET - 1", "GET /a 1", "GET /c 1", "PUT /b 1"]),
        ({"field": 1, "mean": 3, "min": 3, "max": 3, "default": "none"},
         ["DEL 1 -1 -1 -1", "GET 3 10 10 10", "PUT 1 2.50 2.50 2.5"]),
        ({"field": 1, "sum": 3, "top": 2}, ["GET 3 10", "PUT 1 2.50"]),
        ({"field": 1, "sort": "value"}, ["GET 3", "DEL 1", "PUT 1"]),
        ({"field": 1, "top": 2, "sort": "key"}, ["DEL 1", "GET 3"]),
        ({"field": 1, "mean": 3, "sort": "value"}, ["GET 3 10", "PUT 1 2.5", "DEL 1 -1"]),
        ({"field": 1, "sum": 3, "template": "{key}={sum}/{3_sum}/{count} of {file}"},
         ["DEL=-1/-1/1 of in.log", "GET=10/10/3 of in.log", "PUT=2.50/2.50/1 of in.log"]),
        ({"pattern": "^.", "sum": 3}, ["D 1 -1", "G 3 10", "P 1 2.50"]),
        ({"sum": 3}, ["start 5 11.50"]),
    ],
)  # fmt: skip
def test_lines_are_counted_with_the_figures_of_their_columns(config: Any, expected: list[str]) -> None:
    assert of_one("tally", config, LINES).lines == expected


RECORDS = ['{"a":"x","n":1.10}', '{"a":"y","n":5}', '{"a":"x","n":"2.20","b":{"c":1}}', '{"n":0}']


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"field": "a"}, ['{"a":"-","count":1}', '{"a":"x","count":2}', '{"a":"y","count":1}']),
        ({"field": ["a", "b.c"], "sum": "n", "top": 1}, ['{"a":"y","b.c":"-","count":1,"n_sum":5}']),
        ({"sum": "n", "mean": ["n", "none"]},
         ['{"key":"start","count":4,"n_sum":8.30,"n_mean":2.075,"none_mean":null}']),
        ({"field": "a", "max": "n", "template": "{a} {max}"}, ["- 0", "x 2.20", "y 5"]),
    ],
)  # fmt: skip
def test_records_give_records(config: Any, expected: list[str]) -> None:
    assert of_one("tally", config, RECORDS).lines == expected


def test_a_mean_that_no_float_has_is_written_out() -> None:
    lines = [f'{{"a":1,"n":{"8" + "0" * 398}}}', '{"a":1,"n":0}', '{"a":2,"n":1e400}', '{"a":3,"n":7}']
    config = {"field": "a", "mean": "n", "sort": "value"}
    means = [line.partition('mean":')[2] for line in of_one("tally", config, lines).lines]
    assert means == [f"1{'0' * 400}}}", f"4{'0' * 398}}}", "7}"]


def test_sums_of_more_digits_than_a_text_may_have_are_saved_whole() -> None:
    (line,) = of_one("tally", {"field": 1, "sum": 2, "max": 2}, ["a 1e999"] * 12 + ["a 1"] * 12).lines
    assert line.split() == ["a", "24", f"12{'0' * 999}", f"1{'0' * 999}"]


def test_what_is_no_object_is_a_misfit_where_keys_are_asked_for() -> None:
    for config in ({"field": "a", "top": 1}, {"sum": "n"}):
        assert len(of_one("tally", config, [*RECORDS, "text"]).lines) == 2
        assert of_one("tally", config, [*RECORDS, "text"]).lines[0] == "text"
        assert len(of_one("tally", {**config, "otherwise": "reject"}, [*RECORDS, "text"]).reasons) == 1


def test_no_digit_of_a_sum_is_lost() -> None:
    lines = ["a 0.1"] * 10 + ["a 9007199254740993", "a 1e-20"]
    assert of_one("tally", {"field": 1, "sum": 2}, lines).lines == [
        "a 12 9007199254740994.00000000000000000001"
    ]


NUMBERS = st.one_of(st.integers(-(10**20), 10**20), st.decimals(-1000, 1000, places=3))
ROWS = st.lists(st.tuples(st.sampled_from(["x", "y", "z", ""]), NUMBERS), max_size=12)


@given(rows=ROWS)
def test_a_tally_equals_a_dictionary(rows: list[tuple[str, int | Decimal]]) -> None:
    by_key = dict[str, list[int | Decimal]]()
    for key, number in rows:
        by_key.setdefault(key, []).append(number)
    config = {
        "field": 1,
        "separator": ",",
        "sum": 2,
        "min": 2,
        "max": 2,
        "template": "{key},{count},{sum},{min},{max}",
    }
    found = of_one("tally", config, [f"{key},{number}" for key, number in rows]).lines
    assert [line.split(",")[0] for line in found] == sorted(by_key)
    for line in found:
        key, *figures = line.split(",")
        numbers = by_key[key]
        expected = [len(numbers), sum(map(Decimal, numbers)), min(numbers), max(numbers)]
        assert [Decimal(figure) for figure in figures] == expected


@given(rows=ROWS, top=st.integers(1, 3))
def test_the_top_ones_are_the_first_of_all_by_value(rows: list[tuple[str, int | Decimal]], top: int) -> None:
    lines = [f"{key},{number}" for key, number in rows]
    config = {"field": 1, "separator": ",", "sum": 2}
    everything = of_one("tally", {**config, "sort": "value"}, lines).lines
    assert of_one("tally", {**config, "top": top}, lines).lines == everything[:top]


def test_keys_beyond_the_limit_are_counted_together_and_the_log_says_how_many_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = ["a 1", "b 2", "c 4", "a 8", "d 16", "(others) 32"]
    with caplog.at_level(logging.WARNING):
        found = of_one("tally", {"field": 1, "sum": 2, "keys": 2}, lines).lines
    assert found == ["a 2 9", "b 1 2", "(others) 3 52"]
    assert {*caplog.messages} == {
        "in.log: tally counted 3 lines as '(others)', because it knows 2 keys: see its option 'keys'"
    }


def test_values_that_are_no_numbers_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert of_one("tally", {"field": 1, "sum": 2}, ["a x", "a", "a 1"]).lines == ["a 3 1"]
    assert {*caplog.messages} == {"in.log: tally met 1 values that are no numbers"}


def test_what_does_not_go_together_is_told() -> None:
    assert "field: some fields are columns of a line and some are keys" in told(
        "tally", {"field": 1, "sum": "n"}
    )
    assert "template: does not know {counts}; did you mean 'count'?" in told(
        "tally", {"template": "{counts}"}
    )
    assert "field: the key 'count' has the name of a figure" in told("tally", {"field": "count"})
    assert "field: the key 'a_sum' has the name of a figure" in told(
        "tally", {"field": ["b", "a_sum"], "sum": "a"}
    )
    assert "template: does not know {sum}" in told("tally", {"template": "{sum}"})
    assert "sort: must be one of key, value" in told("tally", {"sort": "n"})


def test_lines_are_picked_by_number() -> None:
    lines = list("abcdefg")
    assert of_one("head", {"lines": 3}, lines).lines == ["a", "b", "c"]
    assert of_one("head", {"lines": 9}, lines).lines == lines
    assert of_one("sample", {"every": 3}, lines).lines == ["a", "d", "g"]
    assert of_one("sample", {"every": 1}, lines).lines == lines


def test_a_share_of_the_lines_is_the_same_in_each_run_and_for_equal_lines() -> None:
    lines = [json.dumps(number) for number in range(2000)]
    some = of_one("sample", {"share": 0.25}, lines).lines
    assert 400 < len(some) < 600
    assert of_one("sample", {"share": 0.25}, lines[::-1]).lines == some[::-1]
    assert of_one("sample", {"share": 0}, lines).lines == []
    assert of_one("sample", {"share": 1}, lines).lines == lines


def test_one_thing_says_which_lines_pass() -> None:
    for config in ({}, {"every": 2, "share": 0.5}):
        assert "every: either 'every' or 'share' says which lines pass" in told("sample", config)
    assert "share: must be a number from 0 to 1" in told("sample", {"share": 2})
