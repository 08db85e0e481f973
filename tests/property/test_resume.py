"""Whatever the graph, the lines and the places of the cuts: going on from a checkpoint changes nothing."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan
from fproc.pipeline.records import Block, Overlong
from fproc.run.reading.kinds import is_plain
from tests.support.helpers import SOURCE, Memory, plan_of, read_blocks, user
from tests.support.resumed import Job, through_json

pytestmark = pytest.mark.usefixtures("a_piece_for_each_record")

LIMIT = 20
TAGS = ["line", "sum", "t0", "t1", "left", "total", "a"]
SINKS = ["end", "left", "tagged", "drop"]


def stateful(name: str) -> str:
    return f"stateful_processors.{name}"


BUILTINS: list[tuple[str, dict[str, Any]]] = [
    ("trim", {}),
    ("count", {}),
    ("count", {"total": True}),
    ("join", {"lines": 2}),
    ("join", {"lines": 5}),
    ("tally", {}),
    ("tally", {"field": 1}),
    ("tally", {"pattern": "^(.)", "default": "none"}),
]
SIMPLE = ["Numbered", "LastOnes", "Summed", "halves", "by_length", "twice"]
STATEFUL = ["Grouped", "Unique", "Late", "EveryThird", "Dice"]
KINDS = [*BUILTINS, *[(user(name), {}) for name in SIMPLE], *[(stateful(name), {}) for name in STATEFUL]]


@st.composite
def pipelines(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A graph of up to five nodes without cycles, most of which remember something."""
    names = ["start", *(f"n{index}" for index in range(draw(st.integers(0, 4))))]
    nodes: list[dict[str, Any]] = []
    for index, name in enumerate(names):
        target = st.sampled_from([*names[index + 1 :], *SINKS])
        several = st.one_of(target, st.lists(target, min_size=1, max_size=2))
        by_tag = st.fixed_dictionaries({"*": several}, optional=dict.fromkeys(TAGS, several))
        kind, config = draw(st.sampled_from(KINDS))
        nodes.append({"tag": name, "type": kind, "config": config, "next": draw(st.one_of(several, by_tag))})
    nodes.append({"tag": "left", "type": "write", "config": {"file": "{stem}.left"}})
    nodes.append({"tag": "tagged", "type": "write", "config": {"file": "{tag}.tag"}})
    return nodes


LINE = st.one_of(
    st.sampled_from(
        [b"", b"a", b"a b", b"ab \xff\xed\xa0\x80", "ä 🚚".encode(), b"\r", b"x" * LIMIT, b"\x85 a"]
    ),
    st.binary(max_size=6).map(lambda raw: raw.replace(b"\n", b"a")),
    st.integers(LIMIT + 1, 3 * LIMIT).map(lambda size: b"y" * size),
)

CONTENTS = st.builds(
    lambda lines, last: b"".join(lines) + last,
    st.lists(
        st.builds(lambda line, ending: line + ending, LINE, st.sampled_from([b"\n", b"\r\n"])), max_size=14
    ),
    st.one_of(st.just(b""), LINE),
).filter(lambda data: not data or is_plain(data))  # other beginnings say that it is no text, or packed

CUTS = st.lists(st.integers(0, 15), max_size=4, unique=True).map(sorted)


def lines_of(data: bytes, block_bytes: int) -> Iterator[Block | Overlong]:
    """The input, line by line."""
    for piece in read_blocks(io.BytesIO(data).read, max_line_bytes=LIMIT, block_bytes=block_bytes):
        rest = piece
        while isinstance(rest, Block) and len(rest.lines) > 1:
            line, rest = rest.cut(1)
            yield line
        yield rest


def seen(run: Interpreter) -> dict[str, Any]:
    """All that a run counts."""
    counts = {name: (at.received, at.emitted, at.failed) for name, at in run.counts.items()}
    return {"lines_in": run.lines_in, "counts": counts, "edges": run.edges}


def run_in_parts(plan: Plan, data: bytes, cuts: list[int], block_bytes: int = 64) -> Any:
    """What becomes of an input if the run begins anew, from a snapshot, before each of these lines."""
    output, errors = Memory(), []

    def note(error: RecordError) -> None:
        errors.append((error.failure.node, error.failure.line_no, error.failure.reason, error.failure.given))

    def fresh() -> Interpreter:
        return plan.run(SOURCE, output, entry="start", on_error=note)

    current = fresh()
    for number, line in enumerate(lines_of(data, block_bytes)):
        if number in cuts:
            value = through_json(current.snapshot())
            current.close()
            current = fresh()
            current.restore(value)
            assert through_json(current.snapshot()) == value
        current.feed(line)
    ending = None
    try:
        current.finish()
    except RecordError as error:
        ending = str(error)
    current.close()
    return output.results, errors, seen(current), ending


@given(nodes=pipelines(), data=CONTENTS, cuts=CUTS, block_bytes=st.integers(1, 64))
def test_a_run_that_goes_on_from_snapshots_is_the_run_that_was_never_cut(
    nodes: list[dict[str, Any]], data: bytes, cuts: list[int], block_bytes: int
) -> None:
    plan = plan_of(nodes, limits={"max_line_bytes": LIMIT})
    assert run_in_parts(plan, data, cuts, block_bytes) == run_in_parts(plan, data, [])


