"""The counters behind /stats."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from fproc.pipeline.tracing.counts import NodeCounts
from fproc.process.mark import Whereabouts
from fproc.run.figures import Figures
from fproc.run.outcome import Outcome, outcome_of
from fproc.run.verdict import Verdict
from fproc.telemetry.history.schema import TOTALS
from fproc.telemetry.metrics import BOUNDS_SECONDS, Metrics
from fproc.telemetry.rolling import WINDOWS, Ended
from tests.support.clocks import Clock

DAY = 2_000_000_040.0  # a whole minute


def outcome(
    verdict: Verdict = Verdict.COMMIT, *, seconds: float = 0.5, figures: Figures | None = None
) -> Outcome:
    return outcome_of("a.log", verdict, figures or Figures(lines_in=10, lines_out=8, bytes_in=100), seconds)


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
        "lines_rejected": 0,
        "lines_skipped": 0,
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
    metrics.add(outcome(Verdict.FAIL))
    totals = metrics.snapshot().totals
    assert (totals["files_processed"], totals["files_failed"]) == (2, 1)
    assert (totals["lines_in"], totals["lines_out"], totals["bytes_in"]) == (30, 24, 300)


def test_a_run_that_is_tried_again_is_a_retry_and_nothing_else() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome(Verdict.RETRY))
    snapshot = metrics.snapshot()
    assert {name: count for name, count in snapshot.totals.items() if count} == {"retries": 1}
    assert snapshot.processing_seconds == {}
    assert snapshot.throughput["files_per_second"] == 0


def test_a_pause_counts_for_nothing() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome(Verdict.PAUSE))
    assert set(metrics.snapshot().totals.values()) == {0}


def test_recovered_files_are_counted() -> None:
    metrics = Metrics(Clock())
    metrics.add_recovered()
    metrics.add_recovered()
    assert metrics.snapshot().totals["recovered"] == 2


def test_a_file_that_an_earlier_owner_decided_counts_as_a_file() -> None:
    metrics = Metrics(Clock())
    metrics.add_rolled_forward(succeeded=True)
    metrics.add_rolled_forward(succeeded=False)
    totals = metrics.snapshot().totals
    assert (totals["files_processed"], totals["files_failed"], totals["lines_in"]) == (1, 1, 0)


def test_the_success_rate_is_the_share_of_the_files_that_ended_well() -> None:
    metrics = Metrics(Clock())
    for verdict in (Verdict.COMMIT, Verdict.COMMIT, Verdict.COMMIT, Verdict.FAIL, Verdict.RETRY):
        metrics.add(outcome(verdict))
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


@pytest.mark.parametrize("window_seconds", [60, 900, 3600])
def test_throughput_is_measured_over_no_more_than_its_window(window_seconds: int) -> None:
    clock = Clock()
    metrics = Metrics(clock)
    for _ in range(4000):
        clock.seconds += 1
        metrics.add(outcome())
    throughput = metrics.snapshot(window_seconds).throughput
    assert throughput["window_seconds"] == window_seconds
    assert throughput["files_per_second"] == pytest.approx(1, rel=0.02)
    assert throughput["lines_per_second"] == pytest.approx(10, rel=0.02)


@pytest.mark.parametrize("ask", [Metrics.snapshot, Metrics.series])
def test_a_window_that_there_is_not_is_refused_with_those_that_there_are(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(ValueError, match="61 seconds; there are 60, 900, 3600"):
        ask(Metrics(), 61)


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
def test_percentiles_are_nearest_ranks_and_the_longest_time_is_exact(
    seconds: list[float], expected: dict[str, float]
) -> None:
    metrics = Metrics(Clock())
    for value in seconds:
        metrics.add(outcome(seconds=value))
    found = metrics.snapshot().processing_seconds
    assert found == pytest.approx(expected, rel=0.05)
    assert found["max"] == expected["max"]


def test_percentiles_forget_what_is_older_than_their_window() -> None:
    clock = Clock()
    metrics = Metrics(clock)
    metrics.add(outcome(seconds=9.0))
    clock.seconds += 61
    metrics.add(outcome(seconds=1.0))
    assert metrics.snapshot(60).processing_seconds["max"] == 1.0
    assert metrics.snapshot(900).processing_seconds["max"] == 9.0
    assert metrics.snapshot(3600).processing_seconds["max"] == 9.0


def test_totals_go_on_from_earlier_runs_and_this_run_s_are_known_apart() -> None:
    metrics = Metrics(Clock(), base={"files_processed": 5, "files_failed": 3, "lines_in": 7})
    metrics.add(outcome())
    metrics.add(outcome(Verdict.RETRY))
    snapshot = metrics.snapshot()
    totals, own = snapshot.totals, snapshot.own_totals
    assert set(totals) == set(own) == set(TOTALS)
    assert (totals["files_processed"], totals["files_failed"], totals["lines_in"]) == (6, 3, 17)
    assert (own["files_processed"], own["files_failed"], own["lines_in"]) == (1, 0, 10)
    assert totals["retries"] == own["retries"] == 1
    assert snapshot.success_rate == 6 / 9


def test_the_last_success_is_when_a_file_was_last_processed() -> None:
    clock = Clock()
    metrics = Metrics(clock, clock=lambda: clock.seconds + DAY)
    assert metrics.snapshot().last_success is None
    metrics.add(outcome(Verdict.FAIL))
    metrics.add(outcome(Verdict.RETRY))
    metrics.add_rolled_forward(succeeded=False)
    assert metrics.snapshot().last_success is None
    metrics.add(outcome())
    assert metrics.snapshot().last_success == DAY + 1000
    clock.seconds += 5
    metrics.add_rolled_forward(succeeded=True)
    assert metrics.snapshot().last_success == DAY + 1005


def test_the_last_success_of_an_earlier_run_counts_until_there_is_one() -> None:
    metrics = Metrics(Clock(), clock=lambda: DAY, last_success=DAY - 100)
    assert metrics.snapshot().last_success == DAY - 100
    metrics.add(outcome())
    assert metrics.snapshot().last_success == DAY


def test_files_of_before_the_start_show_in_the_windows_and_nowhere_else() -> None:
    metrics = Metrics(lambda: 1000.0, clock=lambda: 2_000_000_040.0)
    metrics.add_earlier([Ended(2_000_000_040.0 - ago, 0.5, 10, 100, ago == 30) for ago in (5, 30, 600, 3000)])
    counts = [sum(point["files"] for point in metrics.series(window)["points"]) for window in WINDOWS]
    assert counts == [2, 3, 4]
    assert sum(point["failed"] for point in metrics.series(60)["points"]) == 1
    snapshot = metrics.snapshot(60)
    assert snapshot.processing_seconds["max"] == 0.5
    assert snapshot.throughput["lines_per_second"] == pytest.approx(20 / 59)
    assert (snapshot.histogram.count, set(snapshot.totals.values())) == (0, {0})


def test_the_histogram_counts_all_times_since_the_start_up_to_each_bound() -> None:
    clock = Clock()
    metrics = Metrics(clock)
    for seconds in (0.0, 0.001, 0.0011, 1.0, 599.0, 601.0):
        metrics.add(outcome(seconds=seconds))
        clock.seconds += 100
    histogram = metrics.snapshot().histogram
    named = dict(zip(BOUNDS_SECONDS, histogram.counts, strict=True))
    assert (named[0.001], named[0.0025], named[0.5], named[1.0], named[300.0], named[600.0]) == (
        *(2, 3, 3, 4),
        *(4, 5),
    )
    assert histogram.count == 6
    assert histogram.sum_seconds == pytest.approx(1201.0021)
    assert all(one <= other for one, other in pairwise(histogram.counts))


def test_a_series_has_the_names_of_the_contract_and_one_point_a_step() -> None:
    clock = Clock()
    metrics = Metrics(clock, clock=lambda: clock.seconds - 1000 + DAY)
    metrics.add(outcome(seconds=2.0))
    metrics.add(outcome(Verdict.FAIL, seconds=2.0))
    for window_seconds, step_seconds in ((60, 1), (900, 15), (3600, 60)):
        series = metrics.series(window_seconds)
        assert (series["window_seconds"], series["step_seconds"]) == (window_seconds, step_seconds)
        assert len(series["points"]) == 60
        assert series["points"][-1] == {
            "timestamp": "2033-05-18T03:34:00.000Z",
            "files": 2,
            "failed": 1,
            "lines": 20,
            "bytes": 200,
            "p50": pytest.approx(2.0, rel=0.05),
            "p95": 2.0,
        }


def test_figures_can_be_added_and_read_by_several_threads_at_once() -> None:
    metrics = Metrics()
    began = threading.Barrier(4)
    seen: list[int] = []

    def add() -> None:
        began.wait()
        for _ in range(2000):
            metrics.add(outcome())

    def read() -> None:
        began.wait()
        while (ended := metrics.snapshot().totals["files_processed"]) < 6000:
            seen.append(ended)
            assert len(metrics.series(60)["points"]) == 60

    threads = [threading.Thread(target=work) for work in (add, add, add, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = metrics.snapshot(3600)
    assert snapshot.totals["files_processed"] == snapshot.histogram.count == 6000
    assert seen == sorted(seen)


UNSEEN = {"sampled_seconds": 0.0, "sampled_in_window_seconds": 0.0}


def test_nodes_and_edges_add_up_over_files() -> None:
    metrics = Metrics(Clock())
    for _ in range(2):
        figures = Figures(
            nodes={"start": NodeCounts(3, 2, 1), "end": NodeCounts(2, 0, 0)}, edges={("start", "end"): 2}
        )
        metrics.add(outcome(figures=figures))
    snapshot = metrics.snapshot()
    assert snapshot.nodes == {
        "start": {"count": 6, "emitted": 4, "errors": 2, "seconds": 0.0, **UNSEEN},
        "end": {"count": 4, "emitted": 0, "errors": 0, "seconds": 0.0, **UNSEEN},
    }
    assert snapshot.edges == [{"from": "start", "to": "end", "count": 4}]


def test_the_time_of_a_node_is_reckoned_from_the_records_that_were_timed() -> None:
    metrics = Metrics(Clock())
    seen = []
    for timed, seconds in [(0, 0.0), (10, 0.5), (0, 0.0), (10, 0.1)]:
        nodes = {"start": NodeCounts(100, 100, 0, timed, seconds)}
        metrics.add(outcome(figures=Figures(nodes=nodes)))
        seen.append(metrics.snapshot().nodes["start"]["seconds"])
    assert seen == [0.0, 10.0, 15.0, 18.0]


def test_the_time_of_a_node_never_goes_back() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome(figures=Figures(nodes={"start": NodeCounts(100, 100, 0, 10, -0.001)})))
    assert metrics.snapshot().nodes["start"]["seconds"] == 0.0


def test_time_that_workers_were_seen_somewhere_is_counted_by_node_or_by_what_they_did() -> None:
    clock = Clock()
    metrics = Metrics(clock, clock=lambda: DAY + 30)
    for seconds in (1.0, 0.5):
        metrics.add_time(Whereabouts("", 7, "start"), seconds)
        metrics.add_time(Whereabouts("at its commit"), seconds)
    metrics.add_time(Whereabouts("somewhere in lines 1 to 9"), 0.25)
    points = metrics.series(WINDOWS[2], "start")["node"]["points"]
    assert sum(point["sampled_seconds"] or 0 for point in points) == 1.5
    clock.seconds += WINDOWS[0]
    metrics.add_time(Whereabouts("at the end of the file", node="start"), 2.0)
    snapshot = metrics.snapshot()
    assert snapshot.nodes == {
        "start": {
            "count": 0,
            "emitted": 0,
            "errors": 0,
            "seconds": 0.0,
            "sampled_seconds": 3.5,
            "sampled_in_window_seconds": 2.0,
        }
    }
    assert snapshot.outside_nodes == {"committing": 1.5, "feeding": 0.25}
    assert metrics.snapshot(WINDOWS[1]).nodes["start"]["sampled_in_window_seconds"] == 3.5


def test_a_snapshot_does_not_change_afterwards() -> None:
    metrics = Metrics(Clock())
    metrics.add(outcome(figures=Figures(nodes={"start": NodeCounts(1, 1, 0)}, edges={("start", "end"): 1})))
    before = metrics.snapshot()
    metrics.add(outcome(figures=Figures(nodes={"start": NodeCounts(1, 1, 0)}, edges={("start", "end"): 1})))
    assert before.totals["files_processed"] == 1
    assert before.nodes["start"]["count"] == 1
    assert before.edges[0]["count"] == 1
