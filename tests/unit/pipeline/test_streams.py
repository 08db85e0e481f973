"""Streams: in step with the graph, record by record, and gone when their file is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fproc.base.errors import (
    InputError,
    OutputError,
    ProcessorExitError,
    ShapeError,
)
from fproc.base.faults import trouble_of
from fproc.config.model import RetryPolicy
from fproc.pipeline import streams
from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.processors.base import Source
from fproc.pipeline.records import Block, Record
from fproc.pipeline.streams import BATCH, Stream
from fproc.run.verdict import Verdict, decide
from tests.support.helpers import SOURCE, Memory, plan_of, run_bytes, run_lines, stop, user

Records = Iterator[Record]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Whatever a test does with streams, afterwards none of their threads lives."""
    before = set(threading.enumerate())
    yield
    assert [thread for thread in threading.enumerate() if thread not in before] == []


def stream_node(function: str, **node: Any) -> dict[str, Any]:
    return {"tag": "start", "type": user(function), "stream": True, "next": "end", **node}


def started(function: Callable[..., Any], **config: Any) -> Stream:
    return Stream(function, config, own_tag="own")


def echo(records: Records) -> Iterator[Record]:
    yield from records


def test_what_a_stream_yields_belongs_to_the_record_it_last_took() -> None:
    def two_for_one(records: Records) -> Iterator[Record | str]:
        for tag, line in records:
            yield tag, line
            yield line + "'"

    stream = started(two_for_one)
    assert stream.process("t", "a") == [("t", "a"), ("own", "a'")]
    assert stream.process("u", "b") == [("u", "b"), ("own", "b'")]
    assert list(stream.finish()) == []


def test_a_stream_that_looks_ahead_gives_nothing_until_it_yields() -> None:
    def pairs(records: Records) -> Iterator[Record]:
        for tag, line in records:
            yield tag, line + next(records, ("", "."))[1]

    stream = started(pairs)
    assert stream.process("t", "a") == []
    assert stream.process("t", "b") == [("t", "ab")]
    assert stream.process("t", "c") == []
    assert list(stream.finish()) == [("t", "c.")]


def test_header_and_footer_stand_around_the_lines() -> None:
    plan = plan_of([stream_node("numbered_stream")])
    assert run_lines(plan, "a", "b") == {"in.log": ["begin", "1:a", "2:b", "end after 2"]}


def test_header_and_footer_are_there_for_an_empty_file_too() -> None:
    assert run_lines(plan_of([stream_node("numbered_stream")])) == {"in.log": ["begin", "end after 0"]}


def test_header_and_footer_keep_the_tags_they_were_given() -> None:
    plan = plan_of(
        [
            stream_node("numbered_stream", next={"head": "ends", "tail": "ends", "*": "drop"}),
            {"tag": "ends", "type": "write", "config": {"file": "{tag}"}},
        ]
    )
    assert run_lines(plan, "a") == {"head": ["begin"], "tail": ["end after 1"]}


@pytest.mark.parametrize("block_bytes", [1, 3, 7, 65536])
def test_the_order_is_exact_for_every_size_of_block(block_bytes: int) -> None:
    plan = plan_of(
        [stream_node("pairs", next=["up", "end"]), {"tag": "up", "type": "uppercase", "next": "end"}]
    )
    output, _ = run_bytes(plan, b"a\nb\nc\nd\ne\n", block_bytes=block_bytes)
    assert output.results == {"in.log": ["A+B", "a+b", "C+D", "c+d", "E", "e"]}


def test_two_streams_in_a_row_stay_in_step() -> None:
    plan = plan_of(
        [
            stream_node("pairs", next="second"),
            {**stream_node("numbered_stream"), "tag": "second"},
        ]
    )
    assert run_lines(plan, "a", "b", "c") == {"in.log": ["begin", "1:a+b", "2:c", "end after 2"]}


def test_each_file_gets_a_stream_of_its_own() -> None:
    plan = plan_of([stream_node("numbered_stream")])
    assert run_lines(plan, "a") == run_lines(plan, "a") == {"in.log": ["begin", "1:a", "end after 1"]}


