"""What tests of leases share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.spool.leases import Shared
from tests.support.spool.paused import NODES


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    place = Shared(tmp_path / "w", NODES)
    place.put("unprocessed/x.log", "a\nb\n")
    return place
