"""The progress bar."""

from __future__ import annotations

import io

import pytest

from fproc.cli.logs import ProgressBar
from tests.support.clocks import Clock


def bar_after(seconds: float, size_bytes: int | None, clock: Clock) -> ProgressBar:
    bar = ProgressBar(io.StringIO(), "a.log", size_bytes, clock)
    clock.seconds += seconds
    return bar


def test_the_bar_shows_share_rate_and_time_left() -> None:
    text = bar_after(10, 40_000_000, Clock()).text(10_000_000, 1234)
    for part in ("a.log", "25%", "1,234 lines", "1.0 MB/s", "0:30 left", "[" + "#" * 7 + " " * 23 + "]"):
        assert part in text


def test_the_bar_counts_minutes() -> None:
    assert "2:05 left" in bar_after(125, 2000, Clock()).text(1000, 1)


@pytest.mark.parametrize("position_bytes", [1000, 5000])
def test_the_bar_is_full_at_the_end_and_beyond(position_bytes: int) -> None:
    text = bar_after(10, 1000, Clock()).text(position_bytes, 1)
    assert "[" + "#" * 30 + "]" in text
    assert "100%" in text
    assert "0:00 left" in text


def test_the_bar_begins_with_nothing() -> None:
    assert " 0%" in bar_after(0, 1000, Clock()).text(0, 0)


@pytest.mark.parametrize("size_bytes", [None, 0])
def test_without_a_size_there_is_a_rate_and_no_bar(size_bytes: int | None) -> None:
    text = bar_after(2, size_bytes, Clock()).text(4_000_000, 10)
    assert "2.0 MB/s" in text
    assert "%" not in text


def test_the_bar_is_drawn_at_most_ten_times_a_second_and_can_be_cleared() -> None:
    stream, clock = io.StringIO(), Clock()
    bar = ProgressBar(stream, "a.log", 1000, clock)
    for _ in range(100):
        bar(100, 1)
        clock.seconds += 0.01
    assert 9 <= stream.getvalue().count("\r") <= 11
    bar.clear()
    assert stream.getvalue().endswith("\r\x1b[K")
    assert "\n" not in stream.getvalue()
