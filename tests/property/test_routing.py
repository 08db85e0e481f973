"""Whatever the graph and the lines: nothing lost, nothing doubled, exact order, and blocks never matter."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fproc.config.nodes import NodeSpec
from fproc.pipeline.graph import build_graph
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.processors import sinks
from fproc.pipeline.processors.base import Maker, Processor
from fproc.pipeline.records import Record
from fproc.pipeline.streams import Stream
from tests.support import oracle
from tests.support.helpers import SOURCE, Memory, read_blocks, stop

TAGS = ["a", "b", "c"]
SINKS = {"end": SOURCE.name, "left": "left.log", "right": "right.log"}
HOPS = 60

LINE = st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), max_size=12)

Behaviour = Callable[[], oracle.Step]


def keep() -> oracle.Step:
    return lambda tag, line: [(tag, line)]


def retag() -> oracle.Step:
    return lambda _tag, line: [(TAGS[len(line) % 3], line)]


def thin() -> oracle.Step:
    return lambda tag, line: [(tag, line)] if len(line) % 2 else []


def double() -> oracle.Step:
    return lambda _tag, line: [("a", line + "x"), ("b", line)]


def number() -> oracle.Step:
    """A node with state: what it gives depends on everything that came before."""
    count = 0

    def step(_tag: str, line: str) -> list[Record]:
        nonlocal count
        count += 1
        return [(TAGS[count % 3], f"{count}{line}")]

    return step


BEHAVIOURS: list[Behaviour] = [keep, retag, thin, double, number]


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, oracle.Node]:
    """A graph of up to six nodes without cycles: a node's records go to later nodes, sinks or `drop`."""
    names = ["start", *(f"n{index}" for index in range(draw(st.integers(0, 5))))]
    nodes = {}
    for index, name in enumerate(names):
        target = st.sampled_from([*names[index + 1 :], *SINKS, "drop"])
        several = st.one_of(target, st.lists(target, min_size=1, max_size=3))
        by_tag = st.fixed_dictionaries({"*": several}, optional=dict.fromkeys(TAGS, several))
        nodes[name] = oracle.Node(draw(st.sampled_from(BEHAVIOURS)), draw(st.one_of(several, by_tag)))
    return nodes


def maker(behaviour: Behaviour, *, as_stream: bool) -> Maker:
    """The behaviour as a processor for the engine: pushed to, or as a stream that pulls."""

    def make(_source: object, _output: object) -> Processor:
        step = behaviour()
        if not as_stream:
            return Processor(lambda tag, line: list(step(tag, line)))

        def pull(records: Iterable[Record]) -> Iterable[Record]:
            for tag, line in records:
                yield from step(tag, line)

        stream = Stream(pull, {}, own_tag="stream")
        return Processor(stream.process, stream.finish, stream.close)

    return make


def interpreter(nodes: dict[str, oracle.Node], output: Memory, *, streams: Sequence[str] = ()) -> Interpreter:
    """The same graph in the engine."""
    specs = []
    for name, node in nodes.items():
        specs.append(NodeSpec(name, "test.node", next=as_next(node.next)))
    specs += [NodeSpec(name, "write", {"file": file}) for name, file in SINKS.items() if name != "end"]
    graph, problems = build_graph(specs, [])
    assert problems == []
    makers: dict[str, Maker] = {
        name: maker(node.make, as_stream=name in streams) for name, node in nodes.items()
    }
    for name, file in SINKS.items():
        makers[name] = sinks.end_node() if name == "end" else sink(file)
    makers["drop"] = sinks.drop_node()
    return Interpreter(
        graph, makers, source=SOURCE, output=output, entry="start", max_hops=HOPS, on_error=stop
    )


def sink(file: str) -> Maker:
    def make(_source: object, output: Any) -> Processor:
        def process(_tag: str, line: str) -> Sequence[Record]:
            output.write(file, line)
            return ()

        return Processor(process)

    return make


def as_next(route: Any) -> Any:
    if isinstance(route, str):
        return (route,)
    if isinstance(route, list):
        return tuple(route)
    return route if route is None else {tag: as_next(value) for tag, value in route.items()}


def feed(run: Interpreter, data: bytes, block_bytes: int) -> None:
    try:
        for block in read_blocks(io.BytesIO(data).read, max_line_bytes=1000, block_bytes=block_bytes):
            run.feed(block)
        run.finish()
    finally:
        run.close()


