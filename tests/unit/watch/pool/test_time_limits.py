"""Files that take too long are killed and told apart from deaths."""

from __future__ import annotations

from pathlib import Path

import pytest

from fproc.run.attempt import WorkerDeath
from fproc.run.verdict import Verdict
from fproc.watch.workers.messages import Task, Why
from fproc.watch.workers.slot import WorkerLost
from tests.support.clocks import Watch
from tests.support.programs.pools import (
    MATCHES,
    SLEEPS,
    STUCK,
    UPPER,
    Place,
    collected,
    done,
    outcome_of,
    pids,
)


@pytest.mark.parametrize("line", [SLEEPS, MATCHES])
def test_a_worker_that_takes_too_long_is_killed_and_told_apart(place: Place, line: str) -> None:
    watch = Watch()
    workers = place.pool(STUCK, limits={"timeout_seconds": 30}, monotonic=watch)
    task = place.put("x", line)
    workers.submit(task)
    place.wait_for("begun")
    watch.seconds += 31
    assert not any(isinstance(event, WorkerLost) for event in workers.collect())
    watch.seconds += 31
    watch.let_go_on()  # a match does not answer
    limit = "took longer than limits.timeout_seconds (30 s), so its worker was killed"
    death = WorkerDeath(f"{limit} (line 1, node 'start')", too_slow=True, node="start", line_no=1, line=line)
    assert collected(workers) == [WorkerLost(task, death)]
    assert pids(workers) == []
    again = done(workers, Task("x", Why.DEATH, death))
    assert (again.verdict, again.event.error, again.event.node, again.event.line_no) == (
        Verdict.RETRY,
        death.reason,
        "start",
        1,
    )


def test_an_adopted_file_that_takes_too_long_is_killed_as_well(place: Place) -> None:
    workers = place.pool(STUCK, limits={"timeout_seconds": 0.5})
    task = place.put("x.log", "pass")
    Path(place.spool.folders.underprocess, "x.log").write_text(SLEEPS + "\n")
    workers.submit(task)
    (event,) = collected(workers)
    assert isinstance(event, WorkerLost)
    assert event.death.too_slow


def test_neither_the_start_of_a_worker_nor_its_idle_time_counts_as_the_file_s(place: Place) -> None:
    watch = Watch()
    starts = (
        "import os, time\nopen('starts', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.01)\n"
    )
    workers = place.pool(starts + UPPER, limits={"timeout_seconds": 30}, monotonic=watch)
    workers.submit(place.put("x", "a"))
    place.wait_for("starts")
    watch.seconds += 40
    assert workers.collect() == []
    (place.folder / "go").touch()
    assert outcome_of(*collected(workers)).verdict is Verdict.COMMIT
    (pid,) = pids(workers)
    watch.seconds += 40
    assert workers.collect() == []
    assert done(workers, place.put("y", "a")).verdict is Verdict.COMMIT
    assert pids(workers) == [pid]
