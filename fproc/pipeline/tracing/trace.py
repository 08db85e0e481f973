"""The way of one line through the graph, as a value that is kept to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fproc.base.values import dataclass

USUAL = frozenset({"written", "kept", "dropped"})
"""Outcomes of lines that did not fail."""


Step = tuple[str, str | None, str]
"""A node, and the tag and the line that it received. The tag is None where it was not recorded."""


@dataclass(slots=True)
class Trace:
    """The way of one line, depth first; `line_no` is None for what nodes emit at the end of the file.

    `outcome` is "written" (it reached a sink), "kept" (a node holds it), "dropped", or "failed: REASON",
    "rejected: REASON", "skipped: REASON".
    """

    line_no: int | None
    line: str
    path: Sequence[Step]
    outcome: str

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "line_no": self.line_no,
            "line": self.line,
            "path": [{"node": node, "tag": tag, "line": line} for node, tag, line in self.path],
            "outcome": self.outcome,
        }

    @property
    def characters(self) -> int:
        """Its approximate size in memory."""
        return len(self.line) + sum(len(line) + 50 for _, _, line in self.path)
