"""Who is told of the steps of lines: the promise that `--trace` and the dashboard keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from fproc.pipeline.failures import LineFailure
from fproc.pipeline.records import Record
from fproc.pipeline.tracing.trace import Trace


class Observer(Protocol):
    """Who is told of each step of lines, for `--trace` and for the dashboard."""

    first_lines: int | None
    """Of how many lines of an input it is told the steps, from the first one on; None: of all."""

    def open(self, file: str) -> None:
        """What follows is about this input, for which `first_lines` holds now."""

    def begin(self, line_no: int | None, line: str) -> None:
        """A line enters the graph (None: the end of the file)."""

    def step(self, node: str, tag: str, line: str, emitted: Sequence[Record], hops: int) -> None:
        """A node was given a record, as its `hops`th node, and emitted these."""

    def fail(self, node: str, tag: str, line: str, hops: int) -> None:
        """A node was given a record, as its `hops`th node, and failed with it."""

    def lose(self, failure: LineFailure, again: Callable[[], bool] | None) -> None:
        """A line has failed, also one whose steps are not told.

        Args:
            failure: what became of it, and why.
            again: sends the line through the graph once more and tells of its steps, if `first_lines` is
                None by then. Gives whether that was done: not where it might do harm.
        """

    def close(self) -> Sequence[Trace]:
        """The input has ended, or was given up; gives what is to be kept of it."""
