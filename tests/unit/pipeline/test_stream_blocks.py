"""Streams that get many records in a turn: each record keeps what belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from fproc.base.errors import InputError
from fproc.pipeline.records import Record
from fproc.pipeline.streams import BATCH, Stream
from tests.support.helpers import plan_of, run_lines, user

Records = Iterator[Record]


def started(function: Callable[..., Any]) -> Stream:
    return Stream(function, {}, own_tag="own")


def turns(stream: Stream, *lines: str) -> list[tuple[list[str], list[int]]]:
    """What a stream emits for a block of lines in each turn, and how much of it by the end of each line."""
    records = [("t", line) for line in lines]
    return [([line for _, line in given], [*stream.ends]) for given in stream.process_block(records)]


def test_a_block_of_records_takes_one_turn_and_each_record_keeps_what_belongs_to_it() -> None:
    stream = started(pairs_and_singles)
    assert turns(stream, "a", "b", "cc", "d") == [(["a", "a", "cc"], [2, 2, 3, 3])]
    assert turns(stream, "e") == [(["e", "e"], [2])]
    assert list(stream.finish()) == []


def pairs_and_singles(records: Records) -> Iterator[str]:
    """Yields every other line as often as it is not long."""
    for _, line in records:
        yield from [line] * (3 - len(line))
        next(records, None)


def test_a_stream_that_yields_much_hands_over_in_the_middle_of_a_block() -> None:
    def many(records: Records) -> Iterator[str]:
        for _, line in records:
            yield from [line] * BATCH

    stream = started(many)
    assert [ends for _, ends in turns(stream, "a", "b", "c")] == [[BATCH]] * 3
    assert [ends for _, ends in turns(stream, "d")] == [[BATCH]]
    assert list(stream.finish()) == []


def test_what_a_stream_yields_before_it_takes_anything_belongs_to_the_first_record_of_a_block() -> None:
    stream = started(lambda _records: ["a", "b"])
    assert turns(stream, "1", "2") == [(["a", "b"], [2, 2])]
    assert turns(stream, "3") == [([], [0])]


def test_a_stream_that_raises_in_a_block_leaves_that_record_and_the_others_to_be_asked_for() -> None:
    def fails(records: Records) -> Iterator[str]:
        for _, line in records:
            yield line
            if line == "b":
                raise ValueError("no")

    stream = started(fails)
    assert turns(stream, "a", "b", "c") == [(["a"], [1])]
    with pytest.raises(ValueError, match="no"):
        stream.process("t", "b")
    with pytest.raises(InputError, match="takes no more lines"):
        stream.process("t", "c")
    assert turns(stream, "d") == []


def test_lines_that_enter_at_a_stream_reach_it_a_block_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks: list[int] = []
    process_block = Stream.process_block

    def noted(stream: Stream, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        blocks.append(len(records))
        return process_block(stream, records)

    monkeypatch.setattr(Stream, "process_block", noted)
    pairing = {"tag": "start", "type": user("pairs"), "stream": True, "next": "second"}
    plan = plan_of([pairing, {**pairing, "tag": "second", "next": "end"}])
    assert run_lines(plan, *"abcdef") == {"in.log": ["a+b+c+d", "e+f"]}
    assert blocks == [6]
