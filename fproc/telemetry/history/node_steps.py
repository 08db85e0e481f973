"""What each node did in each step of the shortest long window: small, whatever the number of files.

A step belongs to the time at which its figures were written, at most a second after they were counted. How
long workers were seen at a node is written every half minute.
"""

from __future__ import annotations

from collections.abc import Mapping

from fproc.base.values import dataclass
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.telemetry.events import bytes_of
from fproc.telemetry.history.database import Change, Database
from fproc.telemetry.rolling import PAST_WINDOWS, STEPS

STEP_SECONDS = PAST_WINDOWS[0] // STEPS
"""The steps of longer windows are multiples of it."""

KEPT_SECONDS = PAST_WINDOWS[-1] + PAST_WINDOWS[-1] // STEPS
"""What is older is in no chart."""

# NULL, which is not known, plus a number is NULL: what is not known of a part is not known of the whole.
_ADD = """INSERT INTO node_steps (node, step, received, emitted, failed, timed, seconds, sampled_seconds)
    VALUES (CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (node, step) DO UPDATE SET
        received = received + excluded.received, emitted = emitted + excluded.emitted,
        failed = failed + excluded.failed, timed = timed + excluded.timed,
        seconds = seconds + excluded.seconds, sampled_seconds = sampled_seconds + excluded.sampled_seconds"""
_FORGET = "DELETE FROM node_steps WHERE step < ?"
_BY_STEP = """SELECT step / :steps AS longer,
        CASE WHEN count(*) = count(sampled_seconds) THEN sum(sampled_seconds) END,
        sum(received), sum(emitted), sum(failed), sum(timed), sum(seconds)
    FROM node_steps WHERE node = CAST(:node AS TEXT) AND step >= :first * :steps GROUP BY longer"""


@dataclass(frozen=True, slots=True)
class NodeStep:
    """What a node did in a step, and for how long workers were seen at it; None is not known."""

    counts: NodeCounts
    sampled_seconds: float | None


class NodeSteps:
    """The figures of nodes in one history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def added(self, time: float, nodes: Mapping[str, NodeCounts]) -> list[Change]:
        """Return the change that adds figures at a time, in seconds since 1970."""
        return self._added(time, {tag: NodeStep(counts, 0.0) for tag, counts in nodes.items()})

    def note_sampled(self, time: float, seconds: Mapping[str, float]) -> None:
        """Add how long workers were seen at nodes lately, at a time, in seconds since 1970."""
        self._database.write(
            *self._added(time, {tag: NodeStep(NodeCounts(), one) for tag, one in seconds.items()})
        )

    def _added(self, time: float, nodes: Mapping[str, NodeStep]) -> list[Change]:
        number = int(time // STEP_SECONDS)
        rows = [
            (
                *(bytes_of(tag), number),
                *(step.counts.received, step.counts.emitted, step.counts.failed),
                *(step.counts.timed, step.counts.seconds, step.sampled_seconds),
            )
            for tag, step in nodes.items()
        ]
        return [(_ADD, rows)] if rows else []

    def by_step(self, node: str, first: int, step_seconds: int) -> dict[int, NodeStep]:
        """Return the figures of a node by longer step, counted since 1970, from the first on."""
        asked = {"node": bytes_of(node), "first": first, "steps": step_seconds // STEP_SECONDS}
        return {
            step: NodeStep(NodeCounts(*sums), sampled_seconds)
            for step, sampled_seconds, *sums in self._database.ask(_BY_STEP, asked)
        }

    def prune(self, before: float) -> None:
        """Forget steps that ended before a time."""
        self._database.write((_FORGET, [(int(before // STEP_SECONDS),)]))
