"""The last minute, quarter of an hour and hour, step by step."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline.tracing.counts import NodeCounts
from fproc.telemetry.rolling import STEPS, WINDOWS, Ended, Step, Window

DAY = 2_000_000_040.0  # a whole minute


class Clocks:
    """A clock that is never set, and one that is: it is `ahead` of the other."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.ahead = DAY - self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def clock(self) -> float:
        return self.seconds + self.ahead

    def window(self, window_seconds: int = 60) -> Window:
        return Window(window_seconds, self.monotonic, self.clock)


def ended(seconds: float = 1.0, *, failed: bool = False) -> Ended:
    return Ended(0.0, seconds, 10, 100, failed)


def files(window: Window) -> list[int]:
    return [point["files"] for point in window.points()]


def times(window: Window) -> list[str]:
    return [point["timestamp"] for point in window.points()]


@pytest.mark.parametrize("window_seconds", WINDOWS)
def test_points_are_one_a_step_oldest_first_with_zeros_where_nothing_ended(window_seconds: int) -> None:
    clocks = Clocks()
    window = clocks.window(window_seconds)
    window.add(ended())
    clocks.seconds += window.step_seconds * 3
    window.add(ended(failed=True))
    window.add(ended())
    assert files(window) == [0] * (STEPS - 4) + [1, 0, 0, 2]
    gap = window.points()[-2]
    assert (gap["failed"], gap["lines"], gap["bytes"], gap["p50"], gap["p95"]) == (0, 0, 0, None, None)
    assert window.points()[-1]["failed"] == 1


def test_points_begin_with_whole_steps_of_the_day() -> None:
    clocks = Clocks()
    clocks.ahead += 59.9
    assert times(clocks.window(3600))[-2:] == ["2033-05-18T03:33:00.000Z", "2033-05-18T03:34:00.000Z"]
    assert times(clocks.window(900))[-2:] == ["2033-05-18T03:34:30.000Z", "2033-05-18T03:34:45.000Z"]
    assert times(clocks.window(60))[-2:] == ["2033-05-18T03:34:58.000Z", "2033-05-18T03:34:59.000Z"]


def test_a_file_stays_in_its_step_until_the_window_has_passed() -> None:
    clocks = Clocks()
    window = clocks.window()
    window.add(ended())
    for age in range(STEPS):
        assert files(window) == [0] * (STEPS - 1 - age) + [1] + [0] * age
        clocks.seconds += 1
    assert files(window) == [0] * STEPS
    assert window.whole().files == 0


@pytest.mark.parametrize("seconds", [60, 61, 600, 10**6])
def test_after_a_long_time_nothing_of_before_is_left(seconds: int) -> None:
    clocks = Clocks()
    window = clocks.window()
    for _ in range(STEPS):
        window.add(ended())
        clocks.seconds += 1
    clocks.seconds += seconds
    window.add(ended())
    assert files(window) == [0] * (STEPS - 1) + [1]


@pytest.mark.parametrize("set_by", [-86400, -3, 7, 86400])
def test_a_clock_that_is_set_moves_the_times_and_nothing_else(set_by: int) -> None:
    clocks = Clocks()
    window = clocks.window()
    window.add(ended())
    clocks.seconds += 2
    clocks.ahead += set_by
    window.add(ended())
    assert files(window)[-3:] == [1, 0, 1]
    fresh = clocks.window()
    assert times(window) == times(fresh)


@pytest.mark.parametrize("window_seconds", WINDOWS)
def test_what_ended_before_the_start_stands_where_it_would_have_stood(window_seconds: int) -> None:
    clocks = Clocks()
    clocks.seconds += window_seconds * 0.4 / STEPS
    expected, window = clocks.window(window_seconds), clocks.window(window_seconds)
    begin = clocks.seconds
    whens = [
        begin + window.step_seconds * steps for steps in (-70, -59.5, -59.4, -59.3, -3.3, -0.5, -0.4, -0.3)
    ]
    for clocks.seconds in whens:
        expected.add(ended())
    clocks.seconds = begin
    window.add(ended())
    expected.add(ended())
    for when in whens:
        window.add_earlier(ended(), begin - when)
    assert files(window) == files(expected)
    assert sum(files(window)) == 7
    assert window.span_seconds() == pytest.approx(window_seconds - window.step_seconds * 0.6)


def test_the_span_is_what_the_steps_cover_and_no_more_than_the_life_of_the_process() -> None:
    clocks = Clocks()
    window = clocks.window(900)
    assert window.span_seconds() == 0.001
    clocks.seconds += 7
    assert window.span_seconds() == 7
    clocks.seconds += 10_000 - 7
    assert 885 <= window.span_seconds() < 900


