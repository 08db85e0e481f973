"""A file with which fproc ends again and again is blamed, unless it gets further each time."""

from __future__ import annotations

import json

import pytest

from fproc.run import attempt
from fproc.run.attempt import RunContext, WorkerDeath
from fproc.run.verdict import Verdict
from tests.support.spool.checkpoints import Site
from tests.support.spool.crashes import BrokenDisk, Crash


def interrupted(site: Site) -> int:
    count: int = json.loads((site.job / "attempts.json").read_text())["interrupted"]
    return count


@pytest.mark.parametrize("lines", [1, 4])
def test_a_file_with_which_fproc_ends_again_and_again_without_progress_fails(
    site: Site, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "INTERRUPTIONS", 3)
    site.drop()
    site.crash_after(lines)
    for number in (1, 2):
        site.crash_after(lines, is_orphan=True)
        assert interrupted(site) == number
    outcome = attempt.process_claim(site.take(is_orphan=True), site.plan())
    assert (outcome.verdict, outcome.event.error) == (
        Verdict.FAIL,
        "fproc itself ended 3 times while it was processed",
    )
    assert (site.look()["results"], site.look()["litter"]) == ({}, [])


def test_a_file_that_gets_further_each_time_never_fails(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "INTERRUPTIONS", 2)
    site.drop()
    site.crash_after(1)
    for lines in range(2, 11):
        site.crash_after(lines, is_orphan=True)
        assert interrupted(site) == 1
    assert attempt.process_claim(site.take(is_orphan=True), site.plan()).verdict is Verdict.COMMIT
    site.check_done()


def test_the_death_of_a_worker_is_blamed_on_a_file_that_got_no_further(site: Site) -> None:
    site.drop()
    site.crash_after(4)
    assert site.run(death=WorkerDeath("killed by signal 9"), is_stopping=lambda: True).verdict is Verdict.STOP
    outcome = site.run(death=WorkerDeath("killed by signal 9"))
    assert (outcome.verdict, outcome.event.error, outcome.event.attempt) == (
        Verdict.RETRY,
        "killed by signal 9",
        1,
    )
    site.now += 1000
    assert site.run().event.attempt == 2
    site.check_done()


def test_a_file_that_took_too_long_is_blamed_however_far_it_got(site: Site) -> None:
    site.config["retry"] = {"max_attempts": 1}
    site.drop()
    site.crash_after(4)
    outcome = site.run(death=WorkerDeath("took too long", too_slow=True))
    assert (outcome.verdict, outcome.event.error) == (Verdict.FAIL, "took too long")
    assert site.look()["litter"] == []


def test_a_file_that_gets_on_within_a_line_over_the_limit_is_not_blamed_for_a_death(
    site: Site, small_steps: None
) -> None:
    site.drop(["x" * 1000])
    disk = BrokenDisk(10**9)
    disk.power = False

    def die(position: int, *_counts: int) -> None:
        if position > 500:
            disk.calls_left = 0
            raise Crash

    with pytest.raises(Crash):
        attempt.process_claim(site.take(disk), site.plan(), RunContext(progress=die))
    disk.die()
    claim = site.take(has_died=True)
    assert claim.has_progressed
    claim.release()
