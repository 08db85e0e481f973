"""What tests of uploads share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.spool.upload_places import Place
from tests.support.spool.worlds import World


@pytest.fixture
def place(memory_path: Path) -> Place:
    return Place(memory_path / "w")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "w")
