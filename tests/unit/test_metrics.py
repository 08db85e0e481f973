"""The counters behind /stats."""

from __future__ import annotations

import pytest

from fproc.job import Outcome
from fproc.lifecycle import Fate
from fproc.metrics import Metrics
from fproc.run import Figures, NodeFigures


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def outcome(fate: Fate = Fate.COMMIT, *, seconds: float = 0.5, figures: Figures | None = None) -> Outcome:
    return Outcome("a.log", fate, figures or Figures(lines_in=10, lines_out=8, bytes_in=100), seconds)


def test_at_first_everything_is_nought() -> None:
    snapshot = Metrics(Clock()).snapshot()
    assert snapshot.totals == {
        "files_processed": 0,
        "files_failed": 0,
        "lines_in": 0,
        "lines_out": 0,
        "bytes_in": 0,
        "retries": 0,
        "recovered": 0,
    }
    assert snapshot.nodes == {}
    assert snapshot.edges == []


def test_without_a_file_there_is_no_success_rate_and_no_time() -> None:
    snapshot = Metrics(Clock()).snapshot()
    assert snapshot.success_rate is None
    assert snapshot.processing_seconds == {}


def test_files_lines_and_bytes_add_up() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome())
    metrics.add(outcome())
    metrics.add(outcome(Fate.FAIL))
    totals = metrics.snapshot().totals
    assert (totals["files_processed"], totals["files_failed"]) == (2, 1)
    assert (totals["lines_in"], totals["lines_out"], totals["bytes_in"]) == (30, 24, 300)


def test_a_run_that_is_tried_again_is_a_retry_and_nothing_else() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome(Fate.RETRY))
    snapshot = metrics.snapshot()
    assert {name: count for name, count in snapshot.totals.items() if count} == {"retries": 1}
    assert snapshot.processing_seconds == {}
    assert snapshot.throughput["files_per_second"] == 0


def test_a_pause_counts_for_nothing() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome(Fate.PAUSE))
    assert set(metrics.snapshot().totals.values()) == {0}


def test_recovered_files_are_counted() -> None:
    metrics = Metrics(Clock())
    metrics.add_recovered()
    metrics.add_recovered()
    assert metrics.snapshot().totals["recovered"] == 2


def test_a_file_that_an_earlier_owner_decided_counts_as_a_file() -> None:
    metrics = Metrics(Clock())
    metrics.add_settled(succeeded=True)
    metrics.add_settled(succeeded=False)
    totals = metrics.snapshot().totals
    assert (totals["files_processed"], totals["files_failed"], totals["lines_in"]) == (1, 1, 0)


def test_the_success_rate_is_the_share_of_the_files_that_ended_well() -> None:
    metrics = Metrics(Clock())
    for fate in (Fate.COMMIT, Fate.COMMIT, Fate.COMMIT, Fate.FAIL, Fate.RETRY):
        metrics.add(outcome(fate))
    assert metrics.snapshot().success_rate == 0.75


def test_throughput_is_measured_over_the_time_that_has_passed() -> None:
    clock = Clock()
    metrics = Metrics(clock)
    clock.seconds += 10
    metrics.add(outcome())
    throughput = metrics.snapshot().throughput
    assert throughput["files_per_second"] == pytest.approx(0.1)
    assert throughput["lines_per_second"] == pytest.approx(1.0)
    assert throughput["bytes_per_second"] == pytest.approx(10.0)


def test_throughput_forgets_what_is_older_than_its_window() -> None:
    clock = Clock()
    metrics = Metrics(clock)
    metrics.add(outcome())
    window_seconds = metrics.snapshot().throughput["window_seconds"]
    clock.seconds += window_seconds - 1
    assert metrics.snapshot().throughput["files_per_second"] > 0
    clock.seconds += 2
    assert metrics.snapshot().throughput["files_per_second"] == 0


def test_throughput_is_measured_over_no_more_than_its_window() -> None:
    clock = Clock()
    metrics = Metrics(clock)
    clock.seconds += 100_000
    metrics.add(outcome())
    throughput = metrics.snapshot().throughput
    assert throughput["files_per_second"] == pytest.approx(1 / throughput["window_seconds"])


def test_a_file_in_the_very_first_moment_does_not_divide_by_nought() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome())
    assert metrics.snapshot().throughput["files_per_second"] > 0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([4.0], {"p50": 4.0, "p95": 4.0, "p99": 4.0, "max": 4.0}),
        ([2.0, 1.0], {"p50": 1.0, "p95": 2.0, "p99": 2.0, "max": 2.0}),
        ([3.0, 1.0, 2.0], {"p50": 2.0, "p95": 3.0, "p99": 3.0, "max": 3.0}),
        ([float(n) for n in range(1, 101)], {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}),
        ([float(n) for n in range(20, 0, -1)], {"p50": 10.0, "p95": 19.0, "p99": 20.0, "max": 20.0}),
    ],
)
def test_percentiles_are_nearest_ranks(seconds: list[float], expected: dict[str, float]) -> None:
    metrics = Metrics(Clock())
    for value in seconds:
        metrics.add(outcome(seconds=value))
    assert metrics.snapshot().processing_seconds == expected


def test_nodes_and_edges_add_up_over_files() -> None:
    metrics = Metrics(Clock())
    for _ in range(2):
        figures = Figures(
            nodes={"start": NodeFigures(3, 2, 1), "end": NodeFigures(2, 0, 0)}, edges={("start", "end"): 2}
        )
        metrics.add(outcome(figures=figures))
    snapshot = metrics.snapshot()
    assert snapshot.nodes == {
        "start": {"count": 6, "emitted": 4, "errors": 2, "seconds": 0.0},
        "end": {"count": 4, "emitted": 0, "errors": 0, "seconds": 0.0},
    }
    assert snapshot.edges == [{"from": "start", "to": "end", "count": 4}]


def test_the_time_of_a_node_is_reckoned_from_the_records_that_were_timed() -> None:
    metrics = Metrics(Clock())
    seen = []
    for timed, seconds in [(0, 0.0), (10, 0.5), (0, 0.0), (10, 0.1)]:
        nodes = {"start": NodeFigures(100, 100, 0, timed, seconds)}
        metrics.add(outcome(figures=Figures(nodes=nodes)))
        seen.append(metrics.snapshot().nodes["start"]["seconds"])
    assert seen == [0.0, 10.0, 15.0, 18.0]


def test_the_time_of_a_node_never_goes_back() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome(figures=Figures(nodes={"start": NodeFigures(100, 100, 0, 10, -0.001)})))
    assert metrics.snapshot().nodes["start"]["seconds"] == 0.0


def test_a_snapshot_does_not_change_afterwards() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome(figures=Figures(nodes={"start": NodeFigures(1, 1, 0)}, edges={("start", "end"): 1})))
    before = metrics.snapshot()
    metrics.add(outcome(figures=Figures(nodes={"start": NodeFigures(1, 1, 0)}, edges={("start", "end"): 1})))
    assert before.totals["files_processed"] == 1
    assert before.nodes["start"]["count"] == 1
    assert before.edges[0]["count"] == 1
