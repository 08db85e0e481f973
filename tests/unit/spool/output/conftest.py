"""A shelf of each kind of entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.spool.appending import Shelf


@pytest.fixture(params=["part", "text"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shelf(memory_path: Path, kind: str) -> Shelf:
    return Shelf(memory_path / "w", kind)
