"""What is to be done next, with clocks of the test's own."""

from __future__ import annotations

import pytest

from fproc.run.attempt import WorkerDeath
from fproc.watch.messages import Task, Why
from fproc.watch.queue import PAUSE_MAX_SECONDS, PAUSE_SECONDS, WorkQueue, pause_seconds

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
def agenda(clocks: Clocks) -> WorkQueue:
    return WorkQueue(monotonic=lambda: clocks.since_start)


def all_of(agenda: WorkQueue, *busy: str) -> list[Task]:
    """Every task that can be taken now, in order."""
    tasks = []
    while task := agenda.next(busy):
        tasks.append(task)
    return tasks


def new(*names: str) -> list[Task]:
    return [Task(name, Why.NEW) for name in names]


def test_an_empty_agenda_has_nothing_to_do(agenda: WorkQueue) -> None:
    assert agenda.next(NOBODY) is None
    assert (list(agenda.known()), agenda.troubles()) == ([], {})


def test_what_is_ready_is_given_once_and_in_order(agenda: WorkQueue) -> None:
    agenda.set_ready(["b", "a", "c"])
    assert all_of(agenda) == new("b", "a", "c")
    assert list(agenda.known()) == []


def test_each_look_replaces_what_was_ready_before(agenda: WorkQueue) -> None:
    agenda.set_ready(["gone", "still there"])
    agenda.set_ready(["still there", "new"])
    assert all_of(agenda) == new("still there", "new")


def test_what_waits_for_its_time_is_not_given_before_it(agenda: WorkQueue, clocks: Clocks) -> None:
    agenda.add(Task("x", Why.DUE), after_seconds=10)
    clocks.pass_by(9.5)
    assert agenda.next(NOBODY) is None
    assert list(agenda.known()) == ["x"]
    clocks.pass_by(0.5)
    assert agenda.next(NOBODY) == Task("x", Why.DUE)
    assert list(agenda.known()) == []
    assert agenda.next(NOBODY) is None


def test_what_is_due_comes_before_what_is_ready(agenda: WorkQueue) -> None:
    agenda.set_ready(["a", "b"])
    agenda.add(Task("y", Why.ORPHAN))
    agenda.add(Task("z", Why.DUE))
    assert all_of(agenda) == [Task("y", Why.ORPHAN), Task("z", Why.DUE), *new("a", "b")]


def test_one_that_still_waits_does_not_hold_up_those_behind_it(agenda: WorkQueue, clocks: Clocks) -> None:
    agenda.add(Task("later", Why.DUE), after_seconds=10)
    agenda.add(Task("now", Why.DUE))
    agenda.set_ready(["a"])
    assert all_of(agenda) == [Task("now", Why.DUE), *new("a")]
    assert list(agenda.known()) == ["later"]


def test_a_death_is_told_with_its_task(agenda: WorkQueue) -> None:
    death = WorkerDeath("was killed", too_slow=True)
    agenda.add(Task("x", Why.DEATH, death))
    assert agenda.next(NOBODY) == Task("x", Why.DEATH, death)


def test_what_is_added_last_about_a_name_counts(agenda: WorkQueue, clocks: Clocks) -> None:
    agenda.add(Task("x", Why.ORPHAN))
    agenda.add(Task("x", Why.DUE), after_seconds=5)
    assert agenda.next(NOBODY) is None
    clocks.pass_by(5)
    assert all_of(agenda) == [Task("x", Why.DUE)]


def test_a_name_waits_while_an_earlier_input_of_it_is_not_done(agenda: WorkQueue, clocks: Clocks) -> None:
    agenda.add(Task("x", Why.DUE), after_seconds=10)
    agenda.set_ready(["x", "y"])
    assert all_of(agenda) == new("y")
    clocks.pass_by(10)
    agenda.set_ready(["x"])
    assert agenda.next(NOBODY) == Task("x", Why.DUE)
    assert agenda.next(["x"]) is None
    agenda.set_ready(["x"])
    assert agenda.next(NOBODY) == Task("x", Why.NEW)


def test_a_busy_name_is_passed_over(agenda: WorkQueue) -> None:
    agenda.set_ready(["x", "y"])
    agenda.add(Task("z", Why.ORPHAN))
    assert all_of(agenda, "x", "z") == new("y")
    assert list(agenda.known()) == ["z"]
    assert all_of(agenda) == [Task("z", Why.ORPHAN)]  # x comes with the next look
    agenda.set_ready(["x"])
    assert all_of(agenda) == new("x")