@given(nodes=pipelines(), lines=st.lists(LINE, max_size=12), block_bytes=st.integers(1, 40))
def test_the_engine_gives_what_the_contract_says_whatever_the_blocks(
    nodes: dict[str, oracle.Node], lines: list[str], block_bytes: int
) -> None:
    lines = [line.removesuffix("\r") for line in lines]
    output = Memory()
    feed(interpreter(nodes, output), "".join(line + "\n" for line in lines).encode(), block_bytes)
    assert output.results == oracle.run(nodes, SINKS, lines).results


@given(nodes=pipelines(), lines=st.lists(LINE, max_size=8), data=st.data())
def test_a_stream_in_the_place_of_any_node_changes_nothing(
    nodes: dict[str, oracle.Node], lines: list[str], data: st.DataObject
) -> None:
    lines = [line.removesuffix("\r") for line in lines]
    streams = data.draw(st.lists(st.sampled_from(list(nodes)), unique=True, max_size=2))
    output = Memory()
    feed(interpreter(nodes, output, streams=streams), "".join(line + "\n" for line in lines).encode(), 64)
    assert output.results == oracle.run(nodes, SINKS, lines).results


@given(nodes=pipelines(), lines=st.lists(LINE, max_size=12))
def test_every_record_that_is_emitted_arrives_and_none_arrives_that_was_not(
    nodes: dict[str, oracle.Node], lines: list[str]
) -> None:
    output = Memory()
    run = interpreter(nodes, output)
    feed(run, "".join(line + "\n" for line in lines).encode(), 64)
    arrived: Counter[str] = Counter({"start": len(lines)})
    for (_, target), count in run.edges.items():
        arrived[target] += count
    assert {name: counts.received for name, counts in run.counts.items() if counts.received} == dict(+arrived)
    for name, node in nodes.items():
        left = sum(count for (source, _), count in run.edges.items() if source == name)
        if isinstance(node.next, str):
            assert left == run.counts[name].emitted
        elif isinstance(node.next, list):
            assert left == run.counts[name].emitted * len(node.next)
    written = sum(len(result) for result in output.results.values())
    assert written == sum(run.counts[name].received for name in SINKS)


@given(lines=st.lists(LINE, min_size=1, max_size=20), width=st.integers(1, 4), rounds=st.integers(0, 5))
def test_a_cycle_keeps_order_and_loses_nothing(lines: list[str], width: int, rounds: int) -> None:
    def go_round() -> oracle.Step:
        def step(_tag: str, line: str) -> list[Record]:
            count, _, rest = line.partition(":")
            return [("again", f"{int(count) - 1}:{rest}")] if int(count) else [("done", rest)]

        return step

    nodes = {
        "start": oracle.Node(lambda: lambda _tag, line: [("a", f"{rounds}:{line}")], "turn"),
        "turn": oracle.Node(go_round, {"again": "turn", "done": ["end"] * width, "*": "drop"}),
    }
    output = Memory()
    clean = [line.removesuffix("\r") for line in lines]
    feed(interpreter(nodes, output), "".join(line + "\n" for line in clean).encode(), 16)
    assert output.results == {SOURCE.name: [line for line in clean for _ in range(width)]}


@given(
    data=st.binary(max_size=60).map(
        lambda raw: raw.replace(b"q", b"\r\n").replace(b"w", b"\n").replace(b"e", b"\r")
    ),
    block_bytes=st.integers(1, 20),
    limit=st.integers(1, 12),
)
def test_blocks_and_limits_give_the_same_lines_as_a_look_at_the_whole(
    data: bytes, block_bytes: int, limit: int
) -> None:
    pieces = data.split(b"\n")
    ended, last = pieces[:-1], pieces[-1]
    expected = [line.removesuffix(b"\r") for line in ended] + ([last] if last else [])
    found: list[bytes | None] = []
    for block in read_blocks(io.BytesIO(data).read, max_line_bytes=limit, block_bytes=block_bytes):
        if hasattr(block, "head"):
            assert block[0] == len(found) + 1
            found.append(None)
        else:
            assert block.first_line_no == len(found) + 1
            assert data[block.offset_bytes :].startswith(block.raw)
            found += [line.encode("utf-8", "surrogateescape") for line in block.lines]
    assert found == [line if len(line) <= limit else None for line in expected]
