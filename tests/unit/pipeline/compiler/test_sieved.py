"""A filter at which lines enter: what it keeps is found in the text of a block, as line by line."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fproc.pipeline.compiler import sieved
from fproc.pipeline.compiler.patterns import in_text
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.compiler.sieved import Sieve, SievedLines, sieve_of
from fproc.pipeline.processors.base import BuiltinForm
from fproc.pipeline.records import Block, RawLines
from fproc.pipeline.tracing.timing import ONE_IN, SAMPLE_LINES, Sampling
from tests.support.helpers import SOURCE, Memory, plan_of

PARTS = [
    *("a", "b", "ab", " ", "é", "-", '"', "\\.", "\\d", "\\w", "\\S", "\\s", "\\D", "\\W", "\\b", "."),
    *("[ab]", "[^ab]", "[^a]", "[a-c]", "[^-a]", "[^\\s]", "[^\\n]", "[\\d.]", "[^]]", "[]a]", "[\\s]"),
    *("^", "$", "(", "(?:", "(?P<x>", ")", "|", "*", "+", "?", "{2}", "{1,2}", "{2,}", "+?", "*?", "??"),
    *("\\n", "\\B", "\\A", "\\Z", "(?=a)", "(?!a)", "(?<=a)", "\\1", "\n", "\r", "\\r", "\\x0a", "(?i)"),
]
"""Parts of patterns; some of them are such that lines have to be looked at one by one."""

TEXTS = st.lists(st.sampled_from([*'aabbABé-" .1]', "\r", "\x0b", "\x85", "\u2028", "\udcff"]), max_size=6)
LINES = st.lists(TEXTS.map("".join), min_size=1, max_size=12)
ENDINGS = st.sampled_from(["\n", "\r\n"])


def raw_of(lines: Sequence[str], ending: str = "\n", last: str = "") -> bytes:
    return ("".join(line + ending for line in lines) + last).encode("utf-8", "surrogateescape")


def sieve(pattern: str) -> Sieve | None:
    return sieve_of(BuiltinForm("filter", {"pattern": re.compile(pattern)}))


def found(pattern: str, raw: bytes) -> SievedLines:
    this = sieve(pattern)
    assert this
    taken = this.take(RawLines(raw))
    assert taken
    return taken


def check(pattern: str, raw: bytes) -> None:
    """The lines that are found, and where, are those in which the pattern is found one by one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of patterns that mean something else one day
        try:
            search = re.compile(pattern).search
        except re.error:
            assume(False)
        is_searched = sieve(pattern) is not None
        assume(is_searched)
        sieved_lines = found(pattern, raw)
    expected = [(index, line) for index, line in enumerate(RawLines(raw)) if search(line)]
    indices = [sieved_lines.index(number) for number in range(len(sieved_lines.lines))]
    assert [*zip(indices, sieved_lines.lines, strict=True)] == expected


@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=5), lines=LINES, ending=ENDINGS, last=TEXTS.map("".join)
)
def test_what_is_found_in_the_text_is_what_is_found_line_by_line(
    parts: list[str], lines: list[str], ending: str, last: str
) -> None:
    check("".join(parts), raw_of(lines, ending, last))


SEARCHED = [
    *("ERROR", "(?i)error", "a.b", "\\d", "50[02] 1\\d\\dms", "[^,]", "a$", "(?:^|,)b", "\\bb\\b", "a|$", ""),
    *('"GET [^"]*" 5', "x{2}", "x{2,3}", "a.*b", "\\s", "\\D", "\\W", "\\S+", "(a)(b)?", "(?P<x>a)b", "b??"),
]


