"""The compiled form of a graph gives what the interpreter gives: results, figures, every failure."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from fproc.base.errors import FprocError
from fproc.config.input_format import Records
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors import builtins as built_ins
from fproc.pipeline.processors.options.checks import check_options
from fproc.pipeline.records import Passing
from fproc.pipeline.tracing.timing import Sampling
from fproc.run.reading.framing import read_records
from tests.support.helpers import SOURCE, Memory, Notes, plan_of

TAGS = ["a", "b", "c"]
SPECIAL = ["info", "warn", "INFO", "error", "no/name"]

WORDS = st.sampled_from(
    ["INFO", "WARN", "ERROR", "a", "b", "x1", "", "healthz", "\u00e9", "{}", "\t", "\x1c", "\udcff"]
)
LINES = st.lists(
    st.one_of(
        st.lists(WORDS, max_size=6).map(" ".join),
        st.lists(WORDS, max_size=4).map(",".join),
        st.sampled_from(
            [
                '{"a":1.50,"b":"x"}',
                '{"a": [1, {"c": -0}], "INFO":"x"}',
                "{}",
                "[1]",
                '"INFO,a",b',
                '"open,b',
                "#Fields: a b",
                "a,b",
            ]
        ),
        st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), max_size=8),
    ),
    max_size=25,
)
RECORDS = st.lists(st.lists(st.one_of(WORDS, st.just("\n")), max_size=6).map(" ".join), max_size=25)
"""Records with line endings inside."""

PATTERNS = st.sampled_from(
    [
        "INFO",
        "INFO|WARN",
        "^INFO",
        "^[^ ]* INFO ",
        "a.b",
        "x|",
        "(?i)info",
        "^a|b",
        "(?m)^b",
        ".",
        "{",
        "\\bb\\b",
        "",
    ]
)
OTHERWISE = st.sampled_from(["keep", "drop", "reject"])
SEPARATORS = st.sampled_from([" ", ",", " ,", "a"])
DEFAULTS = st.one_of(st.none(), st.sampled_from([*TAGS, *SPECIAL]))


def options(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A node's config; what is None is left out."""
    made = st.fixed_dictionaries(values)
    return made.map(lambda config: {key: value for key, value in config.items() if value is not None})


def fields_options() -> st.SearchStrategy[dict[str, Any]]:
    def of_most(most: int | None) -> st.SearchStrategy[dict[str, Any]]:
        numbers = st.integers(0, most or 5)
        template = st.lists(
            st.one_of(numbers.map("{{{}}}".format), st.sampled_from(["[", 'é"\\', "{{", "}}"])), max_size=4
        )
        return options(
            separator=SEPARATORS, max=st.just(most), template=template.map("".join), otherwise=OTHERWISE
        )

    return st.one_of(st.none(), st.integers(1, 14)).flatmap(of_most)


Options = st.SearchStrategy[dict[str, Any]]

