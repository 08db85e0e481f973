"""Workers that are told to leave: at a checkpoint, while they start, twice, or never."""

from __future__ import annotations

import os
import signal

import pytest

from fproc.run.verdict import Verdict
from fproc.watch.workers import pool
from fproc.watch.workers.messages import Report, Task, Trouble, Why
from tests.support.programs.pools import (
    FORKS,
    MATCHES,
    SLEEPS,
    SLOW,
    STUCK,
    UPPER,
    Place,
    collected,
    done,
    done_at_last,
    is_gone,
    outcome_of,
    pids,
)
from tests.support.programs.running import wait_until

SHELLS = """
import os
def step(line):
    os.system("sleep 1000 2> sleep.log & echo $! > child")
    return line
"""


def test_stopping_lets_a_file_come_to_a_checkpoint(place: Place) -> None:
    workers = place.pool(SLOW)
    workers.submit(place.put("x", *"a" * 2000))
    place.wait_for("begun")
    left = pids(workers)
    (event,) = workers.stop()
    outcome = outcome_of(event)
    assert (outcome.verdict, outcome.event.attempt) == (Verdict.STOP, 1)
    assert 0 < outcome.figures.lines_in < 2000
    assert all(map(is_gone, left))
    (place.folder / "go").touch()
    assert done(workers, Task("x", Why.DUE)).verdict is Verdict.COMMIT
    assert place.result("x") == [f"{number} a" for number in range(1, 2001)]


@pytest.mark.parametrize("line", [SLEEPS, MATCHES])
def test_stopping_kills_a_worker_that_does_not_leave(
    place: Place, line: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool, "STOP_SECONDS", 0.2)
    workers = place.pool(STUCK)
    workers.submit(place.put("x", line))
    place.wait_for("begun")
    left = pids(workers)
    assert workers.stop() == []
    assert all(map(is_gone, left))
    assert "a file is not done yet; it goes on from its last checkpoint at the next start" in caplog.text
    assert os.listdir(place.spool.folders.underprocess) == ["x"]


def test_stopping_with_nothing_running_leaves_no_process(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    workers = place.pool(UPPER, size=2)
    assert workers.stop() == []
    for name in "xy":
        workers.submit(place.put(name, "a"))
    collected(workers, 2)
    left = pids(workers)
    assert len(left) == 2
    assert workers.stop() == []
    assert (all(map(is_gone, left)), caplog.text) == (True, "")
    assert "Traceback" not in place.log.read_text()


def test_stopping_while_a_worker_starts_is_no_trouble(place: Place) -> None:
    workers = place.pool(UPPER)
    task = place.put("x", "a")
    workers.submit(task)
    left = pids(workers)
    events = workers.stop()
    assert all(map(is_gone, left))
    values = [event.value for event in events if isinstance(event, Report)]
    assert len(values) == len(events)
    assert not any(isinstance(value, Trouble) for value in values), values


def test_a_worker_that_is_told_twice_to_leave_does_so_quietly(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    noticed = f"import atexit, time\natexit.register(time.sleep, 0.5)\n{UPPER}"
    workers = place.pool(noticed)
    done(workers, place.put("x", "a"))
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: workers.collect() or workers._slots[0]._is_leaving or not pids(workers))
    assert workers.stop() == []
    assert is_gone(pid)
    assert "Traceback" not in capfd.readouterr().err


def test_a_busy_worker_that_is_told_to_go_leaves_at_a_checkpoint_and_another_goes_on(place: Place) -> None:
    workers = place.pool(SLOW)
    workers.submit(place.put("x", *"a" * 1000))
    place.wait_for("begun")
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGTERM)
    outcome = outcome_of(*collected(workers))
    assert outcome.verdict is Verdict.STOP
    (place.folder / "go").touch()
    outcome = done_at_last(workers, Task("x", Why.DUE))
    assert (outcome.verdict, outcome.event.attempt) == (Verdict.COMMIT, 1)
    assert pids(workers) != [pid]
    assert place.result("x") == [f"{number} a" for number in range(1, 1001)]


@pytest.mark.parametrize("source", [FORKS, SHELLS])
def test_stopping_does_not_wait_for_what_a_plugin_has_started(
    place: Place, source: str, caplog: pytest.LogCaptureFixture
) -> None:
    workers = place.pool(source)
    assert done(workers, place.put("x", "pass")).verdict is Verdict.COMMIT
    left = pids(workers)
    assert not is_gone(int((place.folder / "child").read_text()))
    assert (workers.stop(), caplog.text) == ([], "")  # it says so if it has waited
    assert all(map(is_gone, left))
