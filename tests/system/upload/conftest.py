"""A running fproc for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.programs.running import Watching, configure
from tests.support.programs.upload_clients import MEGABYTE, MOST_BYTES, PATIENT, Place


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    around = tmp_path_factory.mktemp("around")
    folder = around / "above/folder"
    folder.mkdir(parents=True)
    configure(folder, intake=PATIENT, limits={"max_upload_mb": MOST_BYTES / MEGABYTE})
    with Watching(folder, dashboard=True) as running:
        place = Place(running, around)
        assert place.put("first", b"").status == 201  # so all folders are there
        clock = running.spool / ".fproc/clock.json"  # made by a thread of its own, once after the start
        running.wait_until(clock.exists)
        place.clear()
        yield place


@pytest.fixture
def place(patient: Place) -> Iterator[Place]:
    """The same instance for all tests; after each, nothing is left but what has arrived, and it is well."""
    before = patient.others()
    try:
        yield patient
        patient.running.wait_until(lambda: not patient.unfinished())
        assert patient.others() == before
        assert patient.running.get("/health")[0] == 200
        assert "Traceback" not in patient.running.log
    finally:
        patient.clear()
