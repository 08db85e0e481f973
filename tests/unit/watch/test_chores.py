"""What is done from time to time: each at its own interval, and trouble with one leaves the others."""

from __future__ import annotations

import pytest

from fproc.watch.chores import Chores


def test_each_is_done_at_once_and_then_at_its_own_interval() -> None:
    now, done = 0.0, []
    chores = Chores(lambda: now)
    chores.add(lambda: done.append("often"), 1.0)
    chores.add(lambda: done.append("seldom"), 10.0)
    for _ in range(3):
        chores.turn()
    assert done == ["often", "seldom"]
    for second in range(1, 11):
        now = float(second)
        chores.turn()
    assert (done.count("often"), done.count("seldom")) == (11, 2)


def test_one_that_fails_is_tried_again_at_its_next_time_and_keeps_no_other_from_its_own() -> None:
    now, done = 0.0, []
    chores = Chores(lambda: now)

    def fail() -> None:
        raise OSError(5, "Input/output error")

    chores.add(fail, 10.0)
    chores.add(lambda: done.append("other"), 1.0)
    with pytest.raises(OSError, match="Input"):
        chores.turn()
    chores.turn()
    assert done == ["other"]
    now = 10.0
    with pytest.raises(OSError, match="Input"):
        chores.turn()
