"""What tests of the dashboard's API share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rooms import Room


@pytest.fixture
def room(memory_path: Path) -> Iterator[Room]:
    room = Room(memory_path)
    yield room
    if room.history:
        room.history.close()
