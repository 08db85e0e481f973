"""Samples of where workers spend their time, by clocks that the tests set, and with real workers."""

from __future__ import annotations

import select
from collections import defaultdict
from itertools import pairwise

import pytest

from fproc.process.mark import CurrentTask, Doing, Whereabouts
from fproc.run.verdict import Verdict
from fproc.watch.workers.messages import Report
from fproc.watch.workers.pool import LOOK_SECONDS, Pool
from fproc.watch.workers.sampling import (
    MOST_UNSEEN_SECONDS,
    SAMPLE_SECONDS,
    CountTime,
    SampleClock,
    TimeSampler,
)
from fproc.watch.workers.slot import WorkerLost
from tests.support.clocks import Watch
from tests.support.programs.pools import (
    SLEEPS,
    STUCK,
    UPPER,
    Place,
    collected,
    death_of,
    done,
    outcome_of,
)
from tests.support.programs.running import wait_until

AT_NODE = Whereabouts("", node="slow")


class Sampled:
    """A worker that the test plays, and what was counted of it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.mark = CurrentTask.own()
        self.counted: list[tuple[Whereabouts, float]] = []
        self.sampler = TimeSampler(lambda where, seconds: self.counted.append((where, seconds)), self.clock)

    def clock(self) -> float:
        return self.now

    def ask(self, seconds: float, where: Whereabouts | None) -> None:
        """Ask after these seconds; it answers at once, or not."""
        self.now += seconds
        self.sampler.take(self.mark)
        self.sampler.ask(lambda: self.mark.ask(briefly=True))
        if where:
            self.mark.reply(where)

    def end(self, seconds: float) -> None:
        self.now += seconds
        self.sampler.end(self.mark)


@pytest.fixture
def sampled() -> Sampled:
    sampled = Sampled()
    sampled.sampler.begin()
    return sampled


def test_each_answer_counts_for_the_time_since_the_one_before(sampled: Sampled) -> None:
    reading = Whereabouts("reading it")
    sampled.ask(0.75, AT_NODE)
    sampled.ask(1.25, reading)
    sampled.sampler.take(sampled.mark)
    assert sampled.counted == [(AT_NODE, 0.75), (reading, 1.25)]
    sampled.sampler.take(sampled.mark)
    assert len(sampled.counted) == 2


def test_a_node_counts_for_the_helpers_too_and_what_the_owner_alone_does_counts_once(
    sampled: Sampled,
) -> None:
    sampled.mark.processes = 3
    sampled.ask(1, AT_NODE)
    sampled.ask(0.5, Whereabouts("waiting for a helper"))
    sampled.sampler.take(sampled.mark)
    assert [seconds for _, seconds in sampled.counted] == [3, 0.5]


def test_idle_time_counts_for_nothing_and_the_end_of_a_task_counts_with_the_next_one(
    sampled: Sampled,
) -> None:
    sampled.ask(1, AT_NODE)
    sampled.end(0.25)
    sampled.now += 1000
    sampled.sampler.begin()
    sampled.ask(0.5, AT_NODE)
    sampled.end(0)
    assert [seconds for _, seconds in sampled.counted] == [1, 0.75]


def test_the_time_in_which_there_is_no_answer_counts_once_it_comes(sampled: Sampled) -> None:
    for _ in range(50):  # in a call that does not check for signals
        sampled.ask(1, None)
    assert sampled.counted == []
    sampled.mark.reply(AT_NODE)
    sampled.end(0.5)
    assert sampled.counted == [(AT_NODE, 50)]


def test_a_pause_of_the_parent_itself_counts_for_little(sampled: Sampled) -> None:
    sampled.ask(86_400, AT_NODE)
    sampled.end(0)
    assert sampled.counted == [(AT_NODE, MOST_UNSEEN_SECONDS)]


def test_of_a_worker_that_dies_what_it_did_last_is_counted(sampled: Sampled) -> None:
    sampled.mark.note(Doing.COMMITTING)
    sampled.ask(1, None)
    sampled.ask(1, None)
    sampled.sampler.lose(sampled.mark)
    sampled.sampler.lose(sampled.mark)
    assert [(where.doing, seconds) for where, seconds in sampled.counted] == [(Doing.COMMITTING, 2)]


def test_samples_are_due_once_a_second_at_random_moments() -> None:
    now = 0.0
    numbers = iter([0.0, 0.5, 0.99, 0.25] * 1000)
    clock = SampleClock(lambda: now, lambda: next(numbers))
    moments: list[float] = []
    while len(moments) < 1000:
        now += clock.left_seconds()
        assert clock.is_due()
        moments.append(now)
    assert now / len(moments) == pytest.approx(SAMPLE_SECONDS, rel=0.2)
    assert len({round(after - before, 3) for before, after in pairwise(moments)}) == 4


def test_while_nothing_is_done_nobody_is_woken_for_samples(place: Place) -> None:
    workers = place.pool(UPPER)
    assert workers.look_seconds() == LOOK_SECONDS
    done(workers, place.put("x", "a"))
    assert workers.look_seconds() == LOOK_SECONDS


def test_a_worker_is_asked_in_the_midst_of_its_work_and_goes_on_with_it(place: Place) -> None:
    seconds: dict[str | None, float] = defaultdict(float)
    watch = Watch()
    workers = place.pool(STUCK, count_time=adding(seconds), monotonic=watch)
    workers.submit(place.put("x", "while not os.path.exists('go'): time.sleep(0.01)"))
    place.wait_for("begun")
    watch.let_go_on()
    wait_until(lambda: turn(workers) or seconds["start"] > 1)
    (place.folder / "go").touch()
    assert outcome_of(*collected(workers)).verdict is Verdict.COMMIT
    assert set(seconds) <= {"start", None}
    assert seconds[None] <= 1


def test_samples_do_not_take_the_answer_of_a_worker_that_stalls(place: Place) -> None:
    seconds: dict[str | None, float] = defaultdict(float)
    limits, watch = {"stall_seconds": 0.3, "timeout_seconds": 4}, Watch()
    workers = place.pool(STUCK, count_time=adding(seconds), limits=limits, monotonic=watch)
    workers.submit(place.put("x", "pass", f"open('second', 'w').close(); {SLEEPS}"))
    place.wait_for("second")
    watch.let_go_on()
    stalled: set[str] = set()
    events: list[Report | WorkerLost] = []

    def is_over() -> bool:
        events.extend(turn(workers))
        stalled.update(progress.stalled for progress in workers.running().values())
        return bool(events)

    wait_until(is_over)
    [named] = stalled - {""}
    assert named.endswith(": line 2, node 'start'")
    assert "killed (line 2, node 'start')" in death_of(*events).reason
    assert seconds["start"] > 1


def adding(seconds: dict[str | None, float]) -> CountTime:
    """Return a call that adds time by node."""

    def count(where: Whereabouts, spent_seconds: float) -> None:
        seconds[where.node] += spent_seconds

    return count


def turn(workers: Pool) -> list[Report | WorkerLost]:
    """Wait and collect once, as the loop does."""
    select.select(workers.sockets(), [], [], workers.look_seconds())
    return workers.collect()
