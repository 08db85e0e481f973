"""Leases: one owner at a time among machines that share a folder, and none that comes back too late."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from fproc import job
from fproc.job import Outcome
from fproc.lifecycle import Fate
from fproc.spool import Claim, Disk, Settled, Spool, holding
from fproc.spool.folders import Folders, prepare
from fproc.spool.holding import LEASE, LEASE_SECONDS, Hold, Leases, Owner
from tests.crashes import CALLS, BrokenDisk, look
from tests.helpers import user
from tests.leases import Shared
from tests.system.running import wait_until

NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": user("fail_on_bad"), "next": ["end", "count"]},
    {"tag": "count", "type": "count", "config": {"total": True}, "next": "counted"},
    {"tag": "counted", "type": "write", "config": {"file": "{stem}.count"}},
]
RESULTS = {"x.log": "a\nb\n", "x.count": "2\n"}


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    place = Shared(tmp_path / "w", NODES)
    place.put("unprocessed/x.log", "a\nb\n")
    return place


def owned(taken: object) -> Claim:
    assert isinstance(taken, Claim)
    return taken


def finish(shared: Shared, claim: Claim) -> Outcome:
    return job.process(claim, shared.plan)


def check_done(shared: Shared) -> None:
    seen = look(str(shared.folder))
    assert seen["processed"] == {"x.log": "a\nb\n"}
    assert (seen["results"], seen["litter"]) == (RESULTS, [])
    assert (seen["unprocessed"], seen["underprocess"], seen["failed"]) == ({}, {}, {})


def test_a_machine_that_has_a_file_keeps_it_from_the_others_while_it_counts(shared: Shared) -> None:
    first, second = shared.machine("first"), shared.machine("second")
    claim = owned(first.claim("x.log"))
    assert second.claim("x.log") is None
    assert second.adopt("x.log") is None
    for _ in range(5):
        assert second.orphans([]) == {}
        shared.seconds.now += LEASE_SECONDS - 1
        first._holder.beat()  # type: ignore[attr-defined]
    assert finish(shared, claim).fate is Fate.COMMIT
    check_done(shared)
    assert os.listdir(shared.folder / ".fproc" / "new") == []


def test_an_owner_that_counts_no_more_is_taken_for_dead_and_its_file_starts_over(shared: Shared) -> None:
    owned(shared.machine("first").claim("x.log"))
    second = shared.machine("second")
    found = shared.wait(second)
    assert list(found) == ["x.log"]
    assert finish(shared, owned(second.adopt("x.log", evidence=found["x.log"]))).fate is Fate.COMMIT
    check_done(shared)


def test_leases_count_by_themselves_through_a_failure_until_they_are_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "BEAT_SECONDS", 0.001)
    folders = Folders(str(tmp_path / "w"), str(tmp_path / "w" / "results"))
    disk = BrokenDisk(10**9, error=errno.EIO)
    prepare(folders, disk)
    others = set(threading.enumerate())
    leases = Leases(folders, disk)
    for name in ("x.log", "a lease after none was held"):
        held = leases.hold(name)
        assert held is not None
        wait_for_counts(held)
        disk.calls_left, disk.broke_at = 0, ""
        wait_until(lambda: disk.broke_at)
        wait_for_counts(held)
        held.release()
        wait_until(lambda: set(threading.enumerate()) == others)


def test_what_a_dead_owner_had_begun_to_write_goes_with_its_lease(shared: Shared) -> None:
    claim = owned(shared.machine("first").claim("x.log"))
    begun = Path(claim.job.folder, f"{LEASE}.0123abcd.new")
    begun.touch()
    second = shared.machine("second")
    taken = owned(second.adopt("x.log", evidence=shared.wait(second)["x.log"]))
    assert begun.name not in os.listdir(taken.job.folder)
    finish(shared, taken)
    check_done(shared)


def wait_for_counts(held: Hold) -> None:
    def count() -> int:
        return int(json.loads(Path(held.folder, LEASE).read_text())["count"])

    before = count()
    wait_until(lambda: count() > before + 2)


def test_evidence_that_has_become_old_takes_nothing_over(shared: Shared) -> None:
    first, second = shared.machine("first"), shared.machine("second")
    owned(first.claim("x.log"))
    evidence = shared.wait(second)["x.log"]
    first._holder.beat()  # type: ignore[attr-defined]
    assert second.adopt("x.log", evidence=evidence) is None


def test_only_one_of_several_takes_a_file_over(shared: Shared) -> None:
    owned(shared.machine("first").claim("x.log"))
    others = [shared.machine(name) for name in ("second", "third", "fourth")]
    evidence = [shared.wait(other)["x.log"] for other in others]
    taken = [other.adopt("x.log", evidence=seen) for other, seen in zip(others, evidence, strict=True)]
    assert [isinstance(one, Claim) for one in taken] == [True, False, False]


def test_a_dead_process_of_the_same_machine_is_known_to_be_dead_at_once(tmp_path: Path) -> None:
    shared = Shared(tmp_path / "w", NODES)
    shared.put("unprocessed/x.log", "a\nb\n")
    owned(shared.machine("first", is_dead=True).claim("x.log"))
    second = shared.machine("first")
    assert list(second.orphans([])) == ["x.log"]
    assert finish(shared, owned(second.adopt("x.log"))).fate is Fate.COMMIT
    check_done(shared)


def test_this_process_is_alive_and_one_of_another_machine_or_container_may_be() -> None:
    me = Owner.current()
    assert not me.is_surely_dead(me)
    gone = Owner(me.host, me.container, me.boot, me.pid, "long ago")
    assert gone.is_surely_dead(me)
    assert Owner(me.host, me.container, "an earlier boot", me.pid, me.began).is_surely_dead(me)
    assert not Owner("elsewhere", me.container, me.boot, me.pid, "long ago").is_surely_dead(me)
    assert not Owner(me.host, "a container", me.boot, me.pid, "long ago").is_surely_dead(me)


def test_a_file_that_waits_for_a_retry_may_be_tried_by_any_machine(shared: Shared) -> None:
    claim = owned(shared.machine("first").claim("x.log"))
    claim.retry(0.0)
    second = owned(shared.machine("second").adopt("x.log"))
    assert second.attempts == 1
    finish(shared, second)
    check_done(shared)


def test_a_torn_lease_is_held_until_it_has_not_changed_for_long(shared: Shared) -> None:
    owned(shared.machine("first", is_dead=True).claim("x.log"))
    lease = next((shared.folder / ".fproc" / "jobs" / "x.log").glob(f"g1-*/{LEASE}"))
    lease.write_text('{"own')
    second = shared.machine("second")
    assert second.adopt("x.log") is None
    evidence = shared.wait(second)["x.log"]
    finish(shared, owned(second.adopt("x.log", evidence=evidence)))
    check_done(shared)


def test_what_was_decided_before_there_were_leases_is_carried_out(shared: Shared) -> None:
    alone = Spool(shared.plan.config, disk=BrokenDisk(10**9))
    claim = owned(alone.claim("x.log"))
    claim.staging.write("x.log", "a")
    claim.staging.flush()
    claim.retry(0.0)
    assert os.listdir(shared.folder / ".fproc" / "jobs" / "x.log") == ["attempts.json"]
    second = owned(shared.machine("second").adopt("x.log"))
    assert second.attempts == 1
    finish(shared, second)
    check_done(shared)


def test_leases_are_used_where_other_machines_may_use_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Shared(tmp_path / "w", NODES)
    assert isinstance(Spool(shared.plan.config)._holder, holding.Locks)
    with monkeypatch.context() as patch:
        patch.setattr("fproc.spool.folders.is_local", lambda _path: False)
        assert isinstance(Spool(shared.plan.config)._holder, holding.Leases)
    assert isinstance(Spool(shared.plan.config)._holder, holding.Leases), "it holds for those who come later"


class PausingDisk(Disk):
    """Stops before call number `calls` until it may go on."""

    def __init__(self, calls: int) -> None:
        super().__init__(power=True)
        self.calls_left = calls
        self.is_paused = threading.Event()
        self.may_go_on = threading.Event()


def _pausing(name: str) -> Any:
    def call(self: PausingDisk, *arguments: Any) -> Any:
        self.calls_left -= 1
        if self.calls_left == -1:
            self.is_paused.set()
            assert self.may_go_on.wait(30)
        return getattr(Disk, name)(self, *arguments)

    return call


for _name in CALLS:
    setattr(PausingDisk, _name, _pausing(_name))


def paused_at(shared: Shared, calls: int, take_over: Any) -> bool:
    """One machine works and is paused before a call; `take_over` happens; then it goes on. Whether it was."""
    disk = PausingDisk(calls)
    spool = shared.machine("first", disk)
    disk.calls_left = calls
    outcomes: list[Outcome] = []

    def work() -> None:
        claim = spool.claim("x.log")
        if claim is not None:
            outcomes.append(finish(shared, claim))
        disk.is_paused.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert disk.is_paused.wait(30)
    was_paused = thread.is_alive() and disk.calls_left < 0
    try:
        if was_paused:
            take_over()
    finally:
        disk.may_go_on.set()
        thread.join(30)
    assert all(outcome.fate in {Fate.COMMIT, Fate.LOST, Fate.WAIT} for outcome in outcomes), outcomes
    return was_paused


def settle(shared: Shared, spool: Spool) -> None:
    """A machine does whatever there is to do."""
    for _ in range(3):
        for name, evidence in shared.wait(spool).items():
            taken = spool.adopt(name, evidence=evidence)
            if isinstance(taken, Claim):
                finish(shared, taken)
            else:
                assert taken is None or isinstance(taken, Settled)
        for name in spool.scan().ready:
            claim = spool.claim(name)
            if claim is not None:
                finish(shared, claim)


def test_an_owner_that_was_paused_anywhere_and_taken_over_changes_nothing(memory_path: Path) -> None:
    for calls in range(1000):
        shared = Shared(memory_path / str(calls), NODES)
        shared.put("unprocessed/x.log", "a\nb\n")
        second = shared.machine("second")
        if not paused_at(shared, calls, lambda: settle(shared, second)):  # noqa: B023 - called at once
            break
        settle(shared, second)
        check_done(shared)
        assert os.listdir(shared.folder / ".fproc" / "new") == []
    assert calls > 30


def test_a_paused_owner_does_not_touch_the_next_file_of_the_name(memory_path: Path) -> None:
    for calls in range(1000):
        shared = Shared(memory_path / str(calls), NODES)
        shared.put("unprocessed/x.log", "a\nb\n")
        second = shared.machine("second")
        held: list[Claim] = []

        def take_over() -> None:
            settle(shared, second)  # noqa: B023 - called at once
            shared.put("unprocessed/x.log", "c\n")  # noqa: B023
            claim = second.claim("x.log")  # noqa: B023
            if claim is not None:
                held.append(claim)  # noqa: B023

        if not paused_at(shared, calls, take_over):
            break
        assert all(finish(shared, claim).fate is Fate.COMMIT for claim in held), calls
        settle(shared, second)
        seen = look(str(shared.folder))
        assert sorted(seen["processed"].values()) == ["a\nb\n", "c\n"], calls
        assert seen["results"] == {**RESULTS, "x~2.log": "c\n", "x~2.count": "1\n"}, calls
        assert seen["litter"] == [], calls
    assert calls > 30
