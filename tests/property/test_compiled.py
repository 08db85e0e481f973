"""The compiled form of a graph gives what the interpreter gives: results, figures, every failure."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest import mock

from hypothesis import assume, example, given
from hypothesis import strategies as st

from fproc.base.errors import FprocError
from fproc.config.input_format import Records
from fproc.pipeline.compiler import sieved
from fproc.pipeline.compiler.emitters import routing
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan
from fproc.pipeline.records import Passing
from fproc.pipeline.tracing.timing import Sampling
from fproc.run.reading.framing import read_records
from tests.support.drawn import LINES, OBJECTS, RECORDS, STREAM, STRUCTURED, USERS, nodes
from tests.support.helpers import SOURCE, Memory, Notes, plan_of


@dataclass
class Seen:
    """All that a run shows."""

    output: Memory = field(default_factory=Memory)
    errors: list[tuple[Any, ...]] = field(default_factory=list)
    ended_by: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


class SomeOfEach(Sampling):
    """Has the first lines of each block timed."""

    def take(self, lines: int) -> int:
        return min(lines, 3)


def run(
    plan: Plan,
    data: bytes,
    block_bytes: int,
    *,
    compiled: bool,
    stops: bool,
    sampling: Sampling | None = None,
    observer: Notes | None = None,
    records: Records = "lines",
) -> Seen:
    """Run an input either way; every trouble is noted, the first one may end the run."""
    seen = Seen()

    def on_error(error: RecordError) -> None:
        reason = re.sub(r"0x[0-9a-f]+", "0x", error.failure.reason)
        seen.errors.append((error.failure._replace(reason=reason), type(error.__cause__)))
        if stops:
            raise error

    given: dict[str, Any] = {
        "source": SOURCE,
        "output": seen.output,
        "entry": "start",
        "max_hops": plan.config.limits.max_hops,
        "on_error": on_error,
        "sampling": sampling,
        "observer": observer,
    }
    engine: Interpreter
    if compiled:
        engine = CompiledRun(plan.compiler, plan.graph, plan.makers, **given)
    else:
        engine = Interpreter(plan.graph, plan.makers, **given)
    try:
        read = io.BytesIO(data).read
        for piece in read_records(records, read, max_line_bytes=40, block_bytes=block_bytes):
            if not isinstance(piece, Passing):
                engine.feed(piece)
        engine.finish()
    except FprocError as error:
        seen.ended_by = re.sub(r"0x[0-9a-f]+", "0x", str(error))
    finally:
        engine.close()
    seen.figures = {
        "lines_in": engine.lines_in,
        "counts": {name: (at.received, at.emitted, at.failed) for name, at in engine.counts.items()},
    }
    if not seen.ended_by:  # else records were on their way, which one counts sooner than the other
        seen.figures["edges"] = dict(engine.edges)
    return seen


def steps_of_the_first_lines(notes: Notes) -> list[Any]:
    """What was noted of the first two lines and of the end of the file."""
    chosen, is_chosen, lines = [], False, 0
    for note in notes.notes:
        if len(note) == 2:
            lines += 1
            is_chosen = lines <= 2 or note[0] is None
        if is_chosen:
            chosen.append(note)
    return chosen


def check(
    pipeline: list[dict[str, Any]],
    lines: list[str],
    block_bytes: int,
    *,
    stops: bool,
    separator: str = "\n",
) -> None:
    plan = plan_of(pipeline)
    assume("ways" not in (plan.why_interpreted("start") or ""))
    assert plan.why_interpreted("start") is None
    records: Records = "lines" if separator == "\n" else {"separator": separator}
    data = "".join(line + separator for line in lines).encode("utf-8", "surrogateescape")
    run_records = partial(run, plan, data, block_bytes, stops=stops, records=records)
    expected = run_records(compiled=False)
    found = run_records(compiled=True)
    again = run_records(compiled=True)  # with what the first run has learnt
    timed = run_records(compiled=True, sampling=SomeOfEach())
    all_steps, first_steps = Notes(), Notes(first_lines=2)
    shown = run_records(compiled=False, observer=all_steps)
    watched = run_records(compiled=True, sampling=SomeOfEach(), observer=first_steps)
    assert steps_of_the_first_lines(all_steps) == first_steps.notes
    for seen in (found, again, timed, shown, watched):
        assert seen.errors == expected.errors
        assert seen.ended_by == expected.ended_by
        assert seen.output.results == expected.output.results
        assert seen.output.printed() == expected.output.printed()
        assert seen.figures == expected.figures


@given(pipeline=nodes(wild=st.just(1000)), lines=LINES, block_bytes=st.integers(1, 200))
def test_what_is_compiled_gives_what_is_interpreted(
    pipeline: list[dict[str, Any]], lines: list[str], block_bytes: int
) -> None:
    check(pipeline, lines, block_bytes, stops=False)


@given(pipeline=nodes(wild=st.just(1000), kinds=STRUCTURED), lines=OBJECTS, block_bytes=st.integers(1, 200))
def test_records_that_are_passed_on_are_those_that_are_written_and_read_again(
    pipeline: list[dict[str, Any]], lines: list[str], block_bytes: int
) -> None:
    check(pipeline, lines, block_bytes, stops=False)


@given(pipeline=nodes(wild=st.sampled_from([1, 2, 5])), lines=LINES, block_bytes=st.integers(1, 200))
def test_so_it_does_when_processors_do_what_none_should(
    pipeline: list[dict[str, Any]], lines: list[str], block_bytes: int
) -> None:
    check(pipeline, lines, block_bytes, stops=False)


@given(
    pipeline=nodes(wild=st.sampled_from([1, 2, 5, 1000]), first=STREAM),
    lines=LINES,
    block_bytes=st.integers(1, 200),
    stops=st.booleans(),
)
def test_a_stream_that_gets_whole_blocks_gives_what_it_gives_line_by_line(
    *, pipeline: list[dict[str, Any]], lines: list[str], block_bytes: int, stops: bool
) -> None:
    check(pipeline, lines, block_bytes, stops=stops)


STOPPED_AMONG_MANY: list[dict[str, Any]] = [
    {"tag": "start", "type": "odd_processors.yielded", "config": {"salt": 0, "wild": 2}, "next": "n0"},
    {"tag": "n0", "type": "split", "config": {"separator": "}"}, "next": "n1"},
    {"tag": "n1", "type": "odd_processors.odd", "config": {"salt": 1, "wild": 1}, "next": "end"},
]
"""The first of several records that a node has emitted ends the run."""


@example(pipeline=STOPPED_AMONG_MANY, lines=["{}"], block_bytes=1, stops=True)
@given(
    pipeline=st.sampled_from(USERS).flatmap(
        lambda kind: nodes(wild=st.sampled_from([2, 7, 1000]), first=kind)
    ),
    lines=LINES,
    block_bytes=st.integers(1, 200),
    stops=st.booleans(),
)
def test_whatever_a_user_s_processor_gives_is_taken_as_a_whole(
    *, pipeline: list[dict[str, Any]], lines: list[str], block_bytes: int, stops: bool
) -> None:
    check(pipeline, lines, block_bytes, stops=stops)


@given(pipeline=nodes(wild=st.sampled_from([3, 9])), lines=LINES, block_bytes=st.integers(1, 200))
def test_the_first_trouble_ends_both_in_the_same_place(
    pipeline: list[dict[str, Any]], lines: list[str], block_bytes: int
) -> None:
    check(pipeline, lines, block_bytes, stops=True)


@given(pipeline=nodes(wild=st.sampled_from([1, 2, 1000])), records=RECORDS, block_bytes=st.integers(1, 200))
def test_compiled_and_interpreted_agree_on_records_with_line_endings(
    pipeline: list[dict[str, Any]], records: list[str], block_bytes: int
) -> None:
    check(pipeline, records, block_bytes, stops=False, separator="\x1e")


def behind_filter(pattern: str, others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same pipeline, with a filter in front of it."""
    start, *rest = others
    node = {"tag": "start", "type": "filter", "config": {"pattern": pattern}, "next": "second"}
    return [node, start | {"tag": "second"}, *rest]