@pytest.mark.parametrize("pattern", SEARCHED)
@pytest.mark.parametrize(
    "raw",
    [
        b"a\n",
        b"a",
        b"\n",
        b"\n\na\n\n",
        b"a\n\nb",
        b"b\r\na\r\n\r\n",
        b"a\r",
        b"a\r\r\nb\r",
        b'ERROR\nxx,b\nGET\nerror, a b\n"GET /\nx" 5\n',
        b'"GET /" 5\n500 100ms\nno\nxxx\nab ab\n',
        "é\n\udcff\u2028a\x85b\n".encode("utf-8", "surrogateescape"),
    ],
)
def test_at_the_edges_of_lines_a_pattern_means_the_same(pattern: str, raw: bytes) -> None:
    assert sieve(pattern)
    check(pattern, raw)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("a\nb", id="a word with a line ending, which a record may have"),
        pytest.param("a\\nb", id="the same, escaped"),
        pytest.param("[\\s]", id="a set that may have one in it"),
        pytest.param("[^-a]", id="a set of others that would become a range"),
        pytest.param("\\Z", id="an end that is none of a line"),
        pytest.param("\\Ba", id="no edge, which an empty text differs in"),
        pytest.param("(?=a)", id="what looks ahead"),
        pytest.param("(?s)a.b", id="a dot that matches all"),
        pytest.param("(?m)a$", id="an end of a line within a record"),
        pytest.param("(a)\\1", id="what a group has matched"),
        pytest.param("a+b+", id="two parts that repeat"),
        pytest.param("(?:a+)+b", id="a part that repeats what repeats"),
        pytest.param("(?:a|aa)+b", id="a group that repeats"),
        pytest.param("(?:a?){30}", id="a group so many times"),
        pytest.param("a?a?a?b", id="many parts that may be left out"),
        pytest.param("^a[bc]", id="one that each line is asked for at its beginning only"),
        pytest.param("ERROR|WARN", id="words, each of which is found sooner in a line"),
    ],
)
def test_other_patterns_are_left_to_single_lines(pattern: str) -> None:
    assert sieve(pattern) is None


def test_no_other_flags_are_carried_into_text() -> None:
    assert in_text(re.compile("a b", re.VERBOSE)) is None
    assert in_text(re.compile("\\w1", re.ASCII)) is None


def test_where_many_lines_are_kept_blocks_are_split_for_a_while() -> None:
    this = sieve("a")
    assert this
    few, many = RawLines(b"a\n" + b"b\n" * 7), RawLines(b"a\na\n" + b"b\n" * 7)
    assert [this.take(few) is not None for _ in range(3)] == [True] * 3
    assert this.take(many)
    assert [this.take(few) is not None for _ in range(sieved.REST_BLOCKS + 2)] == [
        *[False] * sieved.REST_BLOCKS,
        True,
        True,
    ]


def test_a_text_that_may_be_one_very_long_line_is_not_searched() -> None:
    this = sieve("a")
    assert this
    assert this.take(RawLines(b"b" * sieved.MOST_CHARACTERS))
    assert this.take(RawLines(b"b" * sieved.MOST_CHARACTERS + b"\n")) is None


def test_the_index_of_a_line_is_found_in_any_order() -> None:
    taken = found("a", b"a1\nb\na2\nb\nb\na3\n")
    assert [taken.index(number) for number in (2, 0, 1, 1, 2, -1, 0)] == [5, 0, 2, 2, 5, -1, 0]


FILTER: dict[str, Any] = {"tag": "start", "type": "filter", "config": {"pattern": "good"}}


def run_of(nodes: list[dict[str, Any]], output: Memory, sampling: Sampling | None = None) -> CompiledRun:
    plan = plan_of(nodes)
    options: dict[str, Any] = {"source": SOURCE, "output": output, "entry": "start", "max_hops": 10}
    return CompiledRun(
        plan.compiler, plan.graph, plan.makers, on_error=pytest.fail, sampling=sampling, **options
    )


def test_a_block_of_which_little_is_kept_is_never_split() -> None:
    output = Memory()
    run = run_of([{**FILTER, "next": "end"}], output)
    raw = b"bad\n" * 20 + b"good\n" + b"bad\n" * 20
    lines = RawLines(raw)
    run.feed(Block(lines, 1, 0, raw))
    assert output.results == {"in.log": ["good"]}
    assert (run.lines_in, run.counts["start"].received, run.counts["start"].emitted) == (41, 41, 1)
    assert not lines.are_read


def test_lines_are_timed_as_often_as_without_it() -> None:
    run = run_of([{**FILTER, "next": "end"}], Memory(), Sampling())
    raw = b"bad\n" * 1000
    blocks = 2 * ONE_IN * SAMPLE_LINES // 1000
    for number in range(blocks):
        run.feed(Block(RawLines(raw), number * 1000 + 1, number * len(raw), raw))
    assert run.counts["start"].received == blocks * 1000
    assert run.counts["start"].timed == 2 * SAMPLE_LINES


def test_processors_behind_are_told_the_numbers_of_lines() -> None:
    output = Memory()
    nodes = [
        {**FILTER, "next": "numbered"},
        {"tag": "numbered", "type": "fields", "config": {"template": "{line_no}: {0}"}, "next": "end"},
    ]
    run = run_of(nodes, output)
    raw = (b"bad\n" * 20 + b"good\n") * 3
    run.feed(Block(RawLines(raw), 101, 0, raw))
    assert output.results == {"in.log": ["121: good", "142: good", "163: good"]}
