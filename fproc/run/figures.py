"""The figures that are counted while an input runs."""

from __future__ import annotations

from collections.abc import Sequence

from fproc.base.values import dataclass, field
from fproc.pipeline.failures import LineFailure
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.pipeline.tracing.trace import Trace


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a file, the id of the process that processes it, and traces of some of its lines.

    `rejected` and `skipped` count lines that were left out up to here.
    `stalled` says since when that process has made no progress, and where it is, or is "".
    """

    lines: int = 0
    position_bytes: int = 0
    worker: int | None = None
    traces: tuple[Trace, ...] = ()
    stalled: str = ""
    rejected: int = 0
    skipped: int = 0


@dataclass(slots=True)
class Figures:
    """The figures of a run.

    `rejected` and `skipped` count records that were left out, `lines_lost` the lines of the input that they
    came from. `line_errors` are the first of them, and the one that ended the run; `traces` are the traces
    of some lines. Of files that committed together, the first one has the `nodes` and `edges` of all
    of them, for the sums are what matters.
    """

    lines_in: int = 0
    lines_out: int = 0
    bytes_in: int = 0
    rejected: int = 0
    skipped: int = 0
    lines_lost: int = 0
    nodes: dict[str, NodeCounts] = field(default_factory=dict)
    edges: dict[tuple[str, str], int] = field(default_factory=dict)
    line_errors: tuple[LineFailure, ...] = ()
    traces: Sequence[Trace] = ()


def gather_nodes(figures: Sequence[Figures]) -> None:
    """Add all that was counted at nodes and edges in several runs of one plan to the figures of the first.

    Nobody asks for those of a single file, and they take long to send.
    """
    if not figures:
        return
    first, *others = figures
    for other in others:
        for name, counts in other.nodes.items():
            if counts.received or counts.emitted or counts.failed:
                first.nodes[name].add(counts)
        for edge, count in other.edges.items():
            first.edges[edge] = first.edges.get(edge, 0) + count
        other.nodes, other.edges = {}, {}
