"""Series over days, from the history: whole, in steps, and not read again at each question."""

from __future__ import annotations

import pytest

from fproc.pipeline.tracing.counts import NodeCounts
from fproc.run.outcome import FileEvent
from fproc.telemetry.history.pipelines import LoadedPipeline
from fproc.telemetry.rolling import PAST_WINDOWS, STEPS
from tests.support.rooms import Room

DAY = 86_400

NOW = 5900 * 302_400 + 700.0
"""In the midst of a step of each window, however long a test takes."""


@pytest.fixture
def room(room: Room) -> Room:
    room.time = lambda: NOW
    return room


def ended(job: str, days_ago: float, kind: str = "processed", seconds: float = 2.0) -> FileEvent:
    return FileEvent(job, f"{job}.log", kind, NOW - days_ago * DAY, 1, seconds, 10, bytes_in=100)


@pytest.mark.parametrize(("window", "files"), [*zip(PAST_WINDOWS, (2, 3, 4), strict=True)])
def test_files_of_days_past_are_counted_in_steps(room: Room, window: int, files: int) -> None:
    room.record(ended("a", 0), ended("b", 0.5, "failed"), ended("c", 5), ended("d", 28, seconds=9.0))
    room.record(ended("e", 40), ended("f", 0.1, "retry"))
    series = room.listing.past.series(window)
    points = series["points"]
    assert (series["step_seconds"], len(points)) == (window // STEPS, STEPS)
    assert sum(point["files"] for point in points) == files
    assert sum(point["failed"] for point in points) == 1
    assert sum(point["lines"] for point in points) == 10 * files
    assert sum(point["bytes"] for point in points) == 100 * files
    assert points[-1]["files"] >= 1
    assert points[-1]["p95"] == pytest.approx(2.0, rel=0.05)
    assert points[1]["p50"] is None
    times = [point["timestamp"] for point in points]
    assert times == sorted(times)


def test_an_answer_stands_for_a_while(room: Room) -> None:
    assert sum(point["files"] for point in room.listing.past.series(DAY)["points"]) == 0
    room.record(ended("a", 0))
    assert sum(point["files"] for point in room.listing.past.series(DAY)["points"]) == 0
    room.monotonic += DAY // STEPS
    assert sum(point["files"] for point in room.listing.past.series(DAY)["points"]) == 1


def test_without_a_history_nothing_has_ended(room: Room) -> None:
    assert room.history is not None
    room.history.close()
    room.history = None
    room.listing = room.a_listing()
    assert {point["files"] for point in room.listing.past.series(DAY)["points"]} == {0}


def test_what_a_node_did_stands_beside_the_files_step_by_step(room: Room) -> None:
    assert room.history is not None
    room.history.record([ended("a", 0)], {"start": NodeCounts(10, 8, 1, 4, 2.0)})
    room.history.nodes.note_sampled(NOW, {"start": 12.3456})
    for window in PAST_WINDOWS:
        series = room.listing.past.series(window, "start")
        assert len(series["node"]["points"]) == len(series["points"]) == STEPS
        assert series["node"]["points"][-1] == {
            "received": 10, "emitted": 8, "failed": 1, "seconds_each": 0.5, "sampled_seconds": 12.346,
        }  # fmt: skip
        assert sum(point["received"] for point in series["node"]["points"]) == 10
        assert [point["sampled_seconds"] for point in series["node"]["points"][:-1]] == [0.0] * (STEPS - 1)
        assert "node" not in room.listing.past.series(window)


def test_a_change_of_pipeline_is_told_with_what_was_before(room: Room) -> None:
    assert room.history is not None
    now = NOW
    for days, pipeline in ((3, "a"), (0.5, "b")):
        loaded = LoadedPipeline(now - days * DAY, pipeline, "1.0", {"limits": pipeline})
        room.history.pipelines.note(loaded)
    (change,) = room.listing.past.changes(DAY)
    assert (change["pipeline"], change["before"]) == ("b", {"pipeline": "a", "version": "1.0"})
    assert change["what"] == ["limits changed"]
    assert room.listing.past.changes(3600) == []