@given(nodes=pipelines(), data=CONTENTS, cut=st.integers(0, 15))
def test_a_snapshot_changes_nothing_in_the_run_that_gave_it(
    nodes: list[dict[str, Any]], data: bytes, cut: int
) -> None:
    plan = plan_of(nodes, limits={"max_line_bytes": LIMIT})
    output = Memory()
    one = plan.run(SOURCE, output, entry="start", on_error=lambda _error: None)
    for number, line in enumerate(lines_of(data, 64)):
        if number == cut:
            assert json.dumps(one.snapshot()) == json.dumps(one.snapshot())
        one.feed(line)
    one.finish()
    one.close()
    results, _, counted, _ = run_in_parts(plan, data, [])
    assert (output.results, seen(one)) == (results, counted)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


@given(
    nodes=pipelines(),
    data=CONTENTS,
    cuts=CUTS,
    suffix=st.sampled_from(list(PACKED)),
    on_error=st.sampled_from(["reject", "skip"]),
)
def test_a_file_that_goes_on_from_places_gives_what_it_gives_undisturbed(
    nodes: list[dict[str, Any]], data: bytes, cuts: list[int], suffix: str, on_error: str
) -> None:
    plan = plan_of(nodes, on_error=on_error, limits={"max_line_bytes": LIMIT})
    with tempfile.TemporaryDirectory() as folder:
        job = Job(folder, plan, "in.log" + suffix, PACKED[suffix](data))
        undisturbed = job.run()
        assert len(job.checkpoints) == undisturbed[2].lines_in
        for cut in cuts:
            if cut < len(job.checkpoints):
                del job.checkpoints[cut + 1 :]
                assert job.run(job.checkpoints.pop()) == undisturbed
                places = [checkpoint.place.line_no for checkpoint in job.checkpoints]
                assert places == list(range(1, undisturbed[2].lines_in + 1))


@given(data=CONTENTS, suffix=st.sampled_from(list(PACKED)))
def test_every_line_is_a_place_to_go_on_from_and_offsets_are_those_of_the_contents(
    data: bytes, suffix: str
) -> None:
    nodes = [{"tag": "start", "type": stateful("EveryThird"), "next": "end"}]
    plan = plan_of(nodes, on_error="reject", limits={"max_line_bytes": LIMIT})
    with tempfile.TemporaryDirectory() as folder:
        job = Job(folder, plan, "in.log" + suffix, PACKED[suffix](data))
        undisturbed = job.run()
        for checkpoint in list(job.checkpoints):
            before = data[: checkpoint.place.offset_bytes]
            assert before.count(b"\n") == checkpoint.place.line_no - 1
            assert before == b"" or before.endswith(b"\n")
            assert job.run(checkpoint) == undisturbed
        for line in undisturbed[1].splitlines():
            told = json.loads(line)
            assert data[: told["byte_offset"]].count(b"\n") == told["line_no"] - 1


@given(lines=st.lists(st.integers(0, 4), max_size=10), cuts=CUTS)
def test_a_cycle_with_a_memory_goes_on_as_well(lines: list[int], cuts: list[int]) -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "trim", "next": "turn"},
        {"tag": "turn", "type": user("countdown"), "next": {"again": "turn", "done": "number"}},
        {"tag": "number", "type": user("Numbered"), "next": ["end", "groups"]},
        {"tag": "groups", "type": stateful("Grouped"), "next": {"t3": "end", "*": "end"}},
    ]
    data = "".join(f"{number}x\n" for number in lines).encode()
    plan = plan_of(nodes)
    assert run_in_parts(plan, data, cuts) == run_in_parts(plan, data, [])


@pytest.mark.parametrize("cut", range(5))
def test_lines_that_are_joined_keep_the_tag_of_the_first_of_them(cut: int) -> None:
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": user("by_length"), "next": "join"},
        {"tag": "join", "type": "join", "config": {"lines": 2}, "next": {"t1": "end", "*": "left"}},
        {"tag": "left", "type": "write", "config": {"file": "left"}},
    ]
    results, *_ = run_in_parts(plan_of(nodes), b"a\nbb\ncc\nd\ne\n", [cut])
    assert results == {SOURCE.name: ["a bb", "e"], "left": ["cc d"]}


def test_a_file_enters_where_its_own_first_line_sent_it(tmp_path: Path) -> None:
    nodes = [
        {"tag": "start", "type": "trim", "next": "end"},
        {"tag": "loud", "type": "uppercase", "next": "number"},
        {"tag": "number", "type": "count", "next": "end"},
    ]
    plan = plan_of(nodes, files=[{"first_line": "^loud", "start": "loud"}])
    job = Job(str(tmp_path), plan, "in.log", b"loud\na\nb\nc\n")
    undisturbed = job.run()
    assert undisturbed[0] == {"in.log": b"1 LOUD\n2 A\n3 B\n4 C\n"}
    for checkpoint in list(job.checkpoints):
        assert job.run(checkpoint) == undisturbed
