"""Patterns that only split a line are told from those that do more."""

from __future__ import annotations

import re

import pytest

from fproc.pipeline.processors.options.splits import names_of_parts, words_of_field
from tests.support.helpers import plan_of


def rules(*patterns: str) -> dict[str, re.Pattern[str]]:
    return {f"t{number}": re.compile(pattern) for number, pattern in enumerate(patterns)}


def test_rules_that_ask_for_a_word_in_one_field_are_a_table() -> None:
    found = words_of_field(rules("^[^ ]* INFO ", "^[^ ]* WARN ", "^[^ ]* INFO "))
    assert found == (2, {"INFO": "t0", "WARN": "t1"})


@pytest.mark.parametrize(
    "patterns",
    [
        ("^[^ ]* INFO ", "^[^ ]* [^ ]* WARN "),
        ("^[^ ]* INFO",),
        ("[^ ]* INFO ",),
        ("^[^ ]* IN.O ",),
        ("(?i)^[^ ]* INFO ",),
        ("^[^ ]+ INFO ",),
        ("^INFO ",),
        (),
    ],
)
def test_other_rules_stay_patterns(patterns: tuple[str, ...]) -> None:
    assert words_of_field(rules(*patterns)) is None


def test_a_pattern_that_splits_has_a_name_for_each_part() -> None:
    assert names_of_parts(re.compile("^[^ ]* (?P<a>[^ ]*) (?P<b>.*)$")) == ["", "a", "b"]


@pytest.mark.parametrize(
    "pattern",
    [
        "^[^ ]* (?P<b>.*)",
        "^[^ ]* (?P<b>.+)$",
        "^(?P<a>[^ ]*)(?P<b>.*)$",
        "^(?P<a>\\S*) (?P<b>.*)$",
        "(?s)^[^ ]* (?P<b>.*)$",
    ],
)
def test_a_pattern_that_does_more_stays_one(pattern: str) -> None:
    assert names_of_parts(re.compile(pattern)) is None


def test_rules_and_a_rewrite_that_want_the_same_parts_split_a_line_once() -> None:
    nodes = [
        {"tag": "start", "type": "tag", "config": {"rules": {"i": "^[^ ]* INFO "}, "default": "o"},
         "next": {"i": "parts", "*": "drop"}},
        {"tag": "parts", "type": "rewrite", "next": "end",
         "config": {"pattern": "^[^ ]* (?P<a>[^ ]*) (?P<b>.*)$", "template": "{b} {a}"}},
    ]  # fmt: skip
    source = plan_of(nodes).compiler.program("start").source
    assert source.count("line.split(' ', 2)") == 2  # the second one for lines that have fewer parts
    assert "search" not in source
    assert "match" not in source
