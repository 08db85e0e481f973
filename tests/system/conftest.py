"""What sweeps share: ways of renaming, and the names that a model of power loss does not count."""

from __future__ import annotations

import os

import pytest

from fproc.spool import disk as disk_module
from fproc.spool import folders, paths
from fproc.spool.leases import Leases
from fproc.spool.owner import Owner
from tests.power import has_other_names

OTHER_WAYS = ("link and unlink", "leases", "leases on NFS")


@pytest.fixture
def names_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not count the name by which a `PowerDisk` keeps a file."""
    monkeypatch.setattr(paths, "has_other_names", has_other_names)


@pytest.fixture(params=["renameat2", *(pytest.param(way, marks=pytest.mark.sweep) for way in OTHER_WAYS)])
def way_of_moving(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways of renaming without replacing; and leases of owners that are known to be dead."""
    if request.param in {"link and unlink", "leases on NFS"}:
        monkeypatch.setattr(disk_module, "_renameat2", lambda: None)
    if request.param == "leases on NFS":
        monkeypatch.setattr(disk_module, "is_local", lambda _path: False)
    if request.param.startswith("leases"):
        dead = Owner("here", "a namespace", "boot", os.getpid(), "an earlier process had this id")
        monkeypatch.setattr(Owner, "current", lambda: dead)
        monkeypatch.setattr(folders, "is_local", lambda _path: False)
        monkeypatch.setattr(Leases, "_beat_on", lambda _self: None)  # the thread of a process that has died
