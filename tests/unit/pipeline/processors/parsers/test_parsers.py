"""What parsers other than that of CSV make of lines, of right ones and of wrong ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.base.errors import Reject
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.processors.options.checks import check_options
from fproc.pipeline.processors.parsers.grok import KNOWN_PATTERNS, field_pattern
from fproc.pipeline.processors.parsers.key_value import kv_joiner
from tests.support.helpers import SOURCE, Memory

Config = dict[str, Any]


def made(name: str, config: Config, *lines: str) -> list[Any]:
    """What a built-in makes of each line: records, texts of those that are none, and why one is rejected."""
    values, problems = check_options(name, BUILTINS[name], config, "$")
    assert problems == []
    processor = BUILTINS[name].make(**values)(SOURCE, Memory())
    outcomes: list[Any] = []
    for line in lines:
        try:
            outcomes += [text for _, text in processor.process("start", line)]
        except Reject as why:
            outcomes.append(str(why))
    return [json.loads(text) if text.startswith("{") else text for text in outcomes]


def problem_of(name: str, config: Config) -> str:
    _, problems = check_options(name, BUILTINS[name], config, "$")
    return "; ".join(problem.what for problem in problems)


def test_json_keeps_its_numbers_and_drops_blank_lines() -> None:
    values, _ = check_options("parse_json", BUILTINS["parse_json"], {}, "$")
    processor = BUILTINS["parse_json"].make(**values)(SOURCE, Memory())
    assert processor.process("t", ' {"a": 1.50, "b": [-0]} ') == (("t", '{"a":1.50,"b":[-0]}'),)
    assert processor.process("t", "  ") == ()
    assert made("parse_json", {}, "[1]") == ["is no JSON object but a list"]


def test_groups_are_fields_and_one_that_did_not_take_part_is_null() -> None:
    assert made("parse_regex", {"pattern": "(?P<a>x)|(?P<b>y)"}, "-x", "y", "z") == [
        {"a": "x", "b": None},
        {"a": None, "b": "y"},
        "does not match '(?P<a>x)|(?P<b>y)'",
    ]


def test_known_patterns_may_be_fields_nested_ones_and_numbers() -> None:
    config = {"pattern": "^%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:level} %{WORD} %{NUMBER:took.ms:float}"}
    assert made("parse_regex", config, "2025-01-31T10:00:00.5+01:00 WARN in 1.50", "x") == [
        {"time": "2025-01-31T10:00:00.5+01:00", "level": "WARN", "took": {"ms": 1.5}},
        f"does not match {config['pattern']!r}",
    ]
    assert made("parse_regex", {"pattern": "%{NUMBER:n:int}"}, "7", "7.5") == [
        {"n": 7},
        "the field 'n' is no whole number: '7.5'",
    ]


def test_a_field_that_stands_in_two_places_is_the_one_that_was_found() -> None:
    config = {"pattern": "user %{WORD:name}|uid %{INT:name}"}
    assert made("parse_regex", config, "user ann", "uid 7") == [{"name": "ann"}, {"name": "7"}]


@pytest.mark.parametrize(
    ("name", "texts", "others"),
    [
        ("WORD", ["a1_é"], ["", "a b"]),
        ("NOTSPACE", ["a/b"], ["a b"]),
        ("QUOTEDSTRING", [r'"a \" b"', "'x'"], ['"a']),
        ("QS", ['"a b"'], ['"a']),
        ("INT", ["0", "-12"], ["1.5"]),
        ("POSINT", ["12"], ["0", "-1"]),
        ("NONNEGINT", ["12", "0"], ["-1", "1.5"]),
        ("NUMBER", ["1", "-1.5", ".5", "1e-3"], ["1,5", "x"]),
        ("BASE16NUM", ["0xfF", "12"], ["xg"]),
        ("UUID", ["12345678-1234-abcd-ABCD-123456789012"], ["12345678"]),
        ("MAC", ["00:1b:44:11:3A:B7", "001b.4411.3ab7"], ["00:1b:44"]),
        ("IPV4", ["10.0.0.255"], ["10.0.0.256", "1.2.3", "1.2.3.4.5"]),
        (
            "IPV6",
            ["::1", "2001:db8::8a2e:370:7334", "fe80::", "::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"],
            ["1", "g::", "12:30", "10:00:00", "00:1b:44:11:3a:b7", "1:2:3:4:5:6:7"],
        ),
        ("IP", ["10.0.0.1", "::1"], ["ten"]),
        ("HOSTNAME", ["db-1.example.com", "localhost"], ["-a", "a b"]),
        ("IPORHOST", ["10.0.0.1", "example.com"], ["/"]),
        ("HOSTPORT", ["example.com:80", "10.0.0.1:8080"], ["example.com"]),
        ("USERNAME", ["ann.b-c_1"], ["a b"]),
        ("USER", ["ann.b-c_1", "-"], ["a b"]),
        ("EMAILADDRESS", ["ann+x@example.com"], ["ann@"]),
        ("PATH", ["/var/log/x.log", "C:\\temp\\x"], ["var"]),
        ("URI", ["https://example.com/a?b=c"], ["example.com"]),
        ("URIPATH", ["/a/b"], ["/a?b"]),
        ("LOGLEVEL", ["ERROR", "warning", "Info"], ["quiet"]),
        ("YEAR", ["2025", "99"], ["123"]),
        ("MONTH", ["Jan", "September"], ["Sept1"]),
        ("MONTHDAY", ["1", "09", "31"], ["0", "32"]),
        ("DAY", ["Mon", "Friday"], ["Foo"]),
        ("TIME", ["23:59", "10:00:00,123", "1:02:03.5"], ["24:00", "10"]),
        ("TIMESTAMP_ISO8601", ["2025-01-31 10:00:00", "2025-01-31T10:00:00.5Z"], ["2025-01-31"]),
        ("HTTPDATE", ["10/Oct/2025:13:55:36 +0200"], ["10 Oct 2025"]),
        ("SYSLOGTIMESTAMP", ["Jun  4 15:16:01", "Jun 14 15:16:01"], ["14 Jun"]),
        ("DATA", ["", "a b"], []),
        ("GREEDYDATA", ["", "a b"], []),
        ("SPACE", ["", " \t"], ["x"]),
    ],
)
def test_a_known_pattern_matches_what_it_is_called(name: str, texts: list[str], others: list[str]) -> None:
    match = field_pattern(f"^%{{{name}:it}}$").pattern.match
    assert [text for text in texts if not match(text)] == []
    assert [text for text in others if match(text)] == []


def test_an_address_is_found_behind_a_time_and_not_in_words() -> None:
    lines = {
        "2026-11-22 10:00:00 client 10.0.0.1 GET": "10.0.0.1",
        "12:30 fe80::1: refused": "fe80::1",
        "std::vector<Foo::Bad> of ip:::1": "::1",
        "from ::ffff:1.2.3.4": "::ffff:1.2.3.4",
    }
    records = made("parse_regex", {"pattern": "%{IP:it}"}, *lines)
    assert [record["it"] for record in records] == [*lines.values()]


def test_every_known_pattern_is_a_pattern_and_has_a_case() -> None:
    (cases,) = (
        mark.args[1]
        for mark in test_a_known_pattern_matches_what_it_is_called.pytestmark  # type: ignore[attr-defined]
    )
    assert {name for name, *_ in cases} == {*KNOWN_PATTERNS}


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("%{HOSTNAM:a}", "does not know %{HOSTNAM}; did you mean 'HOSTNAME'?"),
        ("%{IP:a:date}", "%{IP:a:date}: a type is int or float, not 'date'"),
        ("a.*", "names no field"),
        ("(?P<a>", "is not a regular expression"),
    ],
)
def test_a_wrong_pattern_is_explained(pattern: str, what: str) -> None:
    assert what in problem_of("parse_regex", {"pattern": pattern})


def test_fields_end_at_the_text_between_them() -> None:
    assert made("dissect", {"pattern": "[{a}] {b->} {c.d}|{{{}"}, "[x]] y   z|{tail") == [
        {"a": "x]", "b": "y", "c": {"d": "z"}}
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x] b", "does not begin with '['"),
        ("[x b", "has no '] ' behind {a}"),
        ("[x] b", "does not end with '.'"),
    ],
)
def test_a_line_without_a_delimiter_does_not_fit(line: str, why: str) -> None:
    assert made("dissect", {"pattern": "[{a}] {b}."}, line) == [why]


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("{a}{b}", "has nothing behind {a} to tell where it ends"),
        ("{a} {a}", "has the field {a} twice"),
        ("{a} }", "has a '}' by itself; '}}' stands for one"),
        ("text {}", "names no field"),
    ],
)
def test_a_wrong_layout_is_explained(pattern: str, what: str) -> None:
    assert what in problem_of("dissect", {"pattern": pattern})


def test_pairs_split_at_the_first_delimiter_and_may_be_empty_or_quoted() -> None:
    line = r"""a=1 b="x y" c= d=e=f g="q\"\\" p="C:\new" h=i"j"""
    assert made("parse_kv", {}, line, "", " ") == [
        {"a": "1", "b": "x y", "c": "", "d": "e=f", "g": 'q"\\', "p": "C:\\new", "h": 'i"j'}
    ]
    config = {"separator": ", ", "delimiter": ": ", "quote": "'"}
    assert made("parse_kv", config, "a b: 1, c: 'x, y'") == [{"a b": "1", "c": "x, y"}]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a=1 word", "has 'word', which is no key=value"),
        ("=1", "has '=1', which is no key=value"),
        ('a="b', "the quoted value of 'a' is never closed"),
        ('a="b"c', "the quoted value of 'a' has text behind it"),
    ],
)
def test_what_is_no_pair_does_not_fit(line: str, why: str) -> None:
    assert made("parse_kv", {}, line) == [why]


