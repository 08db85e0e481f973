"""`--trace`: the path of each line through the graph, as text.

One block a line: its origin and its route, then what each node received and what it emitted.
A route that forks is shown as several.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from typing import IO

from fproc.base.errors import reason_of
from fproc.base.text import shown
from fproc.pipeline.failures import LineFailure
from fproc.pipeline.graph import DROP
from fproc.pipeline.records import Record
from fproc.pipeline.tracing.trace import Trace

log = logging.getLogger("fproc.trace")


class Tracer:
    """Prints traces. An `Observer` of the engine."""

    first_lines: int | None = None

    def __init__(self, stream: IO[str]) -> None:
        self._stream: IO[str] | None = stream
        self._file = ""
        self._header = ""
        self._path: list[str] = []
        self._routes: list[list[str]] = []
        self._steps: list[str] = []

    def open(self, file: str) -> None:
        """Begin an input: the lines that follow are its own."""
        self._file = shown(file)

    def begin(self, line_no: int | None, _line: str) -> None:
        """Begin a line, which enters the graph: the one before it is complete."""
        self._flush()
        self._header = f"{self._file}:{'end' if line_no is None else line_no}"

    def step(self, node: str, tag: str, line: str, emitted: Sequence[Record], hops: int) -> None:
        """Note that a node received a record and emitted these."""
        self.fail(node, tag, line, hops)
        outputs = [f"[{shown(out_tag)}] {shown(out)}" for out_tag, out in emitted] or [_ending(node)]
        self._steps += [f"        -> {text}" for text in outputs]

    def fail(self, node: str, tag: str, line: str, hops: int) -> None:
        """Note that a node received a record; `lose` says how that ended."""
        if len(self._path) >= hops:
            self._routes.append(self._path)
        self._path = [*self._path[: hops - 1], node]
        self._steps.append(f"    {shown(node)}: [{shown(tag)}] {shown(line)}")

    def lose(self, failure: LineFailure, _again: Callable[[], bool] | None) -> None:
        """Note that the line has failed at the last step."""
        self._steps.append(f"        -> {failure.fate}: {shown(failure.reason)}")

    def close(self) -> Sequence[Trace]:
        """Print the last line of the input, which has ended."""
        self._flush()
        return ()

    def _flush(self) -> None:
        if self._path:
            routes = [" -> ".join(map(shown, path)) for path in [*self._routes, self._path]]
            self._print("\n".join([f"{self._header}  {' | '.join(routes)}", *self._steps]) + "\n")
        self._path, self._routes, self._steps = [], [], []

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


def _ending(node: str) -> str:
    return "dropped" if node == DROP else "(ends here)"
