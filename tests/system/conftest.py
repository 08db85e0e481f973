"""What tests of the whole share: the end of a process's threads."""

from __future__ import annotations

import pytest

from fproc.spool.locks.leases import Leases


@pytest.fixture(autouse=True)
def dead_owners_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is ended within this process leaves no thread that counts on, as no dead process does."""
    monkeypatch.setattr(Leases, "_beat_on", lambda _self: None)
