"""Which names are those of inputs, and how their markers are called; no folder is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.config.model import Intake
from fproc.config.patterns import MarkerPattern, NamePatterns, matches
from fproc.spool.readiness.names import InputNames
from tests.support.helpers import plan_of

UNFINISHED = [
    *(".x", ".nfs0001", "._x.csv", ".~lock.x.ods#", ".x.csv.Qa3Xz1", ".in.data.csv."),
    *(
        "data.csv.uploading",
        "#data.csv#",
        "data.csv.TMP",
        "desktop.ini",
        "data.csv.temp",
        "data.csv.download",
    ),
    *("Thumbs.db", "data.csv.inprogress", "~$report.csv", "data.csv._COPYING_", "DATA.PART", "in.data.csv."),
    *("data.csv.camelLock", "data.csv.writing", "data.csv.incomplete", "x.csv.filepart", "x.csv.crdownload"),
    *("X.OPDOWNLOAD", "x.partial", "x.swp", "x~", "ehthumbs.db", "_temporary", "x.csv.lftp-pget-status"),
    *("big.csv_.gstmp", "x.csv.sb-4b0e0a27-xYz123", "x.csv.aria2", "x.csv.!ut", "$RECYCLE.BIN"),
]
"""Names under which known producers write, and what programs put into shared folders."""

DATA = [
    *("data.csv", "X.CSV", "tmp", "temp.csv", "part1", "x.tmpx", "x~2.csv", "x.", "in.csv", "in.data.csv"),
    *("download.csv", "downloads", "writing", "writing.txt", "#1.csv", "a#b", "$prices.csv", "~home.txt"),
    *("thumbs.db.csv", "_SUCCESS", "partial.json", "x.lock", "x.bak", "x.old", "x.log.1", "incomplete.csv"),
]
"""Names of real data that have something of these."""


def names(**intake: Any) -> InputNames:
    return InputNames(Intake(**intake))


@pytest.mark.parametrize("name", UNFINISHED)
def test_names_under_which_files_are_still_written_are_left_alone(name: str) -> None:
    assert not names().is_taken(name)
    assert names().why_not(name) == "its name is ignored (intake.ignore)"


@pytest.mark.parametrize("name", DATA)
def test_names_of_data_are_taken(name: str) -> None:
    assert names().is_taken(name)
    assert names().why_not(name) == ""


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*.csv", "ORDERS.CSV"),
        ("*.CSV", "orders.csv"),
        ("Orders.Csv", "ORDERS.csv"),
        ("ORD*", "orders.csv"),
        ("[A-C]?.log", "bX.LOG"),
        ("a*z", "AbcZ"),
        ("*É.csv", "caf\u00e9.CSV"),
        ("*", "any\nthing"),
        ("*.csv", "two\nlines.CSV"),
    ],
)
def test_capitals_do_not_count_in_any_form_of_pattern(pattern: str, name: str) -> None:
    assert matches(name, pattern)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("*.csv", "x.csv.gz"), ("a?", "abc"), ("[!a]*", "Abc"), ("abc*", "xabc"), ("x", "xx"), ("a*z", "az.")],
)
def test_a_pattern_is_of_the_whole_name(pattern: str, name: str) -> None:
    assert not matches(name, pattern)


def test_no_pattern_matches_nothing() -> None:
    assert not NamePatterns(()).match("x")


def test_match_says_what_is_taken_and_nothing_of_what_was_taken_before() -> None:
    some = names(match=("*.csv", "*.json"))
    assert some.is_taken("A.CSV")
    assert not some.is_taken("a.txt")
    assert some.may_be_input("a.txt")
    assert some.why_not("a.txt") == "its name is none of intake.match"
    assert not some.is_taken("~$a.csv")


def test_ignore_more_adds_to_what_is_ignored_and_ignore_replaces_it() -> None:
    assert not names(ignore_more=("*.old",)).is_taken("x.OLD")
    assert not names(ignore_more=("*.old",)).is_taken("x.tmp")
    assert names(ignore=("*.old",)).is_taken("x.tmp")


@pytest.mark.parametrize("name", ["orders.csv", "ORDERS.CSV", "Orders.Csv"])
def test_a_rule_of_files_takes_capitals_for_small_letters(name: str) -> None:
    nodes = [{"tag": tag, "type": "trim", "next": "end"} for tag in ("start", "csv")]
    plan = plan_of(nodes, files=[{"match": "*.csv", "start": "csv"}])
    assert plan.input_rules.entry_of(name, str)[0] == "csv"


@pytest.mark.parametrize(
    ("pattern", "name", "marker"),
    [
        (".done", "a.csv", "a.csv.done"),
        ("{name}.done", "a.csv", "a.csv.done"),
        ("{stem}.ok", "a.csv", "a.ok"),
        ("{stem}.ok", "a.b.csv.GZ", "a.b.ok"),
        ("{stem}.ok", "a", "a.ok"),
        ("{stem}.ok", ".hidden", ".hidden.ok"),
        ("go_{name}", "a.csv", "go_a.csv"),
        ("_{stem}.flag", "a.csv", "_a.flag"),
    ],
)
def test_a_marker_has_its_inputs_name_or_stem(pattern: str, name: str, marker: str) -> None:
    found = MarkerPattern.of(pattern)
    assert found.of_input(name) == marker
    assert found.is_marker(marker)
    assert found.spelled(marker) == marker


def test_capitals_do_not_count_in_what_a_pattern_adds_to_a_markers_name() -> None:
    pattern = MarkerPattern.of("Go_{name}.ok")
    assert pattern.is_marker("GO_Ab.OK")
    assert pattern.spelled("GO_Ab.OK") == "Go_Ab.ok"
    assert not pattern.is_marker("Go_.ok"[:-2])


@pytest.mark.parametrize("pattern", ["done", "*.ok", "{stem}", "{name}", "{tag}.ok", "{name}{stem}", "{}.ok"])
def test_a_pattern_that_names_no_marker_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"must have|says nothing|every file"):
        MarkerPattern.of(pattern)


def test_markers_are_no_inputs_and_only_where_markers_count() -> None:
    assert names(ready="marker").why_not("a.csv.DONE") == "it is a marker"
    assert names(ready="marker", marker="{stem}.ok").is_taken("a.csv")
    assert not names(ready="marker", marker="{stem}.ok").may_be_input("a.OK")
    assert names().is_taken("a.csv.done")


PIECES = st.text("aSs\u017f.-~*?[]!k\u212a\xdf\u0130\u03a3\u03c3\udcff", min_size=1, max_size=5)


@given(st.lists(PIECES, max_size=4), st.lists(PIECES, max_size=6))
def test_a_quick_look_at_many_names_never_overlooks_one_that_matches(
    patterns: list[str], names: list[str]
) -> None:
    several = NamePatterns(patterns)
    if several.surely_match_none(names):
        assert [name for name in names if several.match(name)] == []


@pytest.mark.parametrize("ignored", [".x", "X.TMP", "x~", "in.x.", "x.sb-12345678-abcdef", "#x#"])
def test_usual_names_are_taken_by_one_look_unless_one_of_them_is_ignored(ignored: str) -> None:
    names = InputNames(Intake())
    usual = ["events-0001.log", "a b.csv", "UPPER.TXT", "in", "tmp"]
    assert names.are_surely_taken(usual)
    assert not names.are_surely_taken([*usual, ignored])
    assert not InputNames(Intake(match=("*.log",))).are_surely_taken(usual)
    assert not InputNames(Intake(ready="marker")).are_surely_taken(usual)
