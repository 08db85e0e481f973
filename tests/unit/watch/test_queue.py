"""What is to be done next, with clocks of the test's own."""

from __future__ import annotations

import pytest

from fproc.run.attempt import WorkerDeath
from fproc.spool.intake.backlog import entry_of
from fproc.watch.queue import PAUSE_MAX_SECONDS, PAUSE_SECONDS, WorkQueue, pause_seconds
from fproc.watch.workers.messages import Task, Why

NOBODY: tuple[str, ...] = ()


class Clocks:
    """The time since some start."""

    def __init__(self) -> None:
        self.since_start = 50.0

    def pass_by(self, seconds: float) -> None:
        self.since_start += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def queue(clocks: Clocks) -> WorkQueue:
    return WorkQueue(monotonic=lambda: clocks.since_start, is_large=lambda name: name == "big")


def look(queue: WorkQueue, names: list[str]) -> None:
    """Look at a folder that has these names, in this order."""
    queue.begin_look()
    queue.found([entry_of(f"{number:04}", name) for number, name in enumerate(names)])
    queue.end_look()


def all_of(queue: WorkQueue, *busy: str) -> list[Task]:
    """Every task that can be taken now, in order."""
    tasks = []
    while task := queue.next(busy):
        tasks.append(task)
    return tasks


def new(*names: str) -> list[Task]:
    return [Task(name, Why.NEW) for name in names]


def test_an_empty_queue_has_nothing_to_do(queue: WorkQueue) -> None:
    assert queue.next(NOBODY) is None
    assert (list(queue.known()), queue.troubles()) == ([], {})


def test_what_is_ready_is_given_once_and_in_order(queue: WorkQueue) -> None:
    look(queue, ["b", "a", "c"])
    assert all_of(queue) == new("b", "a", "c")
    assert list(queue.known()) == []


def test_each_look_replaces_what_was_ready_before(queue: WorkQueue) -> None:
    look(queue, ["gone", "still there"])
    look(queue, ["still there", "new"])
    assert all_of(queue) == new("still there", "new")


def test_what_waits_for_its_time_is_not_given_before_it(queue: WorkQueue, clocks: Clocks) -> None:
    queue.add(Task("x", Why.DUE), after_seconds=10)
    clocks.pass_by(9.5)
    assert queue.next(NOBODY) is None
    assert list(queue.known()) == ["x"]
    clocks.pass_by(0.5)
    assert queue.next(NOBODY) == Task("x", Why.DUE)
    assert list(queue.known()) == []
    assert queue.next(NOBODY) is None


def test_what_is_due_comes_before_what_is_ready(queue: WorkQueue) -> None:
    look(queue, ["a", "b"])
    queue.add(Task("y", Why.ORPHAN))
    queue.add(Task("z", Why.DUE))
    assert all_of(queue) == [Task("y", Why.ORPHAN), Task("z", Why.DUE), *new("a", "b")]


def test_one_that_still_waits_does_not_hold_up_those_behind_it(queue: WorkQueue, clocks: Clocks) -> None:
    queue.add(Task("later", Why.DUE), after_seconds=10)
    queue.add(Task("now", Why.DUE))
    look(queue, ["a"])
    assert all_of(queue) == [Task("now", Why.DUE), *new("a")]
    assert list(queue.known()) == ["later"]


def test_a_death_is_told_with_its_task(queue: WorkQueue) -> None:
    death = WorkerDeath("was killed", too_slow=True)
    queue.add(Task("x", Why.DEATH, death))
    assert queue.next(NOBODY) == Task("x", Why.DEATH, death)


def test_what_is_added_last_about_a_name_counts(queue: WorkQueue, clocks: Clocks) -> None:
    queue.add(Task("x", Why.ORPHAN))
    queue.add(Task("x", Why.DUE), after_seconds=5)
    assert queue.next(NOBODY) is None
    clocks.pass_by(5)
    assert all_of(queue) == [Task("x", Why.DUE)]


def test_a_name_waits_while_an_earlier_input_of_it_is_not_done(queue: WorkQueue, clocks: Clocks) -> None:
    queue.add(Task("x", Why.DUE), after_seconds=10)
    look(queue, ["x", "y"])
    assert all_of(queue) == new("y")
    clocks.pass_by(10)
    look(queue, ["x"])
    assert queue.next(NOBODY) == Task("x", Why.DUE)
    assert queue.next(["x"]) is None
    look(queue, ["x"])
    assert queue.next(NOBODY) == Task("x", Why.NEW)


