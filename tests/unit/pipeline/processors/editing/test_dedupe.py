"""The first of lines that are the same stays, as long as what was there is remembered."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.processors.editing.dedupe import LONG_CHARACTERS
from tests.support.helpers import SOURCE, Memory, plan_of
from tests.support.nodes import of_one, pipeline, told

LINES = st.lists(st.sampled_from(["a", "b", "", "a b", "x" * 70, "x" * 71, "é", "\udcff"]), max_size=20)


@given(lines=LINES)
def test_the_first_of_each_line_stays_in_its_place(lines: list[str]) -> None:
    assert of_one("dedupe", {}, lines).lines == list(dict.fromkeys(lines))


VALUES = st.sampled_from(["a", "", "\x01", "\x01-", "0:", "1:a", None, 1, "1", True, "true", "null", 1.5])


@given(rows=st.lists(st.dictionaries(st.sampled_from(["k", "l", "m"]), VALUES), max_size=15))
def test_the_first_record_of_each_pair_of_values_stays(rows: list[dict[str, Any]]) -> None:
    def written(row: dict[str, Any], key: str) -> tuple[bool, Any]:
        value = row.get(key, ...)
        return value is None or value is ..., value if isinstance(value, str) else repr(value).lower()

    expected = dict[Any, dict[str, Any]]()
    for row in rows:
        expected.setdefault((written(row, "k"), written(row, "l")), row)
    lines = of_one("dedupe", {"fields": ["k", "l"]}, [json.dumps(row) for row in rows]).lines
    assert [json.loads(line) for line in lines] == [*expected.values()]


def test_columns_of_a_line_are_compared_too() -> None:
    lines = ["a 1 x", "b 1 x", "a 1 y", "a 2"]
    assert of_one("dedupe", {"fields": [1, 2]}, lines).lines == ["a 1 x", "b 1 x", "a 2"]
    assert of_one("dedupe", {"fields": 2, "separator": ","}, ["a,b", "c,b", "a"]).lines == ["a,b", "a"]


@given(lines=LINES, keys=st.integers(1, 4))
def test_no_more_keys_are_remembered_than_it_says_and_the_oldest_are_forgotten(
    lines: list[str], keys: int
) -> None:
    expected, remembered = list[str](), list[str]()
    for line in lines:
        if line not in remembered:
            expected.append(line)
            remembered = [*remembered, line][-keys:]
    assert of_one("dedupe", {"keys": keys}, lines).lines == expected


def test_the_log_says_how_many_keys_were_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        of_one("dedupe", {"keys": 2}, ["a", "b", "a", "b"])
        assert not caplog.messages
        of_one("dedupe", {"keys": 2}, ["a", "b", "c", "d", "d"])
    assert {
        "in.log: dedupe forgot 2 keys, the oldest ones, because it remembers 2: see its option 'keys'"
    } == {*caplog.messages}


def test_a_long_line_costs_no_more_memory_than_a_digest_which_no_short_line_equals() -> None:
    plan = plan_of(pipeline(("dedupe", {})))
    processor = plan.makers["start"](SOURCE, Memory())
    processor.process("start", "x" * 10_000)
    assert processor.state
    (key,) = processor.state.snapshot()["keys"]
    assert LONG_CHARACTERS < len(key) < 100
    assert processor.process("start", key)
    assert not processor.process("start", "x" * 10_000)


def test_columns_and_keys_do_not_go_together() -> None:
    assert "fields: has columns of a line and keys of an object" in told("dedupe", {"fields": [1, "a"]})
    assert "fields: must not be an empty list" in told("dedupe", {"fields": []})
