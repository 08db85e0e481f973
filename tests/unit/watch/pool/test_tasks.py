"""What worker processes report of tasks, of one and of several at a time."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from fproc.run.verdict import Verdict
from fproc.spool.job.claim import Origin
from fproc.watch.workers.messages import NotBegun, Report, TakenUp, Task, Why
from tests.support.clocks import Watch
from tests.support.programs.pools import (
    DIES,
    SLOW,
    UPPER,
    WHO,
    Place,
    collected,
    death_of,
    done,
    heard,
    is_begin,
    outcome_of,
    pids,
)
from tests.support.programs.running import wait_until

TOGETHER = """
import glob, os, time
def step(line):
    open(f"{line}/began-{os.getpid()}", "w").close()
    while len(glob.glob(f"{line}/began-*")) < 3:
        time.sleep(0.01)
    return str(os.getpid())
"""


GOES_ON = """
import os, time
def step(line):
    open(f"begun-{line}", "w").close()
    while not os.path.exists(f"go-{line}"):
        time.sleep(0.01)
"""


def test_a_task_is_done_and_reported(place: Place) -> None:
    workers = place.pool(UPPER)
    task = place.put("x", "a", "b")
    workers.submit(task)
    assert (workers.has_room(), list(workers.running())) == (False, ["x"])
    (event,) = collected(workers)
    assert isinstance(event, Report)
    assert event.task == task
    outcome = outcome_of(event)
    assert (outcome.event.file, outcome.verdict, outcome.event.results) == ("x", Verdict.COMMIT, ("x",))
    assert (outcome.figures.lines_in, outcome.figures.edges) == (2, {("start", "end"): 2})
    assert (workers.has_room(), workers.running(), workers.collect()) == (True, {}, [])
    assert place.result("x") == ["A", "B"]


def test_a_task_with_nothing_to_do_is_reported_as_such(place: Place) -> None:
    workers = place.pool(UPPER)
    for why in Why:
        workers.submit(Task("x", why))
        assert collected(workers) == [Report(Task("x", why), None)]


@pytest.mark.parametrize("origin", [Origin.FOUND, Origin.CRASH])
def test_an_orphan_is_told_of_once_it_is_taken_up_and_at_its_end(place: Place, origin: Origin) -> None:
    workers = place.pool(UPPER)
    Path(place.spool.folders.underprocess, "x").write_text("a\n")
    if origin is Origin.CRASH:
        Path(place.spool.folders.jobs, "x").mkdir()
    workers.submit(Task("x", Why.ORPHAN))
    first, last = heard(workers, 1)
    assert first == Report(Task("x", Why.ORPHAN), TakenUp(origin))
    assert isinstance(last, Report)
    assert outcome_of(last).verdict is Verdict.COMMIT


def test_several_slots_work_at_the_same_time(place: Place) -> None:
    workers = place.pool(TOGETHER, size=3)
    for name in "xyz":
        workers.submit(place.put(name, str(place.folder)))
    assert not workers.has_room()
    fates = {outcome_of(event).verdict for event in collected(workers, 3)}
    assert fates == {Verdict.COMMIT}
    assert {line for name in "xyz" for line in place.result(name)} == {str(pid) for pid in pids(workers)}


def test_a_process_is_started_only_for_a_task_and_used_again(place: Place) -> None:
    workers = place.pool(WHO, size=3)
    assert (pids(workers), workers.sockets(), workers.collect()) == ([], [], [])
    for name in "xyz":
        done(workers, place.put(name, "a"))
    (pid,) = pids(workers)
    assert {line for name in "xyz" for line in place.result(name)} == {str(pid)}


def test_an_interrupt_from_the_keyboard_is_not_for_workers(place: Place) -> None:
    workers = place.pool(SLOW)
    workers.submit(place.put("x", *"a" * 100))
    place.wait_for("begun")
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGINT)
    assert outcome_of(*collected(workers)).verdict is Verdict.COMMIT
    os.kill(pid, signal.SIGINT)
    assert done(workers, place.put("y", "a")).verdict is Verdict.COMMIT
    assert pids(workers) == [pid]


def test_progress_is_told_while_a_file_is_worked_on(place: Place) -> None:
    workers = place.pool(SLOW)
    workers.submit(place.put("x", *"a" * 1000))
    assert (workers.running()["x"].lines, workers.running()["x"].position_bytes) == (0, 0)
    wait_until(lambda: workers.collect() or workers.running()["x"].lines)
    assert workers.running()["x"].lines < 1000
    assert workers.running()["x"].position_bytes == 2000  # it was read in one go
    (place.folder / "go").touch()
    assert outcome_of(*collected(workers)).verdict is Verdict.COMMIT
    workers.submit(Task("y", Why.DUE))
    assert workers.running()["y"].lines == 0
    collected(workers)


def test_several_tasks_are_done_by_one_worker_and_reported_together(place: Place) -> None:
    workers = place.pool(UPPER)
    tasks = [place.put(name, name) for name in ("x", "y", "z")]
    workers.submit(*tasks)
    assert sorted(workers.running()) == ["x", "y", "z"]
    events = collected(workers, 3)
    assert [event.task for event in events] == tasks
    assert [outcome_of(event).verdict for event in events] == [Verdict.COMMIT] * 3
    assert [place.result(task.name) for task in tasks] == [["X"], ["Y"], ["Z"]]


def test_of_several_tasks_the_one_that_was_run_is_blamed_for_a_death_and_no_other(place: Place) -> None:
    workers = place.pool(DIES)
    tasks = [
        place.put("x", "pass"),
        place.put("y", "os.kill(os.getpid(), signal.SIGKILL)"),
        place.put("z", "pass"),
    ]
    workers.submit(*tasks)
    events = collected(workers, 3)
    assert death_of(events[1]).reason.startswith("the worker that processed it was killed by SIGKILL")
    assert [events[0], events[2]] == [Report(task, NotBegun(has_died=True)) for task in (tasks[0], tasks[2])]
    for name in ("x", "z"):
        assert done(workers, Task(name, Why.ORPHAN)).verdict is Verdict.COMMIT


def test_of_several_tasks_the_one_that_is_run_may_take_its_time_and_no_more(place: Place) -> None:
    watch = Watch()
    workers = place.pool(GOES_ON, limits={"timeout_seconds": 30}, monotonic=watch)
    tasks = [place.put(name, name) for name in "xyz"]
    workers.submit(*tasks)
    for name in "xyz":
        place.wait_for(f"begun-{name}")
        assert not [event for event in workers.collect() if not is_begin(event)]
        watch.seconds += 20
        assert (workers.collect(), workers._slots[0].is_asking) == ([], False)
        if name != "z":
            (place.folder / f"go-{name}").touch()
    watch.seconds += 11
    watch.let_go_on()
    *given_back, loss = collected(workers, 3)
    assert death_of(loss).too_slow
    assert loss.task == tasks[2]
    assert given_back == [Report(task, NotBegun(has_died=True)) for task in tasks[:2]]


def test_a_worker_that_dies_while_it_runs_no_file_is_told_of_and_blames_none(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    workers = place.pool("import os\ndef step(line):\n    return line\n")
    assert done(workers, place.put("x", "a")).verdict is Verdict.COMMIT
    (pid,) = pids(workers)
    os.kill(pid, signal.SIGSTOP)
    task = place.put("y", "b")
    workers.submit(task)
    os.kill(pid, signal.SIGKILL)
    assert collected(workers) == [Report(task, NotBegun(has_died=True))]
    assert "a worker was killed by SIGKILL; perhaps memory ran out; it was running no file" in caplog.text
