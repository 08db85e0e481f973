"""Leases: one owner at a time among machines that share a folder, and none that comes back too late."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fproc.base.values import replace
from fproc.run import attempt
from fproc.run.attempt import Outcome
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job import commit as decisions
from fproc.spool.job.claim import Claim
from fproc.spool.job.commit import FileStamp
from fproc.spool.job.job import RolledForward
from fproc.spool.layout import Folders, prepare
from fproc.spool.locks import leases
from fproc.spool.locks.lease_folders import LEASE
from fproc.spool.locks.leases import LEASE_SECONDS, Leases
from fproc.spool.locks.locks import JobLock, Locks
from fproc.spool.locks.owner import Owner
from fproc.spool.spool import Spool
from tests.support.helpers import user
from tests.support.programs.running import wait_until
from tests.support.spool.crashes import CALLS, BrokenDisk, look
from tests.support.spool.leases import Shared

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


NOBODY = 2**22 + 1
"""An id that no process of Linux has."""


def owned(taken: object) -> Claim:
    assert isinstance(taken, Claim)
    return taken


def finish(shared: Shared, claim: Claim) -> Outcome:
    return attempt.process_claim(claim, shared.plan)


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
        first.sharing.holder.beat()  # type: ignore[attr-defined]
    assert finish(shared, claim).fate is Verdict.COMMIT
    check_done(shared)
    assert os.listdir(shared.folder / ".fproc" / "new") == []


def test_an_owner_that_counts_no_more_is_taken_for_dead_and_its_file_starts_over(shared: Shared) -> None:
    owned(shared.machine("first").claim("x.log"))
    second = shared.machine("second")
    found = shared.wait(second)
    assert list(found) == ["x.log"]
    assert finish(shared, owned(second.adopt("x.log", evidence=found["x.log"]))).fate is Verdict.COMMIT
    check_done(shared)


def test_leases_count_by_themselves_through_a_failure_until_they_are_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.001)
    folders = Folders(str(tmp_path / "w"), str(tmp_path / "w" / "results"))
    disk = BrokenDisk(10**9, error=errno.EIO)
    prepare(folders, disk)
    others = set(threading.enumerate())
    holder = Leases(folders, disk)
    for name in ("x.log", "a lease after none was held"):
        held = holder.hold(name)
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


def wait_for_counts(held: JobLock) -> None:
    def count() -> int:
        (path,) = Path(held.folder).glob("count-*")
        return int(path.name.removeprefix("count-"))

    before = count()
    wait_until(lambda: count() > before + 2)


def test_evidence_that_has_become_old_takes_nothing_over(shared: Shared) -> None:
    first, second = shared.machine("first"), shared.machine("second")
    owned(first.claim("x.log"))
    evidence = shared.wait(second)["x.log"]
    first.sharing.holder.beat()  # type: ignore[attr-defined]
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
    assert finish(shared, owned(second.adopt("x.log"))).fate is Verdict.COMMIT
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
    first, second = shared.machine("clone", boot="one", is_dead=True), shared.machine("clone", boot="other")
    claim = owned(first.claim("x.log"))
    for _ in range(5):
        assert second.orphans([], deep=True) == {}
        shared.seconds.now += LEASE_SECONDS - 1
        first.sharing.holder.beat()  # type: ignore[attr-defined]
    assert second.adopt("x.log") is None
    assert finish(shared, claim).fate is Verdict.COMMIT
    check_done(shared)


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
    assert isinstance(Spool(shared.plan.config).sharing.holder, Locks)
    with monkeypatch.context() as patch:
        patch.setattr("fproc.spool.layout.is_local", lambda _path: False)
        assert isinstance(Spool(shared.plan.config).sharing.holder, Leases)
    assert isinstance(Spool(shared.plan.config).sharing.holder, Leases), "it holds for those who come later"


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


def claimed(spool: Spool) -> object:
    return spool.claim("x.log")


def paused_at(
    shared: Shared, calls: int, take_over: Any, *, begin: Callable[[Spool], object] = claimed
) -> bool:
    """One machine works and is paused before a call; `take_over` happens; then it goes on. Whether it was."""
    disk = PausingDisk(calls)
    spool = shared.machine("first", disk)
    disk.calls_left = calls
    outcomes: list[Outcome] = []

    def work() -> None:
        claim = begin(spool)
        if isinstance(claim, Claim):
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
    assert all(outcome.fate in {Verdict.COMMIT, Verdict.LOST, Verdict.WAIT} for outcome in outcomes), outcomes
    return was_paused


def settle(shared: Shared, spool: Spool) -> None:
    """A machine does whatever there is to do."""
    for _ in range(3):
        for name, evidence in shared.wait(spool).items():
            taken = spool.adopt(name, evidence=evidence)
            if isinstance(taken, Claim):
                finish(shared, taken)
            else:
                assert taken is None or isinstance(taken, RolledForward)
        for name in spool.scan().ready:
            claim = spool.claim(name)
            if claim is not None:
                finish(shared, claim)


Strides = pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.sweep)])
"""The places at which an owner is paused: each third one, or all."""


@Strides
def test_an_owner_that_was_paused_anywhere_and_taken_over_changes_nothing(
    memory_path: Path, stride: int
) -> None:
    for calls in range(0, 1000, stride):
        shared = Shared(memory_path / str(calls), NODES)
        shared.put("unprocessed/x.log", "a\nb\n")
        second = shared.machine("second")
        if not paused_at(shared, calls, lambda: settle(shared, second)):  # noqa: B023 - called at once
            break
        settle(shared, second)
        check_done(shared)
        assert os.listdir(shared.folder / ".fproc" / "new") == []
    assert calls > 30


@Strides
def test_a_paused_owner_does_not_touch_the_next_file_of_the_name(memory_path: Path, stride: int) -> None:
    for calls in range(0, 1000, stride):
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
        assert all(finish(shared, claim).fate is Verdict.COMMIT for claim in held), calls
        settle(shared, second)
        seen = look(str(shared.folder))
        assert sorted(seen["processed"].values()) == ["a\nb\n", "c\n"], calls
        assert seen["results"] == {**RESULTS, "x~2.log": "c\n", "x~2.count": "1\n"}, calls
        assert seen["litter"] == [], calls
    assert calls > 30


@Strides
def test_of_two_that_take_a_file_over_at_once_only_one_gets_it(memory_path: Path, stride: int) -> None:
    for calls in range(0, 1000, stride):
        shared = Shared(memory_path / str(calls), NODES)
        shared.put("unprocessed/x.log", "a\nb\n")
        owned(shared.machine("dead", is_dead=True).claim("x.log"))
        observers = [shared.machine(name) for name in ("one", "other")]
        (evidence,) = {shared.wait(observer)["x.log"] for observer in observers}

        def adopt(spool: Spool, evidence: str = evidence) -> object:
            return spool.adopt("x.log", evidence=evidence)

        def take_over() -> None:
            taken.append(adopt(observers[1]))  # noqa: B023 - called at once

        taken: list[object] = []
        if not paused_at(shared, calls, take_over, begin=adopt):
            break
        (claim,) = taken
        if isinstance(claim, Claim):
            assert finish(shared, claim).fate is Verdict.COMMIT, calls
        settle(shared, observers[1])
        check_done(shared)
        assert os.listdir(shared.folder / ".fproc" / "new") == []
    assert calls > 40


def test_a_late_owner_can_write_nothing_into_the_folder_that_its_host_remembers(shared: Shared) -> None:
    late = owned(shared.machine("first").claim("x.log"))
    remembered = os.open(late.job.folder, os.O_RDONLY | os.O_DIRECTORY)  # as an NFS client has it by its name
    try:
        second = shared.machine("second")
        claim = owned(second.adopt("x.log", evidence=shared.wait(second)["x.log"]))
        with pytest.raises(FileNotFoundError):
            os.open("commit.json", os.O_WRONLY | os.O_CREAT, dir_fd=remembered)
    finally:
        os.close(remembered)
    assert finish(shared, claim).fate is Verdict.COMMIT
    check_done(shared)


def test_what_a_late_owner_had_decided_before_its_folder_was_gone_is_carried_out(shared: Shared) -> None:
    class Slow(Disk):
        """A disk on which the late owner decides while its folder is being emptied."""

        def remove_folder(self, path: str) -> None:
            if not decided and os.path.basename(os.path.dirname(path)) == "x.log":
                decided.append(path)
                Path(path, "commit.json").write_bytes(record)
            super().remove_folder(path)

    decided: list[str] = []
    late = owned(shared.machine("first").claim("x.log"))
    late.staging.write("x.log", "of the late owner")
    late.staging.flush()
    late.seal()
    stamp = FileStamp.of(os.lstat(late.path))
    decisions.write_record(late.job.disk, late.job.folder, late.decision(stamp, "", replace_results=False))
    commit = Path(late.job.folder, "commit.json")
    record = commit.read_bytes()
    commit.unlink()
    second = shared.machine("second", Slow(power=False))
    assert isinstance(second.adopt("x.log", evidence=shared.wait(second)["x.log"]), RolledForward)
    assert look(str(shared.folder))["results"] == {"x.log": "of the late owner\n"}
    assert decided


class Replacing(PausingDisk):
    """A disk whose renames replace, as they do over NFS, and which pauses between a look and a rename."""

    def rename_noreplace(self, source: str, target: str) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), source)


@Strides
def test_a_paused_owner_does_not_bring_a_second_file_of_the_name_over_the_first(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    monkeypatch.setattr("fproc.spool.disk.disk.is_local", lambda _path: False)
    monkeypatch.setitem(globals(), "PausingDisk", Replacing)
    for calls in range(0, 1000, stride):
        shared = Shared(memory_path / str(calls), NODES)
        shared.put("unprocessed/x.log", "a\nb\n")
        second = shared.machine("second")
        claims: list[Claim] = []

        def take_over() -> None:
            shared.wait(second)  # noqa: B023 - called at once
            claim = None
            for evidence in ("", *shared.wait(second).values()):  # noqa: B023
                claim = claim or second.adopt("x.log", evidence=evidence) or second.claim("x.log")  # noqa: B023
            if isinstance(claim, Claim):
                claims.append(claim)  # noqa: B023
                shared.put("unprocessed/x.log", "c\n")  # noqa: B023

        if not paused_at(shared, calls, take_over):
            break
        assert all(finish(shared, claim).fate is Verdict.COMMIT for claim in claims), calls
        settle(shared, second)
        archived = sorted(look(str(shared.folder))["processed"].values())
        assert archived == (["a\nb\n", "c\n"] if claims else ["a\nb\n"]), calls
    assert calls > 40
