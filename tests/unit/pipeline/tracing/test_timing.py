"""What nodes take: some lines are timed, and each node gets its own time."""

from __future__ import annotations

from typing import Any

import pytest

from fproc.pipeline import interpreter
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.records import Block
from fproc.pipeline.tracing import timing
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.pipeline.tracing.timing import ONE_IN, SAMPLE_LINES, Laps, Sampling, lap_seconds
from tests.support.clocks import Clock
from tests.support.helpers import SOURCE, Memory, plan_of, user

LINES = ["a", "bb", "skip", "ccc"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(100.0)
    monkeypatch.setattr(timing, "perf_counter", clock)
    monkeypatch.setattr(interpreter, "lap_seconds", lambda: 0.0)
    return clock


@pytest.fixture(params=[Interpreter, CompiledRun])
def times(request: pytest.FixtureRequest, clock: Clock) -> dict[str, tuple[int, int, float]]:
    """Records that came, those that were timed, and their seconds, of a slow node and a slower one."""
    assert clock() == 100.0
    nodes = [
        {"tag": "start", "type": user("takes"), "config": {"seconds": 1.0}, "next": ["slower", "direct"]},
        {"tag": "slower", "type": user("takes"), "config": {"seconds": 2.5}, "next": "kept"},
        {"tag": "direct", "type": "write", "config": {"file": "direct"}},
        {"tag": "kept", "type": "filter", "config": {"pattern": "a|b|c"}, "next": "end"},
    ]
    plan = plan_of(nodes)
    given: dict[str, Any] = {
        "source": SOURCE,
        "output": Memory(),
        "entry": "start",
        "max_hops": 10,
        "on_error": pytest.fail,
        "sampling": Sampling(),
    }
    run = (
        Interpreter(plan.graph, plan.makers, **given)
        if request.param is Interpreter
        else CompiledRun(plan.compiler, plan.graph, plan.makers, **given)
    )
    raw = "".join(line + "\n" for line in LINES).encode()
    run.feed(Block(LINES, 1, 0, raw))
    run.feed(Block(LINES, 5, len(raw), raw))
    run.finish()
    run.close()
    return {name: (at.received, at.timed, at.seconds) for name, at in run.counts.items()}


def test_each_node_gets_the_time_that_it_takes_itself(times: dict[str, tuple[int, int, float]]) -> None:
    assert times["start"] == (8, 4, 4.0)
    assert times["slower"] == (8, 4, 10.0)


def test_built_in_nodes_get_none_of_it(times: dict[str, tuple[int, int, float]]) -> None:
    assert times["direct"] == (8, 4, 0.0)
    assert times["kept"] == (8, 4, 0.0)
    assert times["end"] == (6, 3, 0.0)


def test_the_first_lines_are_timed_and_then_one_in_many() -> None:
    sampling = Sampling()
    taken = [sampling.take(1000) for _ in range(2000)]
    assert taken[0] == SAMPLE_LINES
    assert set(taken) == {0, SAMPLE_LINES}
    assert 1 / (ONE_IN * 1.1) < sum(taken) / 2_000_000 < 1 / (ONE_IN * 0.9)


def test_small_files_are_timed_as_often_as_big_ones() -> None:
    sampling = Sampling()
    taken = [sampling.take(20) for _ in range(100_000)]
    assert 1 / (ONE_IN * 1.1) < sum(taken) / 2_000_000 < 1 / (ONE_IN * 0.9)


def test_what_the_clock_itself_takes_is_left_out(clock: Clock) -> None:
    at = NodeCounts()
    laps = Laps({"a": at}, own_seconds=0.25)
    laps.start()
    for _ in range(4):
        clock.seconds += 1.0
        laps.lap("a")
    assert at.seconds == 3.0


def test_a_lap_takes_some_time_by_itself() -> None:
    assert 0 < lap_seconds() < 0.001
