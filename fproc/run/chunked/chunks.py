"""Chunks of one big file that several processes do at the same time, where no node remembers a line.

The outcome of a chunk is a value: the bytes of each result, figures, lines that are set aside. Such values,
added one after the other, are what one process would have done; see `helpers` for who does them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fproc.base.errors import FprocError
from fproc.base.values import dataclass, field
from fproc.config.input_format import LINES, Records
from fproc.pipeline.failures import LineFailure, RecordError, left_out
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import Source
from fproc.pipeline.records import encode_lines
from fproc.pipeline.tracing.timing import Sampling
from fproc.process.mark import CurrentTask, Doing
from fproc.run.pieces import PieceSizer
from fproc.run.reading.framing import boundary_finder, read_records
from fproc.spool.output.parts import HELD_CHARACTERS

CHUNK_BYTES = 1024 * 1024
"""The approximate size of a chunk: some milliseconds of work, unless users' code is slow."""

BUILTIN_CHUNKS = 2
"""How many times as long chunks are where there is no code of users."""

LEAST_BYTES = 32 * 1024 * 1024
"""A file with less than this left is done by one process: helpers take time to start."""

GIANT_BYTES = 64 * 1024 * 1024
"""A line longer than this is done by one process, which can make checkpoints and stop within a line."""

_WINDOW_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of an input, by their offsets in bytes."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class SharedInput:
    """What is known of an input that is done in chunks: the node at which it starts, and what a record is.

    `states` are those of nodes that were settled by the lines before.
    """

    source: Source
    entry: str
    records: Records = LINES
    states: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Done:
    """The outcome of a chunk, without its bytes.

    `figures` are the engine's. `pieces` are the results: the name (None for standard output), the number of
    bytes and of lines, in the order of the bytes. `lost` are lines that were set aside or skipped, in order,
    with line numbers that begin with 1 in the chunk. `lines` is how many lines it has.
    """

    figures: dict[str, Any]
    lines: int = 0
    pieces: list[tuple[str | None, int, int]] = field(default_factory=list)
    lost: list[LineFailure] = field(default_factory=list)


Outcome = tuple[Done, Sequence[bytes | memoryview]]
"""The outcome of a chunk, and the bytes of each piece."""


class Reader:
    """A reader of one part of a file, independent of other uses of the descriptor."""

    def __init__(self, descriptor: int, chunk: Chunk) -> None:
        self._descriptor = descriptor
        self._position = chunk.begin
        self._end = chunk.end

    def read(self, size_bytes: int) -> bytes:
        """Return up to `size_bytes` bytes, b"" at the end of the part."""
        data = os.pread(self._descriptor, min(size_bytes, self._end - self._position), self._position)
        self._position += len(data)
        return data


def chunks(
    descriptor: int, begin: int, size_bytes: int, records: Records = LINES, *, times: int = 1
) -> Iterator[Chunk]:
    """Yield the chunks of a file from the beginning of a record to the end of the file, or to a giant record.

    `records` is one of those of which `can_be_chunked` is true; chunks are `times` as long as usual.
    """
    before_bytes, find_boundary = boundary_finder(records)
    while begin < size_bytes:
        end = begin + times * CHUNK_BYTES
        while end < size_bytes:
            if end - begin > GIANT_BYTES:
                return
            seen_from = max(begin, end - before_bytes)
            data = os.pread(descriptor, _WINDOW_BYTES, seen_from)
            is_boundary, index = find_boundary(data, end - seen_from)
            end = max(seen_from + index, end if is_boundary else end + 1)
            if is_boundary:
                break
        end = min(end, size_bytes)
        yield Chunk(begin, end)
        begin = end


def count_newlines(descriptor: int, chunk: Chunk) -> int:
    """Return how many lines end in a chunk."""
    return sum(
        os.pread(descriptor, min(CHUNK_BYTES, chunk.end - position), position).count(b"\n")
        for position in range(chunk.begin, chunk.end, CHUNK_BYTES)
    )


def compute(
    plan: Plan,
    descriptor: int,
    shared: SharedInput,
    chunk: Chunk,
    *,
    pace: PieceSizer,
    mark: CurrentTask,
    sampling: Sampling | None = None,
) -> Outcome | None:
    """Do a chunk; return its outcome, or None if it must be done line by line.

    That is so where a line fails the file, or fails for a reason that passes: only a run of all lines in
    their order can report it correctly.

    Args:
        plan: the plan of the file.
        descriptor: the open input.
        shared: what is known of it.
        chunk: the part to do.
        pace: decides how many lines to feed at a time, in this process.
        mark: it takes the current work.
        sampling: it decides which lines are timed, unless None.
    """
    mark.note(Doing.FEEDING_PART, chunk.begin, chunk.end - chunk.begin)
    done = Done({})
    output = MemoryOutput(done)

    def lose(error: RecordError) -> None:
        done.lost.append(left_out(error, plan.config.on_error))

    try:
        run = plan.run(shared.source, output, entry=shared.entry, on_error=lose, sampling=sampling)
        try:
            run.settle(shared.states)
            blocks = read_records(
                shared.records,
                Reader(descriptor, chunk).read,
                max_line_bytes=plan.config.limits.max_line_bytes,
                offset_bytes=chunk.begin,
            )
            for piece in pace.pieces(next(blocks, None), blocks):
                pace.feed_part(run.feed, piece)
            done.figures = run.figures()
            done.lines = run.lines_in if shared.records == LINES else count_newlines(descriptor, chunk)
        finally:
            run.close()
    except FprocError:
        return None
    output.flush()
    return done, output.data


class MemoryOutput:
    """Results of a chunk, as bytes. An `Output`, whose docstrings apply."""

    def __init__(self, done: Done | None = None) -> None:
        self.data: list[bytes] = []
        self._pieces = done.pieces if done else []
        self._held: dict[str | None, list[str]] = {}
        self._held_characters = 0

    def write(self, result: str, line: str) -> None:  # noqa: D102
        self.lines(result).append(line)
        self.note(len(line) + 1)

    def print_line(self, line: str) -> None:  # noqa: D102
        self.printed().append(line)
        self.note(len(line) + 1)

    def lines(self, result: str) -> list[str]:  # noqa: D102
        return self._held.setdefault(result, [])

    def printed(self) -> list[str]:  # noqa: D102
        return self._held.setdefault(None, [])

    def note(self, characters: int) -> None:  # noqa: D102
        self._held_characters += characters
        if self._held_characters > HELD_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Turn what is held into pieces."""
        self._held_characters = 0
        for result, lines in self._held.items():
            if lines:
                data = encode_lines(lines)
                self.data.append(data)
                self._pieces.append((result, len(data), len(lines)))
                lines.clear()
