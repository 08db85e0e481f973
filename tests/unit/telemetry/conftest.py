"""What tests of traces share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.clocks import Clock
from tests.support.traced import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Clock())
