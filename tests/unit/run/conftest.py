"""What tests of runs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from fproc.run import run as running
from fproc.run.chunked import chunks, helper
from tests.support.chunked import Files


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Files that are shared, small as they are, in small chunks."""
    monkeypatch.setattr(running, "LEAST_BYTES", 0)
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 40)
    monkeypatch.setattr(helper, "PLACED_BYTES", 0)
    return Files(tmp_path)