@given(
    st.lists(st.floats(min_value=1e-5, max_value=1e6), min_size=1, max_size=200),
    st.integers(min_value=1, max_value=100),
)
def test_a_percentile_is_right_within_a_tenth(values: list[float], percent: int) -> None:
    step = Step(0)
    for value in values:
        step.add(ended(value))
    rank = -(-percent * len(values) // 100)
    exact = sorted(values)[rank - 1]
    assert step.percentile(percent) == pytest.approx(exact, rel=0.1)
    assert step.percentile(100) == max(values)


def test_time_at_nodes_is_kept_in_the_steps_that_it_took_and_forgotten_with_them() -> None:
    clocks = Clocks()
    window = clocks.window()
    clocks.seconds += 5.25
    window.add_time("start", 2.0)
    window.add_time("start", 0.125)
    window.add_time("other", 0.25)
    sampled = [point["sampled_seconds"] for point in window.node_points("start", {})]
    assert sampled == [None] * (STEPS - 6) + [0, 0, 0, 0.75, 1, 0.375]
    assert window.whole().node_seconds == {"start": 2.125, "other": 0.25}
    clocks.seconds += STEPS - 1
    assert window.whole().node_seconds == {"start": 0.375, "other": 0.25}


def test_a_time_longer_than_the_window_fills_it() -> None:
    clocks = Clocks()
    window = clocks.window()
    clocks.seconds += 1000.5
    window.add_time("start", 500.0)
    assert window.whole().node_seconds == {"start": STEPS - 0.5}


@given(st.lists(st.lists(st.floats(min_value=0, max_value=1e9), max_size=20), max_size=5))
def test_steps_together_are_as_one_step_of_all_files(parts: list[list[float]]) -> None:
    whole, merged = Step(0), Step(0)
    for values in parts:
        part = Step(0)
        for value in values:
            part.add(ended(value, failed=value > 1))
            whole.add(ended(value, failed=value > 1))
            for step in (part, whole):
                step.add_time("start", round(value))
        merged.merge(part)
    assert [getattr(merged, name) for name in Step.__slots__] == [
        getattr(whole, name) for name in Step.__slots__
    ]


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e7, 1e30])
def test_times_that_none_has_are_counted_all_the_same(seconds: float) -> None:
    step = Step(0)
    step.add(ended(seconds))
    step.add(ended(seconds))
    assert step.percentile(50) == pytest.approx(seconds, abs=1e-6) or seconds > 1e7
    assert step.percentile(100) == seconds


def test_the_memory_does_not_grow_with_the_files() -> None:
    clocks = Clocks()
    window = clocks.window()

    def fill() -> int:
        for number in range(6000):
            window.add(ended(1.3 ** (number % 50) / 1000))
            clocks.seconds += 0.01
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = fill()
        for _ in range(4):
            last = fill()
    finally:
        tracemalloc.stop()
    assert last < first * 1.1


def received(window: Window, sums: dict[str, NodeCounts]) -> list[int | None]:
    return [point["received"] for point in window.nodes.points("start", sums)]


@pytest.mark.parametrize("window_seconds", WINDOWS)
def test_what_a_node_did_is_told_by_step_and_not_of_steps_before_the_start(window_seconds: int) -> None:
    clocks = Clocks()
    window = clocks.window(window_seconds)
    sums: dict[str, NodeCounts] = {}

    def done(lines: int, seconds_each: float = 0.0) -> None:
        window.nodes.begin_step(lambda: dict(sums))
        total = NodeCounts(lines, lines, 1, 2, 2 * seconds_each)
        total.add(sums.get("start", NodeCounts()))
        sums["start"] = total

    assert received(window, sums) == [None] * (STEPS - 1) + [0]
    done(5)
    done(6)
    clocks.seconds += 2 * window.step_seconds
    done(7, 0.25)
    assert received(window, sums) == [None] * (STEPS - 3) + [11, 0, 7]
    assert window.nodes.points("start", sums)[-1] == {
        "received": 7, "emitted": 7, "failed": 1, "seconds_each": 0.25, "sampled_seconds": None,
    }  # fmt: skip
    assert [point["received"] for point in window.nodes.points("other", sums)][-3:] == [0, 0, 0]
    clocks.seconds += window.step_seconds * (STEPS - 1)
    assert received(window, sums) == [7] + [0] * (STEPS - 1)
    done(1)
    assert len(window.nodes._begins) == 2