def test_a_stream_that_returned_early_takes_the_rest_and_gives_nothing() -> None:
    plan = plan_of([stream_node("first_two")])
    output, run = run_bytes(plan, b"a\nb\nc\nd\n")
    assert output.results == {"in.log": ["a", "b"]}
    assert (run.counts["start"].received, run.lines_in) == (4, 4)


def test_a_stream_that_swallows_errors_still_ends_with_its_file() -> None:
    assert run_lines(plan_of([stream_node("stubborn_stream")]), "a", "b") == {"in.log": ["a", "b"]}


def test_a_stream_that_swallows_errors_ends_when_its_file_is_given_up() -> None:
    plan = plan_of([stream_node("stubborn_stream")])
    run = plan.run(Source("in.log", ""), Memory(), entry="start", on_error=stop)
    run.push("start", "start", "a")
    run.close()


def test_an_error_of_a_stream_is_that_of_the_line_it_last_took() -> None:
    message = r"^line 2, node 'start': ValueError: a bad line \(user_processors.py:\d+\)$"
    with pytest.raises(RecordError, match=message) as caught:
        run_lines(plan_of([stream_node("failing_stream")]), "a", "bad", "c")
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.failure.given == "bad"


def test_a_stream_may_fail_before_its_first_record() -> None:
    def fails(_records: Records) -> Iterator[Record]:
        raise RuntimeError("no licence")

    stream = started(fails)
    with pytest.raises(RuntimeError, match="no licence"):
        stream.process("t", "a")


def test_a_stream_may_fail_after_its_last_record_and_keeps_nothing_back() -> None:
    def fails_late(records: Records) -> Iterator[Record]:
        yield from records
        raise RuntimeError("no end")

    stream = started(fails_late)
    assert stream.process("t", "a") == [("t", "a")]
    with pytest.raises(RuntimeError, match="no end"):
        list(stream.finish())


def test_a_stream_that_asks_the_program_to_end_is_an_error_like_any_other() -> None:
    def leaves(records: Records) -> Iterator[Record]:
        next(records)
        raise SystemExit("gone")

    stream = started(leaves)
    with pytest.raises(ProcessorExitError, match="SystemExit: gone"):
        stream.process("t", "a")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, r"gave None \(NoneType\)"),
        (7, r"gave 7 \(int\)"),
        ("text", r"gave 'text' \(str\)"),
        ([7], r"yielded 7 \(int\)"),
        ([("a", "b", "c")], r"yielded \('a', 'b', 'c'\) \(tuple\)"),
        ([None], r"yielded None \(NoneType\)"),
    ],
)
def test_what_is_no_stream_of_records_is_refused(given: Any, says: str) -> None:
    stream = started(lambda _records: given)
    with pytest.raises(ShapeError, match=says):
        stream.process("t", "a")


def test_a_stream_need_not_be_a_generator() -> None:
    def backwards(records: Records) -> list[Record]:
        return list(records)[::-1]

    stream = started(backwards)
    assert stream.process("t", "a") == []
    assert stream.process("t", "b") == []
    assert list(stream.finish()) == [("t", "b"), ("t", "a")]


def test_config_comes_as_keywords() -> None:
    def prefixed(records: Records, prefix: str) -> Iterator[Record]:
        for tag, line in records:
            yield tag, prefix + line

    stream = started(prefixed, prefix="> ")
    assert stream.process("t", "a") == [("t", "> a")]
    stream.close()


def test_a_long_tail_is_taken_over_in_batches() -> None:
    made = 0

    def tail(records: Records) -> Iterator[Record]:
        nonlocal made
        list(records)
        for number in range(3 * BATCH + 1):
            made += 1
            yield "tail", str(number)

    stream = started(tail)
    assert stream.process("t", "a") == []
    finishing = stream.finish()
    assert next(finishing) == ("tail", "0")
    assert made <= BATCH + 1
    assert [line for _, line in finishing] == [str(number) for number in range(1, 3 * BATCH + 1)]


