"""What tests of the dashboard's API share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fproc.web.lists import folder_cache
from tests.support.rooms import Room


@pytest.fixture
def room(memory_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """A room that waits for scans of folders, however long a busy host keeps their threads waiting."""
    for name in ("PATIENCE_SECONDS", "FIRST_SECONDS", "WAIT_SECONDS"):
        monkeypatch.setattr(folder_cache, name, 60)
    room = Room(memory_path)
    yield room
    if room.history:
        room.history.close()
