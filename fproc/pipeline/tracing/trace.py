"""The way of one line through the graph, as a value that is kept to be shown."""

from __future__ import annotations

from collections.abc import Sequence

from fproc.base.values import dataclass

USUAL = frozenset({"written", "kept", "dropped"})
"""Outcomes of lines with which nothing was wrong."""


Step = tuple[str, str | None, str]
"""A node, and the tag and the line that it was given. The tag is None where nobody took note of it."""


@dataclass(slots=True)
class Trace:
    """The way of one line, depth first; `line_no` is None for what nodes give at the end of the file.

    `outcome` is "written" (it reached a sink), "kept" (a node has it), "dropped", or "failed: REASON",
    "rejected: REASON", "skipped: REASON".
    """

    line_no: int | None
    line: str
    path: Sequence[Step]
    outcome: str

    @property
    def characters(self) -> int:
        """About how much it takes to keep it."""
        return len(self.line) + sum(len(line) + 50 for _, _, line in self.path)
