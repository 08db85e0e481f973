"""What tests of the pool share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fproc.watch.workers import slot
from tests.support.programs.pools import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(slot, "DEATH_SECONDS", 30)  # a busy host may take a second to let a process end
    with closing(Place(tmp_path)) as opened:
        yield opened
