"""Owners that were paused before any call, and taken over: none comes back too late."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.job import decision
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp
from fproc.spool.job.job import RolledForward
from fproc.spool.spool import Spool
from tests.support.spool.crashes import look
from tests.support.spool.leases import Shared
from tests.support.spool.paused import (
    NODES,
    RESULTS,
    PausingDisk,
    check_done,
    finish,
    owned,
    paused_at,
    settle,
)

Strides = pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.sweep)])
"""The places at which an owner is paused: each third one, or all."""


@Strides
def test_an_owner_that_was_paused_anywhere_and_taken_over_changes_nothing(
    memory_path: Path, stride: int
) -> None:
    for calls in range(0, 1000, stride):
        shared = Shared(memory_path / str(calls), NODES)
        shared.put("unprocessed/x.log", "a\nb\n")
        second = shared.on_host("second")
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
        second = shared.on_host("second")
        held: list[Claim] = []

        def take_over() -> None:
            settle(shared, second)  # noqa: B023 - called at once
            shared.put("unprocessed/x.log", "c\n")  # noqa: B023
            claim = second.claim("x.log")  # noqa: B023
            if claim is not None:
                held.append(claim)  # noqa: B023

        if not paused_at(shared, calls, take_over):
            break
        assert all(finish(shared, claim).verdict is Verdict.COMMIT for claim in held), calls
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
        owned(shared.on_host("dead", is_dead=True).claim("x.log"))
        observers = [shared.on_host(name) for name in ("one", "other")]
        (evidence,) = {shared.wait(observer)["x.log"] for observer in observers}

        def adopt(spool: Spool, evidence: str = evidence) -> object:
            return spool.adopt("x.log", seen_version=evidence)

        def take_over() -> None:
            taken.append(adopt(observers[1]))  # noqa: B023 - called at once

        taken: list[object] = []
        if not paused_at(shared, calls, take_over, begin=adopt):
            break
        (claim,) = taken
        if isinstance(claim, Claim):
            assert finish(shared, claim).verdict is Verdict.COMMIT, calls
        settle(shared, observers[1])
        check_done(shared)
        assert os.listdir(shared.folder / ".fproc" / "new") == []
    assert calls > 40


def test_a_late_owner_can_write_nothing_into_the_folder_that_its_host_remembers(shared: Shared) -> None:
    late = owned(shared.on_host("first").claim("x.log"))
    remembered = os.open(late.job.folder, os.O_RDONLY | os.O_DIRECTORY)  # as an NFS client has it by its name
    try:
        second = shared.on_host("second")
        claim = owned(second.adopt("x.log", seen_version=shared.wait(second)["x.log"]))
        with pytest.raises(FileNotFoundError):
            os.open("commit.json", os.O_WRONLY | os.O_CREAT, dir_fd=remembered)
    finally:
        os.close(remembered)
    assert finish(shared, claim).verdict is Verdict.COMMIT
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
    late = owned(shared.on_host("first").claim("x.log"))
    late.staging.write("x.log", "of the late owner")
    late.staging.flush()
    late.seal()
    stamp = FileStamp.of(os.lstat(late.path))
    decision.write_record(
        late.job.disk, late.job.folder, late.commit_record(stamp, "", replace_results=False)
    )
    commit = Path(late.job.folder, "commit.json")
    record = commit.read_bytes()
    commit.unlink()
    second = shared.on_host("second", Slow(power=False))
    assert isinstance(second.adopt("x.log", seen_version=shared.wait(second)["x.log"]), RolledForward)
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
        second = shared.on_host("second")
        claims: list[Claim] = []

        def take_over() -> None:
            shared.wait(second)  # noqa: B023 - called at once
            claim = None
            for evidence in ("", *shared.wait(second).values()):  # noqa: B023
                claim = claim or second.adopt("x.log", seen_version=evidence) or second.claim("x.log")  # noqa: B023
            if isinstance(claim, Claim):
                claims.append(claim)  # noqa: B023
                shared.put("unprocessed/x.log", "c\n")  # noqa: B023

        if not paused_at(shared, calls, take_over):
            break
        assert all(finish(shared, claim).verdict is Verdict.COMMIT for claim in claims), calls
        settle(shared, second)
        archived = sorted(look(str(shared.folder))["processed"].values())
        assert archived == (["a\nb\n", "c\n"] if claims else ["a\nb\n"]), calls
    assert calls > 40
