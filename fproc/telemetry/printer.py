"""`--trace` and `--explain`: the path of each line through the graph, as text.

One block a line: its origin and its route, then what each node received and what it emitted.
A route that forks is shown as several.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from fproc.base.errors import reason_of
from fproc.base.text import shown
from fproc.pipeline.graph import DROP
from fproc.pipeline.tracing.steps import ExplainedStep, Explanation, StepCollector
from fproc.pipeline.tracing.trace import Trace

log = logging.getLogger("fproc.trace")


class StepPrinter(StepCollector):
    """Collects the steps of each line, and tells them once the line is complete. An `Observer` of the engine.

    Args:
        tell: called with the way of each line.
        first_lines: how many lines of an input that is, None for all.
    """

    def __init__(self, tell: Callable[[Explanation], None], first_lines: int | None = None) -> None:
        super().__init__(first_lines)
        self._tell = tell

    def begin(self, line_no: int | None, line: str) -> None:
        """Begin a line, which enters the graph: the one before it is complete."""
        self._flush()
        super().begin(line_no, line)

    def close(self) -> Sequence[Trace]:
        """Tell the last line of the input, which has ended."""
        self._flush()
        return ()

    def _flush(self) -> None:
        if self.steps:
            self._tell(self.explanation())
            self.steps = []


class Tracer(StepPrinter):
    """Prints traces."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(lambda explanation: self._print(way_text(explanation) + "\n"))
        self._stream: IO[str] | None = stream

    def _print(self, text: str) -> None:
        """Print; if that fails, the trace ends, and the files go on."""
        try:
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()
        except OSError as error:
            self._stream = None
            log.warning("the trace cannot be printed any more: %s", reason_of(error))


def tracer(*, is_wanted: bool) -> Tracer | None:
    """Return a tracer that prints to standard error, if one is wanted."""
    return Tracer(sys.stderr) if is_wanted else None


def way_text(explanation: Explanation) -> str:
    """Return the way of a line as text: its origin and routes, then what each node received and emitted."""
    where = f"{shown(explanation.file)}:{explanation.line_no or 'end'}"
    routes = [" -> ".join(map(shown, route)) for route in _routes(explanation.steps)]
    lines = [f"{where}  {' | '.join(routes)}"]
    for step in explanation.steps:
        lines.append(f"    {shown(step.node)}: [{shown(step.tag)}] {shown(step.line)}")
        lines += [f"        -> {outcome}" for outcome in _outcomes(step)]
    return "\n".join(lines)


def _routes(steps: Sequence[ExplainedStep]) -> Iterator[list[str]]:
    """Yield the ways through the graph, from the first node on, in the order of their ends."""
    route: list[str] = []
    for step in steps:
        if len(route) >= step.hops:
            yield route
        route = [*route[: step.hops - 1], step.node]
    yield route


def _outcomes(step: ExplainedStep) -> list[str]:
    outcomes = [f"[{shown(tag)}] {shown(line)}" for tag, line in step.emitted]
    outcomes += [shown(step.failure)] if step.failure else []
    return outcomes or ["dropped" if step.node == DROP else "(ends here)"]
