"""What sweeps share: the ways of renaming, and the end of a process's threads."""

from __future__ import annotations

import os

import pytest

from fproc.spool import disk as disk_module
from fproc.spool import folders
from fproc.spool.leases import Leases
from fproc.spool.owner import Owner

OTHER_WAYS = ("link and unlink", "leases", "leases on NFS")


@pytest.fixture(autouse=True)
def dead_owners_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is ended within this process leaves no thread that counts on, as no dead process does."""
    monkeypatch.setattr(Leases, "_beat_on", lambda _self: None)


@pytest.fixture(params=["renameat2", *(pytest.param(way, marks=pytest.mark.sweep) for way in OTHER_WAYS)])
def way_of_moving(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways of renaming without replacing; and leases of owners that are known to be dead."""
    if request.param in {"link and unlink", "leases on NFS"}:
        monkeypatch.setattr(disk_module, "renameat2", lambda: None)
    if request.param == "leases on NFS":
        monkeypatch.setattr(disk_module, "is_local", lambda _path: False)
    if request.param.startswith("leases"):
        dead = Owner("here", "a namespace", "boot", os.getpid(), "an earlier process had this id")
        monkeypatch.setattr(Owner, "current", lambda: dead)
        monkeypatch.setattr(folders, "is_local", lambda _path: False)