def test_a_busy_name_is_passed_over(queue: WorkQueue) -> None:
    look(queue, ["x", "y"])
    queue.add(Task("z", Why.ORPHAN))
    assert all_of(queue, "x", "z") == new("y")
    assert list(queue.known()) == ["z"]
    assert all_of(queue) == [Task("z", Why.ORPHAN)]  # x comes with the next look
    look(queue, ["x"])
    assert all_of(queue) == new("x")


def test_a_name_in_trouble_is_left_alone_and_the_others_are_not(queue: WorkQueue, clocks: Clocks) -> None:
    assert queue.set_aside("x", "File exists")
    assert queue.troubles() == {"x": "File exists"}
    queue.add(Task("x", Why.DUE))
    look(queue, ["x", "y"])
    assert all_of(queue) == new("y")
    clocks.pass_by(PAUSE_SECONDS)
    assert all_of(queue) == [Task("x", Why.DUE)]


def test_a_new_name_in_trouble_is_left_alone_too(queue: WorkQueue, clocks: Clocks) -> None:
    queue.set_aside("x", "File exists")
    look(queue, ["x"])
    assert all_of(queue) == []
    clocks.pass_by(PAUSE_SECONDS)
    look(queue, ["x"])
    assert all_of(queue) == new("x")


def test_a_name_that_stays_in_trouble_rests_longer_each_time(queue: WorkQueue, clocks: Clocks) -> None:
    rests = []
    for number in range(7):
        assert queue.set_aside("x", f"trouble {number}") is (number == 0)
        queue.add(Task("x", Why.DUE))
        began = clocks.since_start
        while queue.next(NOBODY) is None:
            clocks.pass_by(0.25)
        rests.append(clocks.since_start - began)
    assert rests == [1, 2, 4, 8, 16, 30, PAUSE_MAX_SECONDS]
    assert queue.troubles() == {"x": "trouble 6"}


def test_a_name_that_is_well_again_begins_anew(queue: WorkQueue, clocks: Clocks) -> None:
    for _ in range(3):
        queue.set_aside("x", "File exists")
    queue.is_well("x")
    assert queue.troubles() == {}
    queue.add(Task("x", Why.DUE))
    assert queue.next(NOBODY) == Task("x", Why.DUE)
    assert queue.set_aside("x", "File exists")
    queue.add(Task("x", Why.DUE))
    clocks.pass_by(PAUSE_SECONDS)
    assert queue.next(NOBODY) == Task("x", Why.DUE)


def test_a_name_that_never_was_in_trouble_may_be_called_well(queue: WorkQueue) -> None:
    queue.is_well("x")
    assert queue.troubles() == {}


def test_the_trouble_of_a_name_that_is_gone_is_forgotten(queue: WorkQueue) -> None:
    for name in ("gone", "waits", "ready"):
        queue.set_aside(name, "File exists")
    queue.add(Task("waits", Why.DUE))
    look(queue, ["ready"])
    assert set(queue.troubles()) == {"waits", "ready"}


def test_troubles_are_given_as_they_are_at_that_moment(queue: WorkQueue) -> None:
    queue.set_aside("x", "File exists")
    given = queue.troubles()
    queue.is_well("x")
    assert given == {"x": "File exists"}


def test_pauses_double_up_to_a_bound_however_often_trouble_was_met() -> None:
    assert [pause_seconds(times) for times in range(6)] == [1, 2, 4, 8, 16, PAUSE_MAX_SECONDS]
    assert pause_seconds(10**9) == PAUSE_MAX_SECONDS


def test_what_is_large_is_done_alone(queue: WorkQueue) -> None:
    look(queue, ["a", "b", "big", "c"])
    first = queue.next(())
    assert first
    assert queue.is_small(first)
    assert queue.next_small(()) == Task("b", Why.NEW)
    assert queue.next_small(()) is None
    assert queue.count_ready() == 2
    big = queue.next(())
    assert big == Task("big", Why.NEW)
    assert not queue.is_small(big)


def test_only_what_is_new_is_done_together_with_others(queue: WorkQueue) -> None:
    look(queue, ["a"])
    queue.add(Task("b", Why.DUE))
    due = queue.next(())
    assert due == Task("b", Why.DUE)
    assert not queue.is_small(due)
    assert queue.next_small({"a"}) is None
