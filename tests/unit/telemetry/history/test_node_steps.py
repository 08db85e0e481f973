"""What nodes did, step by step: added up over writers, asked for in longer steps, bounded."""

from __future__ import annotations

from fproc.pipeline.tracing.counts import NodeCounts
from fproc.telemetry.history.history import History
from fproc.telemetry.history.node_steps import KEPT_SECONDS, STEP_SECONDS, NodeStep
from fproc.telemetry.rolling import PAST_WINDOWS, STEPS
from tests.support.histories import NOW, Opener, asked_aside, event

STEP = int(NOW // STEP_SECONDS)


def test_steps_of_all_long_windows_are_whole_ones() -> None:
    assert {window // STEPS % STEP_SECONDS for window in PAST_WINDOWS} == {0}


def test_figures_are_added_in_the_transaction_of_the_events_whoever_writes_them(opened: Opener) -> None:
    first, second = opened(), opened()
    first.record([event("a")], {"start": NodeCounts(10, 8, 1, 2, 0.5), "caf\udce9": NodeCounts(1)})
    second.record([event("b")], {"start": NodeCounts(5, 5, 0, 1, 0.25)})
    whole = NodeStep(NodeCounts(15, 13, 1, 3, 0.75), 0.0)
    assert first.nodes.by_step("start", STEP, STEP_SECONDS) == {STEP: whole}
    assert first.nodes.by_step("caf\udce9", STEP, STEP_SECONDS) == {STEP: NodeStep(NodeCounts(1), 0.0)}
    assert first.nodes.by_step("start", STEP + 1, STEP_SECONDS) == {}
    assert first.nodes.by_step("other", STEP, STEP_SECONDS) == {}


def test_the_time_at_nodes_is_added_to_what_they_did_and_needs_no_file_that_ended(opened: Opener) -> None:
    first, second = opened(), opened()
    first.nodes.note_sampled(NOW, {"start": 20.0, "caf\udce9": 1.0})
    first.record([event("a")], {"start": NodeCounts(10, 8)})
    second.nodes.note_sampled(NOW, {"start": 0.5})
    second.nodes.note_sampled(NOW + STEP_SECONDS, {"start": 4.0})
    assert first.nodes.by_step("start", STEP, STEP_SECONDS) == {
        STEP: NodeStep(NodeCounts(10, 8), 20.5), STEP + 1: NodeStep(NodeCounts(), 4.0),
    }  # fmt: skip
    assert first.nodes.by_step("caf\udce9", STEP, STEP_SECONDS) == {STEP: NodeStep(NodeCounts(), 1.0)}


def written(history: History, *times: float) -> None:
    for time in times:
        history._database.write(*history.nodes.added(time, {"start": NodeCounts(1, 1)}))


def test_longer_steps_are_sums(opened: Opener) -> None:
    history = opened()
    longer = PAST_WINDOWS[1] // STEPS
    begin = NOW // longer * longer
    written(history, begin - 1, begin, begin + STEP_SECONDS, begin + longer - 1, begin + longer)
    number = int(begin // longer)
    found = history.nodes.by_step("start", number, longer)
    assert {number_of - number: step.counts.received for number_of, step in found.items()} == {0: 3, 1: 1}


def test_what_is_in_no_chart_is_forgotten_however_long_events_are_kept(opened: Opener, path: str) -> None:
    history = opened()
    written(history, NOW - KEPT_SECONDS - STEP_SECONDS, NOW - KEPT_SECONDS + STEP_SECONDS, NOW)
    history.prune()
    assert asked_aside(path, "SELECT count(*) FROM node_steps") == 2
    history.close()
    opened(days=1).prune()
    assert asked_aside(path, "SELECT count(*) FROM node_steps") == 1
