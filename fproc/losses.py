"""What is done about lines that fail: set aside, skipped, or the end of the run; counted, noted and shown."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from fproc.chunks import MemoryOutput
from fproc.engine import Observer
from fproc.errors import RecordError
from fproc.plan import Plan
from fproc.processors.base import Source
from fproc.records import Block
from fproc.traces import LineError, excerpt

if TYPE_CHECKING:
    from fproc.run import Figures

log = logging.getLogger("fproc.run")

MOST_NOTED = 20
"""How many lines that were left out are noted of one run, and the one that ended it."""


class Losses:
    """What has become of lines of one run.

    Args:
        figures: count them, and hold the first ones.
        to: takes those that are set aside, as a line of JSON each.
        observer: is told of each, or None.
        plan, source, entry: those of the run.
    """

    def __init__(
        self,
        figures: Figures,
        to: Callable[[bytes], None],
        *,
        observer: Observer | None,
        plan: Plan,
        source: Source,
        entry: str,
    ) -> None:
        self._figures = figures
        self._to = to
        self._observer = observer
        self._plan = plan
        self._source = source
        self._entry = entry

    def reject(self, value: Mapping[str, Any], line: str | None = None) -> None:
        """Set a line aside; `line` is the line of the input, if it is known."""
        self._figures.rejected += 1
        self._to(json.dumps(value).encode() + b"\n")
        reason, node, line_no, given = (value[key] for key in ("error", "node", "line_no", "line"))
        self._note("rejected", RecordError(reason, node=node, line_no=line_no, line=given), line)

    def skip(self, error: RecordError, line: str | None = None) -> None:
        """Go on without a line."""
        self._figures.skipped += 1
        log.warning("skipped: %s", error)
        self._note("skipped", error, line)

    def end(self, error: RecordError, line: str | None) -> None:
        """A line has ended the run."""
        self._note("failed", error, line)

    def _note(self, fate: str, error: RecordError, line: str | None) -> None:
        """Keep in mind what was wrong with a line, if there is room, and show it."""
        given = None if error.line is None else excerpt(error.line)
        noted = LineError(fate, error.node, error.line_no, given, excerpt(error.reason))
        if fate == "failed" or len(self._figures.line_errors) < MOST_NOTED:
            self._figures.line_errors = (*self._figures.line_errors, noted)
        if self._observer:
            is_known = line is not None and error.line_no is not None
            again = partial(self._again, error.line_no or 0, line or "") if is_known else None
            self._observer.lose(noted, line, again)

    def _again(self, line_no: int, line: str) -> bool:
        """Send a line through the graph once more, for the observer to see its steps; whether that was done.

        It is not where that might do harm: users' processors may change something outside, and what remembers
        lines does something else the second time.
        """
        plan, observer = self._plan, self._observer
        if plan.remembers or not plan.is_builtin:
            return False
        output = MemoryOutput()
        run = plan.run(
            self._source, output, entry=self._entry, on_error=lambda _error: None, observer=observer
        )
        run.feed(Block([line], line_no, 0, b""))
        run.close()
        return True
