"""Pieces of one big file that several processes do at the same time, where no node remembers a line.

The outcome of a chunk is a value: the bytes of each result, figures, lines that are set aside. Such values,
added one after the other, are what one process would have done; see `helpers` for who does them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from fproc.base.errors import FprocError
from fproc.base.values import dataclass, field
from fproc.pipeline.failures import LineFailure, RecordError, left_out
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import Source
from fproc.pipeline.records import encode_lines, read_blocks
from fproc.pipeline.tracing.timing import Sampling
from fproc.process.mark import CurrentTask, Doing
from fproc.run.pieces import PieceSizer
from fproc.spool.output.parts import HELD_CHARACTERS

CHUNK_BYTES = 1024 * 1024
"""About how long a chunk is: some milliseconds of work."""

LEAST_BYTES = 32 * 1024 * 1024
"""A file that has less than this left to do is done by one process: helpers take time to start."""

GIANT_BYTES = 64 * 1024 * 1024
"""What is longer than this is done by one process, which can make checkpoints and stop within a line."""

_WINDOW_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of an input, by their place in bytes."""

    begin: int
    end: int


@dataclass(slots=True)
class Done:
    """What a chunk has come to.

    `figures` are the engine's. `pieces` are the results: which one (None for standard output), how many bytes
    and how many lines, in the order in which the bytes stand behind each other. `lost` are lines that were
    set aside or skipped, in order, with line numbers that begin with 1 in the chunk.
    """

    figures: dict[str, Any]
    pieces: list[tuple[str | None, int, int]] = field(default_factory=list)
    lost: list[LineFailure] = field(default_factory=list)


Outcome = tuple[Done, Sequence[bytes | memoryview]]
"""What a chunk has come to, and the bytes of each piece."""


class Reader:
    """Reads one part of a file, whatever others do with the same descriptor."""

    def __init__(self, descriptor: int, chunk: Chunk) -> None:
        self._descriptor = descriptor
        self._place = chunk.begin
        self._end = chunk.end

    def read(self, size_bytes: int) -> bytes:
        """Return at most this many bytes, b"" at the end of the part."""
        data = os.pread(self._descriptor, min(size_bytes, self._end - self._place), self._place)
        self._place += len(data)
        return data


def chunks(descriptor: int, begin: int, size_bytes: int) -> Iterator[Chunk]:
    """The chunks of a file from a place, which is the beginning of a line, to its end, or to a giant line."""
    while begin < size_bytes:
        end = begin + CHUNK_BYTES
        while end < size_bytes:
            if end - begin > GIANT_BYTES:
                return
            found = os.pread(descriptor, _WINDOW_BYTES, end - 1).find(b"\n")
            if found >= 0:
                end += found
                break
            end += _WINDOW_BYTES
        end = min(end, size_bytes)
        yield Chunk(begin, end)
        begin = end


def compute(
    plan: Plan,
    descriptor: int,
    source: Source,
    entry: str,
    chunk: Chunk,
    *,
    pace: PieceSizer,
    mark: CurrentTask,
    sampling: Sampling | None = None,
) -> Outcome | None:
    """Do a chunk; gives what it came to, or None: it must be done line by line.

    That is so where a line fails the file, or has met with trouble that passes: only who does all lines in
    their order can tell what is to be said of it.

    Args:
        plan: what to do.
        descriptor: the open input.
        source: what processors may know of it.
        entry: the node at which its lines enter.
        chunk: the part to do.
        pace: says how many lines to feed at a time, in this process.
        mark: is told what is being done.
        sampling: says which lines are timed, or None.
    """
    mark.note(Doing.FEEDING_PART, chunk.begin, chunk.end - chunk.begin)
    done = Done({})
    output = MemoryOutput(done)

    def lose(error: RecordError) -> None:
        done.lost.append(left_out(error, plan.config.on_error))

    try:
        run = plan.run(source, output, entry=entry, on_error=lose, sampling=sampling)
        try:
            blocks = read_blocks(
                Reader(descriptor, chunk).read,
                max_line_bytes=plan.config.limits.max_line_bytes,
                offset_bytes=chunk.begin,
            )
            for piece in pace.pieces(next(blocks, None), blocks):
                pace.feed_part(run.feed, piece)
            done.figures = run.figures()
        finally:
            run.close()
    except FprocError:
        return None
    output.flush()
    return done, output.data


class MemoryOutput:
    """Results of a chunk, as bytes. An `Output`, to which the docstrings here are left."""

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
