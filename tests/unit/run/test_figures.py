"""Figures of several runs that are told together."""

from __future__ import annotations

from fproc.pipeline.tracing.counts import NodeCounts
from fproc.run.figures import Figures, gather_nodes


def figures(received: int, **edges: int) -> Figures:
    nodes = {"start": NodeCounts(received, received, 1, 2, 0.5), "idle": NodeCounts()}
    return Figures(
        lines_in=received, nodes=nodes, edges={("start", to): count for to, count in edges.items()}
    )


def test_what_was_counted_at_nodes_is_added_up_in_the_first() -> None:
    several = [figures(3, end=2), figures(4, end=1, drop=2), figures(5)]
    gather_nodes(several)
    assert several[0].nodes == {"start": NodeCounts(12, 12, 3, 6, 1.5), "idle": NodeCounts()}
    assert several[0].edges == {("start", "end"): 3, ("start", "drop"): 2}
    assert [(other.nodes, other.edges) for other in several[1:]] == [({}, {}), ({}, {})]
    assert [each.lines_in for each in several] == [3, 4, 5]


def test_of_no_run_there_is_nothing_to_add_up() -> None:
    gather_nodes([])
