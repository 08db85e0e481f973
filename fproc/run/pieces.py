"""Blocks of lines, cut into pieces that take a fraction of a second, however slow a pipeline is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from fproc.pipeline.records import Block, Overlong, Passing
from fproc.process.mark import CurrentTask, Doing
from fproc.run.reading.framing import Piece

PIECE_SECONDS = 0.05
"""The approximate time for one piece; the first ones are small, to measure how slow lines are."""

Feed = Callable[[Block | Overlong], None]
"""A call that pushes lines through a pipeline."""


class PieceSizer:
    """The size of pieces in lines, adapted to how long the pieces before took.

    Args:
        lines: how many to begin with.
        mark: it takes the current work.
    """

    def __init__(self, lines: int, mark: CurrentTask) -> None:
        self._lines = lines
        self._mark = mark
        self._seconds = 0.0

    def pieces(self, first: Piece | None, blocks: Iterator[Piece]) -> Iterator[Piece]:
        """Yield the blocks in pieces; each is to be fed with `feed` before the next one is asked for.

        `first` is the block that comes before the others; without one, there is nothing to feed.
        """
        block = first
        while block is not None:
            rest = None
            if isinstance(block, Block) and len(block.lines) > self._lines:
                block, rest = block.cut(self._lines)
            self._seconds = 0.0
            yield block
            if self._seconds > PIECE_SECONDS:
                self._lines = max(1, count_lines(block) // 2)
            elif self._seconds < PIECE_SECONDS / 4 and rest is not None:
                self._lines *= 4
            block = rest or next(blocks, None)

    def feed(self, feed: Feed, piece: Piece) -> None:
        """Feed a piece, and time only that, lest a slow checkpoint makes pieces small."""
        if isinstance(piece, Passing):
            return
        self._mark.note(Doing.FEEDING, first_line_no(piece), count_lines(piece))
        self._time(feed, piece)
        self._mark.note(Doing.READING)

    def feed_part(self, feed: Feed, piece: Piece) -> None:
        """Feed a piece of a part of a file, whose lines have numbers of their own."""
        self._mark.beat()
        if not isinstance(piece, Passing):
            self._time(feed, piece)

    def _time(self, feed: Feed, piece: Block | Overlong) -> None:
        begin = time.perf_counter()
        feed(piece)
        self._seconds = time.perf_counter() - begin


def first_line_no(piece: Piece) -> int:
    """Return the number of the first line of a piece."""
    return piece.first_line_no if isinstance(piece, Block) else piece.line_no


def count_lines(piece: Piece) -> int:
    """Return how many lines a piece has."""
    return len(piece.lines) if isinstance(piece, Block) else 1


def reached_bytes(piece: Piece) -> int:
    """Return the offset in the contents that a run has reached before it feeds a piece."""
    return piece.reached_bytes if isinstance(piece, Passing) else piece.offset_bytes