@pytest.mark.parametrize("length", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH])
def test_a_tail_of_any_length_arrives_whole(length: int) -> None:
    plan = plan_of([stream_node("long_tail", config={"length": length})])
    expected = {"in.log": [str(number) for number in range(length)]} if length else {}
    assert run_lines(plan, "a", "b") == expected


def test_a_stream_that_waits_for_a_record_can_be_closed() -> None:
    stream = started(echo)
    stream.process("t", "a")
    stream.close()


def test_a_stream_that_waits_in_its_tail_can_be_closed() -> None:
    def endless(records: Records) -> Iterator[Record]:
        list(records)
        while True:
            yield "tail", "x"

    stream = started(endless)
    finishing = stream.finish()
    next(finishing)
    stream.close()


def test_a_stream_cleans_up_when_it_is_closed() -> None:
    notes: list[str] = []

    def careful(records: Records) -> Iterator[Record]:
        try:
            yield from records
        finally:
            notes.append("cleaned up")

    stream = started(careful)
    stream.process("t", "a")
    stream.close()
    assert notes == ["cleaned up"]


@pytest.mark.parametrize("uses", ["never started", "finished", "closed already"])
def test_closing_is_harmless_whatever_came_before(uses: str) -> None:
    stream = started(echo)
    if uses != "never started":
        stream.process("t", "a")
    if uses == "finished":
        list(stream.finish())
    if uses == "closed already":
        stream.close()
    stream.close()


def test_a_stream_that_does_not_end_is_left_behind_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    let_go = threading.Event()

    def hangs(records: Records) -> Iterator[Record]:
        try:
            yield from records
        finally:
            let_go.wait(60)

    monkeypatch.setattr(streams, "CLOSE_SECONDS", 0.02)
    stream = started(hangs)
    stream.process("t", "a")
    stream.close()
    assert "node 'own': its stream does not end; it is left behind" in caplog.text
    let_go.set()
    [thread] = [thread for thread in threading.enumerate() if thread.name == "stream own"]
    thread.join(10)


def refuse_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("lines", [["a"], []], ids=["at the first line", "at the end of an empty file"])
@pytest.mark.parametrize("on_error", ["fail", "reject", "skip"])
def test_a_thread_that_the_system_refuses_is_the_host_s_trouble_and_costs_no_attempt(
    lines: list[str], on_error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse_thread)
    with pytest.raises(OutputError) as caught:
        run_lines(plan_of([stream_node("pairs")], on_error=on_error), *lines)
    assert decide(caught.value, 1, RetryPolicy()) is Verdict.PAUSE
    assert trouble_of(caught.value).startswith("node 'start': can't start new thread (raise the limit of ")


def test_a_run_that_fails_at_another_node_closes_its_streams() -> None:
    nodes = [stream_node("pairs", next="bad"), {"tag": "bad", "type": user("fail_on_bad"), "next": "end"}]
    with pytest.raises(RecordError, match=r"line 2, node 'bad': ValueError"):
        run_lines(plan_of(nodes), "a", "bad", "c")


def run_of(nodes: list[dict[str, Any]], output: Memory, errors: list[RecordError]) -> Interpreter:
    return plan_of(nodes).run(SOURCE, output, entry="start", on_error=errors.append)


def test_a_stream_that_raised_fails_the_file_even_where_its_line_was_skipped() -> None:
    output, errors = Memory(), list[RecordError]()
    run = run_of(
        [{"tag": "start", "type": user("failing_stream"), "stream": True, "next": "end"}], output, errors
    )
    with pytest.raises(
        InputError, match="node 'start': its stream ended with an error and takes no more lines"
    ):
        run.feed(Block(["a", "bad", "c"], 1, 0, b""))
    assert [error.failure.line_no for error in errors] == [2]
    with pytest.raises(RecordError, match="its stream ended with an error"):
        run.finish()
    run.close()


def test_none_in_the_middle_of_finish_is_an_error_and_not_its_end() -> None:
    with pytest.raises(RecordError, match=r"yielded None \(NoneType\)"):
        run_lines(plan_of([{"tag": "start", "type": user("FinishesWithNone"), "next": "end"}]), "a")
