"""What tests of the loop share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.spool.turns import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


@pytest.fixture
def told(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the recorder is told for alerts."""
    told: list[str] = []
    for what in ("paused", "resumed", "arrived"):
        monkeypatch.setattr(place.watcher._recorder, what, lambda *_, what=what: told.append(what))
    return told
