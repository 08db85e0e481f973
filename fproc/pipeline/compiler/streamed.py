"""Lines that enter a graph at a stream: it gets a block of them in a turn, and a program what it yields.

What the stream yields for a line still goes all its way before what it yields for the next. That the stream
is ahead meanwhile, nobody can tell: nothing comes back to it, and whatever a line leads to passes it first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import length_hint
from typing import Protocol

from fproc.base.text import is_encodable
from fproc.pipeline.compiler.site import FeedRecords, RunCalls
from fproc.pipeline.graph import Graph
from fproc.pipeline.processors.base import TakesBlocks
from fproc.pipeline.records import Record


class StreamCalls(RunCalls, Protocol):
    """What feeding a stream needs of its run, beside what generated code calls."""

    graph: Graph


class StreamFeed:
    """Feeds lines to the stream at which they enter, and what it yields to the program behind it.

    Args:
        run: the run.
        entry: the node that is a stream.
        stream: the stream.
        feed: the program for what it yields.
    """

    def __init__(self, run: StreamCalls, entry: str, stream: TakesBlocks, feed: FeedRecords) -> None:
        self._run = run
        self._entry = entry
        self._stream = stream
        self._feed = feed
        self._before = 0  # lines of the block that are done with
        self._ends: Sequence[int] = ()
        self._size = 0
        self._left: Iterator[Record] | None = None

    def feed(self, lines: Sequence[str], before: int) -> None:
        """Push the last lines of a block through the graph; those `before` them are done with."""
        node = self._entry
        self._before, self._left = before, None
        records = [(node, line) for line in lines]
        done = 0
        for emitted in self._stream.process_block(records):
            count = len(self._stream.ends)
            taken, done = records[done : done + count], done + count
            if self._can_go_on(emitted):
                self._pass_on(emitted, self._stream.ends)
            else:
                self._pass_on_checked(taken, emitted, self._stream.ends)
            self._before = before + done
        for record in records[done:]:  # the stream has raised, and does so once more for the first of them
            self._run.push_line(node, *record, 1)
            self._before += 1
        self._before -= 1

    def index(self) -> int:
        """Return which line of the block is being worked on, or was at last."""
        if self._left is None:
            return self._before + len(self._stream.ends)
        return self._before + self._begun()

    def _begun(self) -> int:
        """Return which of the records in this turn has emitted what is on its way."""
        return bisect_right(self._ends, self._size - length_hint(self._left) - 1)

    def _can_go_on(self, emitted: Sequence[Record]) -> bool:
        """Return whether all records are sure to have a route, and to be lines."""
        if not all(self._run.graph.targets(self._entry, tag) for tag in {tag for tag, _ in emitted}):
            return False
        text = "\n".join([line for _, line in emitted])
        return text.count("\n") == max(0, len(emitted) - 1) and is_encodable(text)

    def _pass_on(self, emitted: Sequence[Record], ends: Sequence[int]) -> None:
        """Push what the stream has emitted in a turn through the rest of the graph."""
        counts = self._run.counts[self._entry]
        self._ends, self._size, self._left = ends, len(emitted), iter(emitted)
        received = len(ends)
        try:
            self._run.agree(self._feed(self._left), len(emitted))
        except BaseException:
            received = self._begun() + 1
            raise
        finally:
            counts.received += received
            counts.emitted += ends[received - 1] if received else 0
        self._left = None

    def _pass_on_checked(
        self, taken: Sequence[Record], emitted: Sequence[Record], ends: Sequence[int]
    ) -> None:
        """Do the same record by record: one of which something cannot go on leaves nothing behind."""
        begin = 0
        for number, ((tag, line), end) in enumerate(zip(taken, ends, strict=True), 1):
            self._ends, self._size, self._left = range(1, number + 1), number, iter(())
            given = self._run.checked(self._entry, tag, line, emitted[begin:end])
            self._run.agree(self._feed(iter(given)), len(given))
            begin = end
        self._left = None
