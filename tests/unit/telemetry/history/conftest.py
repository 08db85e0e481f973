"""A history of its own for each test, and what it warns of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fproc.config.retention import Retention
from fproc.telemetry.history.history import History
from tests.support.histories import NOW, Opener, move_aside


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "history.db")


@pytest.fixture
def opened(path: str) -> Iterator[Opener]:
    """Opens the database at `path`; what the test leaves open is closed after it."""
    histories = []

    def opener(
        *,
        days: float | None = None,
        retention: Retention | None = None,
        set_aside: Callable[[str], str] = move_aside,
    ) -> History:
        histories.append(
            History(
                path,
                retention=retention or Retention(history_days=days),
                set_aside=set_aside,
                clock=lambda: NOW,
            )
        )
        return histories[-1]

    yield opener
    for history in histories:
        history.close()


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Gives the warnings so far."""
    caplog.set_level(logging.DEBUG, logger="fproc.history")
    return lambda: [record.getMessage() for record in caplog.records]
