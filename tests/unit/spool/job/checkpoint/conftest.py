"""What tests of checkpoints share."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fproc.run.reading.framing import read_records
from fproc.spool.job.checkpoint import Position
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp
from tests.support.spool.checkpoints import SEEN, Site


@pytest.fixture
def site(memory_path: Path) -> Site:
    return Site(memory_path / "w")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    SEEN.clear()
    monkeypatch.setattr("fproc.run.pieces.PIECE_SECONDS", -1.0)  # a piece for each line
    monkeypatch.setattr("fproc.pipeline.plan.QUICK_LINES", 1)


@pytest.fixture
def saves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets at which checkpoints are made."""
    made: list[int] = []
    save = Claim.save

    def counted(self: Claim, stamp: FileStamp, fingerprint: str, place: Position) -> None:
        save(self, stamp, fingerprint, place)
        made.append(place.offset_bytes)

    monkeypatch.setattr(Claim, "save", counted)
    return made


@pytest.fixture
def small_steps(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of more than 20 bytes are passed over in steps of 10."""
    site.config["limits"] = {"max_line_bytes": 20}
    monkeypatch.setattr("fproc.pipeline.records.PASS_BYTES", 1)
    monkeypatch.setattr("fproc.run.run.read_records", partial(read_records, block_bytes=10))