@given(
    pipeline=st.builds(
        behind_filter,
        st.sampled_from(["INFO", "a", "a.b", "(?i)info|e", "[^I ]a", "b$", "(?:^|,)b", "\\b\\w\\d", ""]),
        st.sampled_from([*USERS, ""]).flatmap(
            lambda kind: nodes(wild=st.sampled_from([1, 2, 5, 1000]), first=kind)
        ),
    ),
    lines=LINES,
    block_bytes=st.sampled_from([1, 60, 400, 2000]),
    stops=st.booleans(),
)
def test_a_filter_that_finds_its_lines_in_whole_blocks_keeps_what_it_keeps_line_by_line(
    *, pipeline: list[dict[str, Any]], lines: list[str], block_bytes: int, stops: bool
) -> None:
    with mock.patch.object(sieved, "REST_BLOCKS", 0):  # blocks are searched however many lines are kept
        check(pipeline, lines, block_bytes, stops=stops)


@st.composite
def words_and_lines(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Words with one beginning, which may overlap itself, and lines with none, one or several of them."""
    beginning = draw(st.sampled_from(["a", "aa", "aba", "b-"]))
    rests = draw(st.lists(st.text("ab-", min_size=1, max_size=3), min_size=2, max_size=5))
    words = [beginning + rest for rest in rests]
    parts = st.sampled_from([*words, beginning, "a", "b", "-"])
    return words, draw(st.lists(st.lists(parts, max_size=4).map("".join), max_size=20))


@given(
    given_words=words_and_lines(),
    default=st.sampled_from([None, "x"]),
    following=st.sampled_from(["n", {"t0": "n", "t1": ["n", "end"], "x": "end"}]),
)
@example(given_words=(["b-1", "b-2"], ["b-2b-1", "b-3b-1"]), default="x", following="n")
def test_words_with_one_beginning_are_looked_up_and_give_the_tag_of_the_first_rule(
    given_words: tuple[list[str], list[str]], default: str | None, following: Any
) -> None:
    words, lines = given_words
    rules = {f"t{number}": word for number, word in enumerate(words)}
    config = {"rules": rules} | ({"default": default} if default else {})
    pipeline = [
        {"tag": "start", "type": "tag", "config": config, "next": following},
        {"tag": "n", "type": "write", "config": {"file": "{tag}.log"}},
    ]
    with mock.patch.object(routing, "FEW_WORDS", 1):
        check(pipeline, lines, 200, stops=False)