def test_a_name_in_trouble_is_left_alone_and_the_others_are_not(agenda: WorkQueue, clocks: Clocks) -> None:
    assert agenda.set_aside("x", "File exists")
    assert agenda.troubles() == {"x": "File exists"}
    agenda.add(Task("x", Why.DUE))
    agenda.set_ready(["x", "y"])
    assert all_of(agenda) == new("y")
    clocks.pass_by(PAUSE_SECONDS)
    assert all_of(agenda) == [Task("x", Why.DUE)]


def test_a_new_name_in_trouble_is_left_alone_too(agenda: WorkQueue, clocks: Clocks) -> None:
    agenda.set_aside("x", "File exists")
    agenda.set_ready(["x"])
    assert all_of(agenda) == []
    clocks.pass_by(PAUSE_SECONDS)
    agenda.set_ready(["x"])
    assert all_of(agenda) == new("x")


def test_a_name_that_stays_in_trouble_rests_longer_each_time(agenda: WorkQueue, clocks: Clocks) -> None:
    rests = []
    for number in range(7):
        assert agenda.set_aside("x", f"trouble {number}") is (number == 0)
        agenda.add(Task("x", Why.DUE))
        began = clocks.since_start
        while agenda.next(NOBODY) is None:
            clocks.pass_by(0.25)
        rests.append(clocks.since_start - began)
    assert rests == [1, 2, 4, 8, 16, 30, PAUSE_MAX_SECONDS]
    assert agenda.troubles() == {"x": "trouble 6"}


def test_a_name_that_is_well_again_begins_anew(agenda: WorkQueue, clocks: Clocks) -> None:
    for _ in range(3):
        agenda.set_aside("x", "File exists")
    agenda.is_well("x")
    assert agenda.troubles() == {}
    agenda.add(Task("x", Why.DUE))
    assert agenda.next(NOBODY) == Task("x", Why.DUE)
    assert agenda.set_aside("x", "File exists")
    agenda.add(Task("x", Why.DUE))
    clocks.pass_by(PAUSE_SECONDS)
    assert agenda.next(NOBODY) == Task("x", Why.DUE)


def test_a_name_that_never_was_in_trouble_may_be_called_well(agenda: WorkQueue) -> None:
    agenda.is_well("x")
    assert agenda.troubles() == {}


def test_the_trouble_of_a_name_that_is_gone_is_forgotten(agenda: WorkQueue) -> None:
    for name in ("gone", "waits", "ready"):
        agenda.set_aside(name, "File exists")
    agenda.add(Task("waits", Why.DUE))
    agenda.set_ready(["ready"])
    assert set(agenda.troubles()) == {"waits", "ready"}


def test_troubles_are_given_as_they_are_at_that_moment(agenda: WorkQueue) -> None:
    agenda.set_aside("x", "File exists")
    given = agenda.troubles()
    agenda.is_well("x")
    assert given == {"x": "File exists"}


def test_pauses_double_up_to_a_bound_however_often_trouble_was_met() -> None:
    assert [pause_seconds(times) for times in range(6)] == [1, 2, 4, 8, 16, PAUSE_MAX_SECONDS]
    assert pause_seconds(10**9) == PAUSE_MAX_SECONDS


def test_what_is_large_is_done_alone(agenda: WorkQueue) -> None:
    agenda.set_ready(["a", "b", "big", "c"], {"big"})
    first = agenda.next(())
    assert first
    assert agenda.is_small(first)
    assert agenda.next_small(()) == Task("b", Why.NEW)
    assert agenda.next_small(()) is None
    assert agenda.count_ready() == 2
    big = agenda.next(())
    assert big == Task("big", Why.NEW)
    assert not agenda.is_small(big)


def test_only_what_is_new_is_done_together_with_others(agenda: WorkQueue) -> None:
    agenda.set_ready(["a"])
    agenda.add(Task("b", Why.DUE))
    due = agenda.next(())
    assert due == Task("b", Why.DUE)
    assert not agenda.is_small(due)
    assert agenda.next_small({"a"}) is None