def test_words_that_are_no_pairs_may_be_passed_over_but_not_all_of_a_line() -> None:
    assert made("parse_kv", {"skip_words": True}, "10:00 INFO user=ann", "nothing") == [
        {"user": "ann"},
        "has no key=value",
    ]


@given(
    st.dictionaries(
        st.text(st.sampled_from("abé-."), min_size=1), st.text(st.sampled_from("ab =\"\\\n,\t'")), min_size=1
    ),
    st.sampled_from([" ", ",", ";;"]),
)
def test_pairs_that_were_joined_are_parsed_again(pairs: dict[str, str], separator: str) -> None:
    line = kv_joiner(separator, "=", '"')([*pairs.items()])
    assert made("parse_kv", {"separator": separator}, line) == [pairs]


def test_columns_are_cut_at_their_positions() -> None:
    config: Config = {"columns": {"id": "1-3", "mark": "4", "rest": "6-"}}
    assert made("parse_fixed", config, "007x  é y ", "007x ") == [
        {"id": "007", "mark": "x", "rest": "é y"},
        "has 5 characters, the column 'rest' begins at 6",
    ]
    assert made("parse_fixed", {**config, "trim": False}, "007x  y ") == [
        {"id": "007", "mark": "x", "rest": " y "}
    ]


@pytest.mark.parametrize("columns", [{}, [], {"a": "0-3"}, {"a": "5-3"}, {"a": 3}, {"a": "-3"}])
def test_a_wrong_position_is_explained(columns: Any) -> None:
    assert "position" in problem_of("parse_fixed", {"columns": columns})
