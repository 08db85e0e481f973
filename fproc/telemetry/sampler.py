"""Traces of some lines, as values: the paths that they take through the graph in a worker's runs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from fproc.base.text import excerpt
from fproc.pipeline.failures import LineFailure
from fproc.pipeline.graph import DROP, END, is_sink
from fproc.pipeline.plan import Plan
from fproc.pipeline.records import Record
from fproc.pipeline.tracing.observer import Observer
from fproc.pipeline.tracing.trace import Step, Trace
from fproc.telemetry.traces import MOST_OF_FILE

FIRST_LINES = 3
EACH_SECONDS = 1.0
"""How many lines at the beginning of a file are traced, and how much time lies between two such files."""

MOST_LOST = 5
"""How many left-out lines of one file are traced; and how many of those traces are complete in a second."""

MOST_STEPS = 50
"""How many steps of one line are kept at most."""

MOST_CHARACTERS = 200_000
"""How long all traces of one file may be together, in characters."""

_DROPPED, _KEPT, _WRITTEN, _SKIPPED, _REJECTED, _FAILED = range(6)
_OUTCOMES = {_DROPPED: "dropped", _KEPT: "kept", _WRITTEN: "written"}
_FATES = {"skipped": _SKIPPED, "rejected": _REJECTED, "failed": _FAILED}


class TraceSampler:
    """Collects traces. An `Observer` of one run after the other.

    Args:
        plan: the plan of the runs.
        tracer: another observer, told of each line; then the last lines of a file are traced, not the first.
        monotonic: seconds on a clock that is never set.

    Attributes:
        first_lines: see `Observer`.
    """

    def __init__(
        self, plan: Plan, tracer: Observer | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.first_lines: int | None = 0
        self._plan = plan
        self._tracer = tracer
        self._monotonic = monotonic
        self._due_at = monotonic()
        self._more_complete = MOST_LOST
        self._traces: deque[Trace] = deque()
        self._characters = 0
        self._lost = 0
        self._trace: Trace | None = None
        self._path: list[Step] = []
        self._end = -1

    def open(self, file: str) -> None:
        """Begin a file."""
        now = self._monotonic()
        self.first_lines = 0
        if now >= self._due_at:
            self._due_at = now + EACH_SECONDS
            self._more_complete = MOST_LOST
            self.first_lines = FIRST_LINES
        if self._tracer:
            self.first_lines = self._tracer.first_lines
            self._tracer.open(file)

    def begin(self, line_no: int | None, line: str) -> None:
        """Begin a line, which enters the graph: the one before it is complete."""
        self._complete()
        self._begin(line_no, line)
        if self._tracer:
            self._tracer.begin(line_no, line)

    def step(self, node: str, tag: str, line: str, emitted: Sequence[Record], hops: int) -> None:
        """Note that a node received a record and emitted these."""
        self._add((node, tag, line))
        if not emitted:
            self._end = max(self._end, self._ending(node))
        if self._tracer:
            self._tracer.step(node, tag, line, emitted, hops)

    def fail(self, node: str, tag: str, line: str, hops: int) -> None:
        """Note that a node received a record; `lose` says how that ended."""
        self._add((node, tag, line))
        if self._tracer:
            self._tracer.fail(node, tag, line, hops)

    def lose(self, failure: LineFailure, again: Callable[[], bool] | None) -> None:
        """Note that a line has failed. If it was not observed, trace it now, or only its last step."""
        if self._tracer:
            self._tracer.lose(failure, None)
        if self._trace is None or self._trace.line_no != failure.line_no:
            if self._lost >= MOST_LOST and failure.fate != "failed":
                return
            self._lost += 1
            self._show(failure, again)
        end = _FATES[failure.fate]
        if self._trace and end > self._end:
            self._end = end
            self._trace.outcome = f"{failure.fate}: {failure.reason}"

    def so_far(self) -> tuple[Trace, ...]:
        """Return the traces of the open file; to be called between two lines only."""
        self._complete()
        return tuple(self._traces)

    def close(self) -> Sequence[Trace]:
        """End the file, and return its traces."""
        self._complete()
        if self._tracer:
            self._tracer.close()
        if not self._traces:
            return ()
        traces = tuple(self._traces)
        self._traces.clear()
        self._characters = self._lost = 0
        return traces

    def _show(self, failure: LineFailure, again: Callable[[], bool] | None) -> None:
        """Begin the trace of a line that was not observed."""
        self._complete()
        if again and self._is_gone_through(again):
            return
        self._begin(failure.line_no, (failure.given if failure.line is None else failure.line) or "")
        if failure.given is not None:
            self._add((failure.node, failure.tag, failure.given))

    def _is_gone_through(self, again: Callable[[], bool]) -> bool:
        """Have a line sent through the graph again, unless that was done too often lately."""
        if not self._more_complete:
            return False
        self._more_complete -= 1
        before, self.first_lines = self.first_lines, None
        try:
            return again()
        finally:
            self.first_lines = before

    def _begin(self, line_no: int | None, line: str) -> None:
        self._path = []
        self._trace = Trace(line_no, excerpt(line), self._path, "")
        self._end = -1

    def _add(self, step: Step) -> None:
        if len(self._path) < MOST_STEPS:
            node, tag, line = step
            self._path.append((node, tag, excerpt(line)))

    def _ending(self, node: str) -> int:
        """Return how a line ends at a node that emitted nothing."""
        if node == DROP:
            return _DROPPED
        if node == END or is_sink(self._plan.graph.nodes[node]):
            return _WRITTEN
        return _KEPT if self._plan.may_keep(node) else _DROPPED

    def _complete(self) -> None:
        """Complete the trace that was begun."""
        trace, self._trace = self._trace, None
        if trace is None or not (self._path or trace.outcome):
            return
        trace.outcome = trace.outcome or _OUTCOMES.get(self._end, "failed: the run ended here")
        self._traces.append(trace)
        self._characters += trace.characters
        while len(self._traces) > MOST_OF_FILE or self._characters > MOST_CHARACTERS:
            self._characters -= self._traces.popleft().characters
