"""What worker processes die of, and whose fault that is."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from fproc.run.attempt import WorkerDeath
from fproc.run.verdict import Verdict
from fproc.watch.workers.deaths import how_it_ended
from fproc.watch.workers.messages import Report, Task, Why
from fproc.watch.workers.slot import WorkerLost
from tests.support.programs.pools import (
    DIES,
    FORKS,
    STUCK,
    UPPER,
    WHO,
    Place,
    collected,
    death_of,
    done,
    done_at_last,
    is_gone,
    outcome_of,
    pids,
)
from tests.support.programs.running import wait_until


def wait_for_death(pid: int) -> None:
    """Wait until a child is dead; its end is left for its owner to take note of."""
    flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
    wait_until(lambda: os.waitid(os.P_PID, pid, flags))


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL; perhaps memory ran out"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was killed by SIGSEGV"),
        ("os._exit(0)", "ended with exit status 0"),
        ("os._exit(3)", "ended with exit status 3"),
    ],
)
def test_the_death_of_a_worker_is_told_and_its_slot_gets_another(place: Place, line: str, how: str) -> None:
    workers = place.pool(DIES)
    task = place.put("bad", line)
    workers.submit(task)
    assert collected(workers) == [WorkerLost(task, WorkerDeath(f"the worker that processed it {how}"))]
    assert (pids(workers), workers.has_room(), workers.running()) == ([], True, {})
    assert done(workers, place.put("good", "pass")).verdict is Verdict.COMMIT
    blamed = done(workers, Task("bad", Why.DEATH, WorkerDeath("it died")))
    assert (blamed.verdict, blamed.event.attempt, blamed.event.error) == (Verdict.RETRY, 1, "it died")


def test_the_end_of_a_process_is_put_into_words() -> None:
    assert how_it_ended(3) == "ended with exit status 3"
    assert how_it_ended(-signal.SIGABRT) == "was killed by SIGABRT"
    assert how_it_ended(-40) == "was killed by signal 40"


def test_the_death_of_one_worker_is_none_of_the_others_business(place: Place) -> None:
    workers = place.pool(STUCK, size=2)
    stuck = place.put("x", "while not os.path.exists('go'): time.sleep(0.01)")
    workers.submit(stuck)
    place.wait_for("begun")
    bad = place.put("bad", "os._exit(3)")
    workers.submit(bad)
    (event,) = collected(workers)
    assert death_of(event).reason.endswith("exit status 3")
    (place.folder / "go").touch()
    (event,) = collected(workers)
    assert outcome_of(event).verdict is Verdict.COMMIT


def test_an_idle_worker_that_is_told_to_go_does_and_costs_the_next_file_nothing(place: Place) -> None:
    workers = place.pool(WHO)
    done(workers, place.put("x", "a"))
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGTERM)
    wait_for_death(pid)
    task = place.put("y", "a")
    assert done_at_last(workers, task).verdict is Verdict.COMMIT
    assert (is_gone(pid), place.result("y") == [str(pid)]) == (True, False)


def test_the_death_of_an_idle_worker_is_not_blamed_on_the_next_file(place: Place) -> None:
    workers = place.pool(UPPER)
    done(workers, place.put("x", "a"))
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGKILL)
    wait_for_death(pid)
    Path(place.spool.folders.underprocess, "y").write_text("a\n")
    workers.submit(Task("y", Why.DUE))
    (event,) = collected(workers)
    assert not isinstance(event, WorkerLost), event


def test_what_a_worker_reports_just_before_its_end_is_not_lost(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = place.pool(STUCK)
    workers.submit(place.put("x", "while not os.path.exists('go'): time.sleep(0.01)"))
    place.wait_for("begun")
    (slot,), (pid,) = workers._slots, pids(workers)
    received = slot._receive

    def received_before_all_that() -> bytes:
        try:
            return received()
        except BlockingIOError:
            os.kill(pid, signal.SIGTERM)
            (place.folder / "go").touch()
            wait_for_death(pid)
            raise

    monkeypatch.setattr(slot, "_receive", received_before_all_that)
    (event,) = collected(workers)
    assert outcome_of(event).verdict is Verdict.COMMIT


def test_a_death_is_noticed_while_what_the_worker_started_holds_its_socket_and_lock(place: Place) -> None:
    workers = place.pool(FORKS)
    task = place.put("x", "os.kill(os.getpid(), signal.SIGKILL)")
    workers.submit(task)
    (event,) = collected(workers)
    assert death_of(event).reason.startswith("the worker that processed it was killed by SIGKILL")
    assert not is_gone(int((place.folder / "child").read_text()))
    death = Task("x", Why.DEATH, death_of(event))
    workers.submit(death)
    assert collected(workers) == [Report(death, None)]  # the lock is held, and asked for again later
    place.end_child()
    workers.submit(death)
    while (events := collected(workers)) == [Report(death, None)]:
        workers.submit(death)
    assert outcome_of(*events).verdict is Verdict.RETRY
