"""Locks and leases are never used beside each other: who began with locks makes way, and the others wait."""

from __future__ import annotations

import copy
import itertools
import os
from pathlib import Path

import pytest

from fproc.base.values import asdict
from fproc.config.model import Config
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.uploads import UploadArea
from fproc.spool.layout import Folders, prepare
from fproc.spool.locks.leases import LEASE_SECONDS, Leases
from fproc.spool.locks.lockers import Lockers
from fproc.spool.locks.locks import Locks
from fproc.spool.locks.owner import Owner
from fproc.spool.locks.sharing import Sharing
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import BrokenDisk, Crash
from tests.support.spool.inline import watcher
from tests.support.spool.leases import Seconds

NODES = [{"tag": "start", "type": "trim", "next": "end"}]


class Place:
    """A folder that one host has on its own disk, and another one mounts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.seconds = Seconds()
        self.ended: list[str] = []
        self._monkeypatch = monkeypatch
        prepare(self.folders(), Disk(power=False))

    def folders(self) -> Folders:
        return Folders(str(self.folder), str(self.folder / "results"))

    def instance(self, host: str, *, is_remote: bool = False) -> Sharing:
        """One that begins now on a host, which has the folder on its own disk unless it is remote."""
        owner = Owner(host, "a namespace", f"a boot of {host}", os.getpid(), Owner.current().began)
        with self._monkeypatch.context() as patch:
            patch.setattr(Owner, "current", lambda: owner)
            patch.setattr(Leases, "_beat_on", lambda _self: None)
            patch.setattr("fproc.spool.layout.is_local", lambda _path: not is_remote)
            return Sharing(self.folders(), Disk(power=False), monotonic=self.seconds)

    def agree(self, instance: Sharing) -> None:
        with self._monkeypatch.context() as patch:
            patch.setattr(Leases, "_beat_on", lambda _self: None)
            instance.agree(lambda: self.ended.append("workers"))

    def lockers(self) -> list[str]:
        return os.listdir(self.folders().lockers)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path / "w", monkeypatch)


def test_an_instance_with_locks_ends_its_workers_and_goes_on_with_leases(place: Place) -> None:
    local = place.instance("server")
    place.agree(local)
    assert isinstance(local.lock_manager, Locks)
    remote = place.instance("client", is_remote=True)
    with pytest.raises(OSError, match=r"server pid .* has to make way"):
        place.agree(remote)
    assert place.ended == []
    place.agree(local)
    assert place.ended == ["workers"]
    assert (isinstance(local.lock_manager, Leases), local.is_local, place.lockers()) == (True, False, [])
    place.agree(local)
    place.agree(remote)
    assert place.ended == ["workers"]


def test_one_that_begins_with_locks_at_the_same_moment_makes_way_before_it_holds_anything(
    place: Place,
) -> None:
    local = place.instance("server")
    remote = place.instance("client", is_remote=True)
    place.agree(local)
    assert (local.is_local, place.lockers()) == (False, [])
    place.agree(remote)


def test_one_with_locks_that_was_killed_is_waited_for_no_longer_than_a_lease(place: Place) -> None:
    place.agree(place.instance("server"))
    remote = place.instance("client", is_remote=True)
    for _ in range(2):
        with pytest.raises(OSError, match="server pid"):
            place.agree(remote)
        place.seconds.now += LEASE_SECONDS / 2
    place.agree(remote)
    assert place.lockers() == []


def killed(place: Place, calls: int, *, leaves: bool) -> bool:
    """Kill an instance with locks before a call of its beginning or end; whether it came so far."""
    dead = Owner(**{**asdict(Owner.current()), "began": "an earlier process had this id"})
    disk = BrokenDisk(calls)
    lockers = Lockers(place.folders(), owner=dead, monotonic=place.seconds)
    lockers._disk = lockers._leases._disk = disk
    try:
        lockers.sweep()
        lockers.join()
        if leaves:
            lockers.leave()
    except Crash:
        disk.die()
        return True
    return False


@pytest.mark.sweep
@pytest.mark.parametrize("leaves", [True, False])
def test_whenever_instances_with_locks_are_killed_the_next_start_leaves_nothing_of_them(
    place: Place, monkeypatch: pytest.MonkeyPatch, *, leaves: bool
) -> None:
    monkeypatch.setattr(Leases, "_beat_on", lambda _self: None)
    folders, points = place.folders(), 0
    for folder in (folders.lockers, folders.new):
        os.mkdir(folder)
    for first in itertools.count():
        has_come = killed(place, first, leaves=leaves)
        for second in itertools.count():
            came = killed(place, second, leaves=True)
            after = Lockers(folders, monotonic=place.seconds)
            after.sweep()
            assert place.lockers() == [], (first, second)
            place.seconds.now += LEASE_SECONDS
            after.sweep()
            assert os.listdir(folders.new) == [], "what does not say whose it is may have an owner"
            points += 1
            if not came:
                break
            killed(place, first, leaves=leaves)
        if not has_come:
            break
    assert points > 100


def test_what_instances_with_locks_that_were_killed_have_left_is_removed_by_the_next_one(
    place: Place,
) -> None:
    place.agree(place.instance("server"))
    local = place.instance("server")
    place.agree(local)
    assert len(place.lockers()) == 2
    for _ in range(3):
        local.sweep()
        local._lockers._leases.beat()
        place.seconds.now += LEASE_SECONDS / 2
    assert len(place.lockers()) == 1
    place.agree(local)
    assert len(place.lockers()) == 1


def test_one_with_locks_alone_leaves_nothing_behind(place: Place) -> None:
    local = place.instance("server")
    with local.attended(list):
        place.agree(local)
        place.agree(local)
        assert len(place.lockers()) == 1
    assert place.lockers() == []


def config(folder: Path) -> Config:
    return plan_of(NODES, watch_dir=str(folder), intake={"ready": "rename"}).config


def test_the_loop_takes_nothing_while_another_instance_uses_locks_and_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = place.instance("server")
    place.agree(local)
    (place.folder / ".fproc/shared").touch()
    monkeypatch.setattr(Leases, "_beat_on", lambda _self: None)
    plan = plan_of(NODES, watch_dir=str(place.folder), intake={"ready": "rename"})
    spool = Spool(plan.config)
    watch = watcher(spool, plan)
    (place.folder / "unprocessed/x.log").write_text("a\n")
    watch.turn()
    assert "has to make way" in watch.health().paused
    assert os.listdir(place.folder / "unprocessed") == ["x.log"]


def test_uploads_are_held_by_leases_once_other_hosts_use_the_folder(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Leases, "_beat_on", lambda _self: None)
    arrivals = UploadArea(config(place.folder))
    with arrivals.begin() as upload:
        assert not upload._hold.is_lease
    (place.folder / ".fproc/shared").touch()
    with copy.copy(arrivals).begin() as upload:
        assert upload._hold.is_lease
