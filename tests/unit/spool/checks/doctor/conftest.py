"""What tests of `--doctor` share."""

from __future__ import annotations

from pathlib import Path

import pytest

from fproc.spool.layout import Folders
from tests.support.spool.doctored import prepared


@pytest.fixture
def folders(memory_path: Path) -> Folders:
    """A spool that was just prepared."""
    return prepared(memory_path / "w", memory_path / "w" / "results")
