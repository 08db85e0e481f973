"""Which events a query of the history is about: of a time, of a pipeline, with errors of a node."""

from __future__ import annotations

from typing import Any

from fproc.base.values import dataclass
from fproc.telemetry.events import bytes_of

# A plus keeps SQLite from the index of times: what is read is bounded by ids, and in their order.
_SINCE = "+time >= :from_time"
_UNTIL = "+time < :to_time"
_OF_PIPELINE = "pipeline = CAST(:pipeline AS TEXT)"
_OF_NODE = """(node = CAST(:node AS TEXT) OR EXISTS (SELECT 1 FROM line_errors AS left_out
    WHERE left_out.job = events.job AND left_out.attempt = events.attempt
        AND left_out.node = CAST(:node AS TEXT)))"""


@dataclass(frozen=True, slots=True)
class ChosenEvents:
    """Events from a time (seconds since 1970) to before another, of one pipeline, with errors of one node.

    None, or "", leaves one of these open. `pipeline` is a short fingerprint.
    """

    since: float | None = None
    until: float | None = None
    pipeline: str = ""
    node: str = ""

    def sql(self) -> str:
        """Return the condition, which needs the `values`."""
        wanted = {
            _SINCE: self.since is not None,
            _UNTIL: self.until is not None,
            _OF_PIPELINE: self.pipeline,
            _OF_NODE: self.node,
        }
        return " AND ".join(sql for sql, is_wanted in wanted.items() if is_wanted) or "1"

    def values(self) -> dict[str, Any]:
        """Return the parameters of the condition."""
        return {
            "from_time": self.since,
            "to_time": self.until,
            "pipeline": bytes_of(self.pipeline),
            "node": bytes_of(self.node),
        }

    def bounds_sql(self) -> str:
        """Return a query of the first and the last id that events of this time and pipeline have."""
        if self.since is not None or self.until is not None:
            return """SELECT min(id), max(id) FROM events
                WHERE time >= coalesce(:from_time, -9e999) AND time < coalesce(:to_time, 9e999)"""
        if self.pipeline:
            return """SELECT (SELECT min(id) FROM events WHERE pipeline = CAST(:pipeline AS TEXT)),
                (SELECT max(id) FROM events WHERE pipeline = CAST(:pipeline AS TEXT))"""
        return "SELECT (SELECT min(id) FROM events), (SELECT max(id) FROM events)"


ALL_EVENTS = ChosenEvents()
"""No event is left out."""
