"""What each node did in each step of the shortest long window: small, whatever the number of files.

A step belongs to the time at which its figures were written, at most a second after they were counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from fproc.pipeline.tracing.counts import NodeCounts
from fproc.telemetry.events import bytes_of
from fproc.telemetry.history.database import Change, Database
from fproc.telemetry.rolling import PAST_WINDOWS, STEPS

STEP_SECONDS = PAST_WINDOWS[0] // STEPS
"""The steps of longer windows are multiples of it."""

KEPT_SECONDS = PAST_WINDOWS[-1] + PAST_WINDOWS[-1] // STEPS
"""What is older is in no chart."""

_ADD = """INSERT INTO node_steps VALUES (CAST(? AS TEXT), ?, ?, ?, ?, ?, ?)
    ON CONFLICT (node, step) DO UPDATE SET
        received = received + excluded.received, emitted = emitted + excluded.emitted,
        failed = failed + excluded.failed, timed = timed + excluded.timed,
        seconds = seconds + excluded.seconds"""
_FORGET = "DELETE FROM node_steps WHERE step < ?"
_BY_STEP = """SELECT step / :steps AS longer,
        sum(received), sum(emitted), sum(failed), sum(timed), sum(seconds)
    FROM node_steps WHERE node = CAST(:node AS TEXT) AND step >= :first * :steps GROUP BY longer"""


class NodeSteps:
    """The figures of nodes in one history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def added(self, time: float, nodes: Mapping[str, NodeCounts]) -> list[Change]:
        """Return the change that adds figures at a time, in seconds since 1970."""
        step = int(time // STEP_SECONDS)
        rows = [
            (bytes_of(tag), step, one.received, one.emitted, one.failed, one.timed, one.seconds)
            for tag, one in nodes.items()
        ]
        return [(_ADD, rows)] if rows else []

    def by_step(self, node: str, first: int, step_seconds: int) -> dict[int, NodeCounts]:
        """Return the figures of a node by longer step, counted since 1970, from the first on."""
        asked = {"node": bytes_of(node), "first": first, "steps": step_seconds // STEP_SECONDS}
        return {step: NodeCounts(*sums) for step, *sums in self._database.ask(_BY_STEP, asked)}

    def prune(self, before: float) -> None:
        """Forget steps that ended before a time."""
        self._database.write((_FORGET, [(int(before // STEP_SECONDS),)]))