BUILTINS: dict[str, Options] = {
    "tag": options(
        rules=st.dictionaries(st.sampled_from([*TAGS, *SPECIAL]), PATTERNS, max_size=3), default=DEFAULTS
    ),
    "tag_field": options(
        separator=SEPARATORS,
        field=st.integers(1, 4),
        tags=st.dictionaries(
            st.sampled_from(["INFO", "WARN", "ERROR", "a", "b", "x1", "", "\u00e9"]),
            st.sampled_from([*TAGS, *SPECIAL]),
            max_size=8,
        ),
        default=DEFAULTS,
    ),
    "tag_prefix": options(separator=SEPARATORS, default=DEFAULTS),
    "filter": options(pattern=PATTERNS),
    "drop_matching": options(pattern=PATTERNS),
    "uppercase": options(),
    "lowercase": options(),
    "snakecase": options(),
    "trim": options(),
    "replace": options(pattern=PATTERNS, **{"with": st.sampled_from(["", "Q", "\\n", "\\g<0>!", "{}"])}),
    "rewrite": options(
        pattern=st.sampled_from(
            ["^(?P<one>\\w+) (?P<two>.*)$", "(?P<one>a)|(?P<two>b)", "(x)?(?P<one>\\S*)(?P<two>)"]
        ),
        template=st.lists(st.sampled_from(["{one}", "{two}", "{0}", " - ", "{{", '"']), max_size=4).map(
            "".join
        ),
        otherwise=OTHERWISE,
    ),
    "fields": fields_options(),
    "split": options(separator=SEPARATORS),
    "join": options(lines=st.integers(1, 3), separator=st.sampled_from(["+", ""])),
    "count": options(total=st.booleans()),
    "tally": options(field=st.one_of(st.none(), st.integers(1, 3))),
    "parse_csv": options(
        separator=st.sampled_from([",", " "]), header=st.sampled_from([True, ["x", "y"]]), otherwise=OTHERWISE
    ),
    "parse_json": options(otherwise=OTHERWISE),
    "parse_regex": options(
        pattern=st.sampled_from(
            ["(?P<a>\\w+) (?P<b>\\w+)?", "^%{WORD:a.b}[ ,]%{GREEDYDATA:c}", "%{INT:n:int}"]
        ),
        otherwise=OTHERWISE,
    ),
    "dissect": options(pattern=st.sampled_from(["{a} {b}", "{a.x},{}", "I{n}"]), otherwise=OTHERWISE),
    "parse_kv": options(
        separator=SEPARATORS,
        delimiter=st.sampled_from(["N", "a"]),
        skip_words=st.booleans(),
        otherwise=OTHERWISE,
    ),
    "parse_fixed": options(columns=st.just({"a": "1-2", "b": "3-"}), otherwise=OTHERWISE),
    "parse_log": options(format=st.sampled_from(["w3c", "common"]), otherwise=OTHERWISE),
    "format": st.one_of(
        options(
            to=st.just("csv"),
            fields=st.sampled_from([None, ["a", "b"]]),
            header=st.booleans(),
            default=st.sampled_from([None, "-"]),
            otherwise=OTHERWISE,
        ),
        options(
            to=st.sampled_from(["kv", "json"]), fields=st.sampled_from([None, ["a"]]), otherwise=OTHERWISE
        ),
        options(template=st.sampled_from(["{a} {file}", "{a.b}{offset}"]), otherwise=OTHERWISE),
    ),
}
STRUCTURED: dict[str, Options] = {
    **{
        name: st.just(dict(builtin.example[0]))
        for name, builtin in built_ins.BUILTINS.items()
        if builtin.step(check_options(name, builtin, builtin.example[0], "$")[0])
    },
    **{
        name: BUILTINS[name]
        for name in ("parse_csv", "parse_json", "dissect", "parse_kv", "format", "filter", "tag")
    },
    "edit": st.sampled_from(
        [{"set": {"a": "x{b}"}}, {"rename": {"a": "c.d"}}, {"remove": ["b"]}, {"keep": ["a"]}]
    ),
    "where": st.sampled_from([{"field": "a", "exists": True}, {"field": "a", "above": 1}]),
}
"""Those that work on structured records, with options that fit many lines, and some others among them."""

OBJECTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["a,b", "1,2", "a=1 b=2", "no object", '{"a":"\udcff"}', "INFO 1", '{"a":{"b":[1.50]}}']
        ),
        st.dictionaries(
            st.sampled_from(["a", "b", "a.b", "INFO"]),
            st.sampled_from([1, 2.5, "x", None, "", {"b": 3}]),
            max_size=3,
        ).map(json.dumps),
    ),
    max_size=20,
)

USERS = [f"odd_processors.{name}" for name in ("odd", "pair", "many", "Remembering", "Pairing", "flowing")]
STREAM = "odd_processors.flowing"


@st.composite
def nodes(
    draw: st.DrawFn, *, wild: st.SearchStrategy[int], kinds: Mapping[str, Options] = BUILTINS, first: str = ""
) -> list[dict[str, Any]]:
    """A graph of up to seven nodes of these kinds without cycles, with sinks of each kind behind it."""
    names = ["start", *(f"n{index}" for index in range(draw(st.integers(0, 5))))]
    sinks = ["end", "drop", "plain", "tagged", "screen"]
    made = []
    for index, name in enumerate(names):
        kind = draw(st.one_of(st.sampled_from(sorted(kinds)), st.sampled_from(USERS)))
        if index == 0 and first:
            kind = first
        config = draw(kinds[kind]) if kind in kinds else {"salt": index, "wild": draw(wild)}
        target = st.sampled_from([*names[index + 1 :], *sinks])
        several = st.one_of(target, st.lists(target, min_size=1, max_size=3))
        known = dict.fromkeys([*TAGS, *SPECIAL], several)
        by_tag = st.fixed_dictionaries(
            {"*": several} if draw(st.booleans()) else {"x": several}, optional=known
        )
        node = {"tag": name, "type": kind, "config": config, "next": draw(st.one_of(several, by_tag))}
        made.append(node | {"stream": True} if kind == STREAM else node)
    return [
        *made,
        {"tag": "plain", "type": "write", "config": {"file": "{stem}.plain"}},
        {"tag": "tagged", "type": "write", "config": {"file": "{tag}.{date}"}},
        {"tag": "screen", "type": "stdout"},
    ]


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
