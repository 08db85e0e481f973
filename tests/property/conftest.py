"""What several properties need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def a_piece_for_each_record() -> Iterator[None]:
    """Have a run stop between any two records, where it may make a checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fproc.run.pieces.PIECE_SECONDS", -1.0)
        patch.setattr("fproc.pipeline.plan.QUICK_LINES", 1)
        yield
