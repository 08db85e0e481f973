"""What was left at a time, and how many had ended until then."""

from __future__ import annotations

from fproc.telemetry.history.arrivals import LeftFiles
from fproc.telemetry.history.node_steps import KEPT_SECONDS
from tests.support.histories import NOW, Opener, event


def test_the_last_sample_up_to_a_time_is_found_or_else_the_first_one(opened: Opener) -> None:
    history = opened()
    assert history.arrivals.at(NOW) is None
    history.arrivals.note(NOW, 5, 1.5)
    history.record([event("a"), event("b", kind="failed"), event("c", kind="retry")])
    history.arrivals.note(NOW + 30, 3, 31.5)
    history.arrivals.note(NOW + 60, 0, 0.0)
    assert history.arrivals.at(NOW - 10) == LeftFiles(NOW, 5, 0)
    assert history.arrivals.at(NOW + 29) == LeftFiles(NOW, 5, 0)
    assert history.arrivals.at(NOW + 30) == LeftFiles(NOW + 30, 3, 2)
    assert history.arrivals.ended() == 2
    waits = [history.arrivals.longest_wait(NOW + seconds) for seconds in (0, 31, 61)]
    assert waits == [31.5, 0.0, 0.0]


def test_what_is_older_than_all_windows_is_forgotten(opened: Opener) -> None:
    history = opened()
    for time in (NOW - KEPT_SECONDS - 1, NOW - KEPT_SECONDS + 1):
        history.arrivals.note(time, 1, 1.0)
    history.prune()
    assert history.arrivals.at(0) == LeftFiles(NOW - KEPT_SECONDS + 1, 1, 0)
