"""Markers of any name: which one makes an input ready, and which input takes it along."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fproc.config.model import Intake
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.requeue import put_back_all
from fproc.spool.intake.scanner import Scanner
from fproc.spool.intake.uploads import UploadArea
from fproc.spool.job.claim import Claim
from fproc.spool.job.job import MARKER
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import BrokenDisk, Crash
from tests.support.spool.dropping import seen_by

NODES = [{"tag": "start", "type": "uppercase", "next": "end"}]


class Place:
    """A watched folder whose inputs are ready by a marker of their stem."""

    def __init__(self, folder: Path, marker: str = "{stem}.ok") -> None:
        self.waiting = folder / "unprocessed"
        self.intake: dict[str, Any] = {"ready": "marker", "marker": marker}
        plan = plan_of(NODES, watch_dir=str(folder), intake=self.intake, durability="process")
        self.config = plan.config
        self.spool = Spool(plan.config)

    def put(self, *names: str) -> None:
        for name in names:
            (self.waiting / name).write_text(f"{name}\n")

    def ready(self) -> list[str]:
        return sorted(seen_by(self.spool.look).ready)

    def claim(self, name: str) -> Claim:
        claim = self.spool.claim(name)
        assert claim is not None
        return claim

    def left(self) -> list[str]:
        return sorted(os.listdir(self.waiting))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_input_waits_for_the_marker_of_its_stem_which_goes_with_it(place: Place) -> None:
    place.put("a.csv", "b.csv", "b.ok")
    scan = seen_by(place.spool.look)
    assert (scan.ready, scan.waiting) == (["b.csv"], {"a.csv": "waiting for a.ok"})
    place.claim("b.csv")
    assert place.left() == ["a.csv"]


@pytest.mark.parametrize("marker", [".ok", "{name}.ok"])
def test_a_marker_whose_ending_is_in_capitals_counts_and_goes_with_its_input(
    tmp_path: Path, marker: str
) -> None:
    place = Place(tmp_path, marker)
    place.put("b.csv", "b.csv.OK")
    assert place.ready() == ["b.csv"]
    place.claim("b.csv")
    assert place.left() == []


def test_inputs_of_one_stem_are_ready_together_and_the_last_takes_the_marker(place: Place) -> None:
    place.put("a.csv", "a.txt", "a.ok")
    assert place.ready() == ["a.csv", "a.txt"]
    place.claim("a.csv")
    assert place.ready() == ["a.txt"]
    place.claim("a.txt")
    assert place.left() == []


def test_a_crash_before_the_marker_is_removed_leaves_it_to_the_adoption(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("a.csv", "a.txt", "a.ok")
    with monkeypatch.context() as patch:
        patch.setattr(place.spool._markers, "consume", lambda _job: None)
        place.claim("a.csv").release()
        place.claim("a.txt").release()
    assert place.left() == ["a.ok"]
    assert isinstance(place.spool.adopt("a.csv"), Claim)
    assert place.left() == []


@pytest.mark.parametrize("note", ["", "[]", '{"inode": 1}', '{"name": 7}'])
def test_a_marker_stays_if_the_note_about_it_is_unreadable(
    place: Place, note: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place.put("a.csv", "a.ok")
    with monkeypatch.context() as patch:
        patch.setattr(place.spool._markers, "consume", lambda _job: None)
        claim = place.claim("a.csv")
    Path(claim.job.path(MARKER)).write_text(note)
    claim.release()
    assert isinstance(place.spool.adopt("a.csv"), Claim)
    assert place.left() == ["a.ok"]
    assert caplog.messages == ["a.csv: the note about its marker is unreadable; the marker stays"]


def test_a_later_marker_is_not_taken_for_the_one_that_was_noted(place: Place) -> None:
    place.put("a.csv", "a.OK")
    claim = place.claim("a.csv")
    assert place.left() == []
    place.put("a.OK", "a.ok")
    claim.release()
    assert isinstance(place.spool.adopt("a.csv"), Claim)
    assert place.left() == ["a.OK", "a.ok"]


def test_a_note_of_an_earlier_version_has_no_name_in_it(place: Place) -> None:
    place.put("a.csv", "a.ok")
    claim = place.claim("a.csv")
    with open(claim.job.path("marker.json"), encoding="ascii") as file:
        assert json.load(file).keys() == {"inode", "size_bytes", "mtime_ns"}


def test_a_link_or_a_folder_is_no_marker(place: Place) -> None:
    place.put("a.csv", "b.csv")
    (place.waiting / "a.ok").symlink_to("a.csv")
    (place.waiting / "b.OK").mkdir()
    assert place.ready() == []
    assert place.spool.claim("a.csv") is None
    assert place.spool.claim("b.csv") is None
    scanner = Scanner(str(place.waiting), Intake(**place.intake), monotonic=lambda: 0.0, clock=lambda: 0.0)
    assert scanner.why_waiting("a.csv") == "waiting for a.ok"


def upload(place: Place, *names: str, disk: Disk | None = None) -> list[str]:
    with UploadArea(place.config, disk).begin() as arrival:
        for name in names:
            arrival.create(name).write(f"{name}\n".encode())
        return [file.name for file in arrival.publish()]


def test_uploads_of_one_stem_come_with_one_marker(place: Place) -> None:
    assert upload(place, "a.csv", "a.txt", "b.csv") == ["a.csv", "a.txt", "b.csv"]
    assert place.left() == ["a.csv", "a.ok", "a.txt", "b.csv", "b.ok"]
    assert place.ready() == ["a.csv", "a.txt", "b.csv"]


def test_an_upload_makes_no_other_file_ready(place: Place) -> None:
    place.put("a.txt")
    assert upload(place, "a.csv") == ["a~2.csv"]
    assert place.ready() == ["a~2.csv"]


def test_a_crash_at_any_call_of_an_upload_leaves_no_marker_behind(tmp_path: Path) -> None:
    calls = 0
    while True:
        place = Place(tmp_path / str(calls))
        disk = BrokenDisk(calls)
        with suppress(Crash):
            upload(place, "a.csv", "a.txt", disk=disk)
        disk.die()
        UploadArea(place.config).sweep()
        ready = place.ready()
        for name in ready:
            place.claim(name).release()
        assert place.left() == [], disk.broke_at
        if not disk.broke_at:
            assert ready == ["a.csv", "a.txt"]
            return
        calls += 1


def test_a_failed_input_is_not_put_back_beside_another_of_its_stem(place: Place) -> None:
    failed = place.waiting.parent / "failed"
    (failed / "a.csv").write_text("a\n")
    place.put("a.txt")
    moved, refused = put_back_all(place.config, Disk(power=False), ["a.csv"])
    assert (moved, str(refused["a.csv"])) == (
        [],
        "a file in unprocessed/ has its marker, a.ok, too; wait until it is done",
    )
    (place.waiting / "a.txt").unlink()
    assert put_back_all(place.config, Disk(power=False), ["a.csv"]) == (["a.csv"], {})
    assert place.ready() == ["a.csv"]
