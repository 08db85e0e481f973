"""The protocol of what follows lines through the graph: `--trace` and the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from fproc.pipeline.failures import LineFailure
from fproc.pipeline.records import Record
from fproc.pipeline.tracing.trace import Trace


class Observer(Protocol):
    """An observer of each step of lines, for `--trace` and for the dashboard."""

    first_lines: int | None
    """The number of first lines of an input whose steps it is told; None: all."""

    def open(self, file: str) -> None:
        """Begin an input, for which `first_lines` holds from now on."""

    def begin(self, line_no: int | None, line: str) -> None:
        """Begin a line that enters the graph (None: the end of the file)."""

    def step(self, node: str, tag: str, line: str, emitted: Sequence[Record], hops: int) -> None:
        """Take a step: a node, the `hops`th on the way, received a record and emitted these."""

    def fail(self, node: str, tag: str, line: str, hops: int) -> None:
        """Take a failed step: a node, the `hops`th on the way, received a record and failed with it."""

    def lose(self, failure: LineFailure, again: Callable[[], bool] | None) -> None:
        """Take a line that has failed, even one whose steps are not told.

        Args:
            failure: the line's fate, and the reason.
            again: sends the line through the graph once more and tells its steps, if `first_lines` is
                None by then. Returns whether that was done: not where it might do harm.
        """

    def close(self) -> Sequence[Trace]:
        """End the input, which is done or was given up; return the traces to keep of it."""
