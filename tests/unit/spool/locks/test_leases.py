"""Leases: one owner at a time among hosts that share a folder."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from fproc.base.values import replace
from fproc.run.verdict import Verdict
from fproc.spool.job.claim import Claim
from fproc.spool.layout import Folders, prepare
from fproc.spool.locks import leases
from fproc.spool.locks.lease_folders import LEASE
from fproc.spool.locks.leases import LEASE_SECONDS, Leases
from fproc.spool.locks.locks import JobLock, Locks
from fproc.spool.locks.owner import Owner
from fproc.spool.spool import Spool
from tests.support.programs.running import wait_until
from tests.support.spool.crashes import BrokenDisk
from tests.support.spool.leases import Shared
from tests.support.spool.paused import NODES, check_done, finish, owned

NOBODY = 2**22 + 1
"""An id that no process of Linux has."""


def test_a_host_that_has_a_file_keeps_it_from_the_others_while_it_counts(shared: Shared) -> None:
    first, second = shared.on_host("first"), shared.on_host("second")
    claim = owned(first.claim("x.log"))
    assert second.claim("x.log") is None
    assert second.adopt("x.log") is None
    for _ in range(5):
        assert second.orphans([]) == {}
        shared.seconds.now += LEASE_SECONDS - 1
        first.sharing.lock_manager.beat()  # type: ignore[attr-defined]
    assert finish(shared, claim).verdict is Verdict.COMMIT
    check_done(shared)
    assert os.listdir(shared.folder / ".fproc" / "new") == []


def test_an_owner_that_counts_no_more_is_taken_for_dead_and_its_file_starts_over(shared: Shared) -> None:
    owned(shared.on_host("first").claim("x.log"))
    second = shared.on_host("second")
    found = shared.wait(second)
    assert list(found) == ["x.log"]
    assert finish(shared, owned(second.adopt("x.log", seen_version=found["x.log"]))).verdict is Verdict.COMMIT
    check_done(shared)


def test_leases_count_by_themselves_through_a_failure_until_they_are_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.001)
    folders = Folders(str(tmp_path / "w"), str(tmp_path / "w" / "results"))
    disk = BrokenDisk(10**9, error=errno.EIO)
    prepare(folders, disk)
    others = set(threading.enumerate())
    lock_manager = Leases(folders, disk)
    for name in ("x.log", "a lease after none was held"):
        held = lock_manager.hold(name)
        assert held is not None
        wait_for_counts(held)
        disk.calls_left, disk.broke_at = 0, ""
        wait_until(lambda: disk.broke_at)
        wait_for_counts(held)
        held.release()
        wait_until(lambda: set(threading.enumerate()) <= others)  # threads of earlier tests may end, too


def test_what_a_dead_owner_had_begun_to_write_goes_with_its_lease(shared: Shared) -> None:
    claim = owned(shared.on_host("first").claim("x.log"))
    begun = Path(claim.job.folder, f"{LEASE}.0123abcd.new")
    begun.touch()
    second = shared.on_host("second")
    taken = owned(second.adopt("x.log", seen_version=shared.wait(second)["x.log"]))
    assert begun.name not in os.listdir(taken.job.folder)
    finish(shared, taken)
    check_done(shared)


def wait_for_counts(held: JobLock) -> None:
    def count() -> int:
        (path,) = Path(held.folder).glob("count-*")
        return int(path.name.removeprefix("count-"))

    before = count()
    wait_until(lambda: count() > before + 2)


def test_evidence_that_has_become_old_takes_nothing_over(shared: Shared) -> None:
    first, second = shared.on_host("first"), shared.on_host("second")
    owned(first.claim("x.log"))
    evidence = shared.wait(second)["x.log"]
    first.sharing.lock_manager.beat()  # type: ignore[attr-defined]
    assert second.adopt("x.log", seen_version=evidence) is None


def test_only_one_of_several_takes_a_file_over(shared: Shared) -> None:
    owned(shared.on_host("first").claim("x.log"))
    others = [shared.on_host(name) for name in ("second", "third", "fourth")]
    evidence = [shared.wait(other)["x.log"] for other in others]
    taken = [other.adopt("x.log", seen_version=seen) for other, seen in zip(others, evidence, strict=True)]
    assert [isinstance(one, Claim) for one in taken] == [True, False, False]


def test_a_dead_process_of_the_same_host_is_known_to_be_dead_at_once(tmp_path: Path) -> None:
    shared = Shared(tmp_path / "w", NODES)
    shared.put("unprocessed/x.log", "a\nb\n")
    owned(shared.on_host("first", is_dead=True).claim("x.log"))
    second = shared.on_host("first")
    assert list(second.orphans([])) == ["x.log"]
    assert finish(shared, owned(second.adopt("x.log"))).verdict is Verdict.COMMIT
    check_done(shared)


def test_what_is_not_surely_dead_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    me = Owner("here", "pid:[4026531836]", "boot", os.getpid(), Owner.current().began)
    gone = replace(me, began="long ago")
    assert not me.is_surely_dead(me)
    assert gone.is_surely_dead(me)
    assert replace(me, pid=NOBODY).is_surely_dead(me)
    others = [
        replace(gone, boot="another host of this name, or an earlier boot"),
        replace(gone, container="pid:[4026531999]"),
        replace(gone, host="elsewhere"),
        replace(gone, began=""),
    ]
    assert not any(other.is_surely_dead(me) for other in others)
    unknown = replace(gone, container="", boot="")
    assert not unknown.is_surely_dead(unknown), "a system that tells neither"
    monkeypatch.setattr("fproc.spool.locks.owner.read_text", lambda _path: "")
    assert not gone.is_surely_dead(me), "a process that hidepid of proc(5) hides"
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", refused)
        assert not gone.is_surely_dead(me), "a process of another user"
    assert replace(me, pid=NOBODY).is_surely_dead(me)


def refused(_pid: int, _number: int) -> None:
    raise PermissionError


def test_two_hosts_of_one_name_take_nothing_from_each_other(tmp_path: Path) -> None:
    shared = Shared(tmp_path / "w", NODES)
    shared.put("unprocessed/x.log", "a\nb\n")
    first, second = shared.on_host("clone", boot="one", is_dead=True), shared.on_host("clone", boot="other")
    claim = owned(first.claim("x.log"))
    for _ in range(5):
        assert second.orphans([], deep=True) == {}
        shared.seconds.now += LEASE_SECONDS - 1
        first.sharing.lock_manager.beat()  # type: ignore[attr-defined]
    assert second.adopt("x.log") is None
    assert finish(shared, claim).verdict is Verdict.COMMIT
    check_done(shared)


def test_a_file_that_waits_for_a_retry_may_be_tried_by_any_host(shared: Shared) -> None:
    claim = owned(shared.on_host("first").claim("x.log"))
    claim.retry(0.0)
    second = owned(shared.on_host("second").adopt("x.log"))
    assert second.attempts == 1
    finish(shared, second)
    check_done(shared)


def test_a_torn_lease_is_held_until_it_has_not_changed_for_long(shared: Shared) -> None:
    owned(shared.on_host("first", is_dead=True).claim("x.log"))
    lease = next((shared.folder / ".fproc" / "jobs" / "x.log").glob(f"g1-*/{LEASE}"))
    lease.write_text('{"own')
    second = shared.on_host("second")
    assert second.adopt("x.log") is None
    evidence = shared.wait(second)["x.log"]
    finish(shared, owned(second.adopt("x.log", seen_version=evidence)))
    check_done(shared)


def test_what_was_decided_before_there_were_leases_is_carried_out(shared: Shared) -> None:
    alone = Spool(shared.plan.config, disk=BrokenDisk(10**9))
    claim = owned(alone.claim("x.log"))
    claim.staging.write("x.log", "a")
    claim.staging.flush()
    claim.retry(0.0)
    assert os.listdir(shared.folder / ".fproc" / "jobs" / "x.log") == ["attempts.json"]
    second = owned(shared.on_host("second").adopt("x.log"))
    assert second.attempts == 1
    finish(shared, second)
    check_done(shared)


def test_leases_are_used_where_other_hosts_may_use_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Shared(tmp_path / "w", NODES)
    assert isinstance(Spool(shared.plan.config).sharing.lock_manager, Locks)
    with monkeypatch.context() as patch:
        patch.setattr("fproc.spool.layout.is_local", lambda _path: False)
        assert isinstance(Spool(shared.plan.config).sharing.lock_manager, Leases)
    assert isinstance(Spool(shared.plan.config).sharing.lock_manager, Leases), (
        "it holds for those who come later"
    )
