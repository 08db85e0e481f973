"""How long files have to look the same of which nobody can tell who writes to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest

from fproc.spool.intake import scanner as intake_module
from fproc.spool.intake.scanner import Scanner
from fproc.spool.readiness.closings import Closings
from fproc.spool.readiness.evidence import Evidence, Reach
from fproc.spool.readiness.looks import READY
from tests.support.spool.dropping import LONG_AGO, Place

OF_ANOTHER_USER = Reach("they are another user's", 0, of_all=False)


class Vouching:
    """The kernel, as far as it tells of closed files."""

    def __init__(self, closed: set[str]) -> None:
        self.was_closed = closed.__contains__

    def listen(self, *, is_wanted: bool) -> None:
        pass

    def hear(self) -> None:
        pass


class OtherOwner(Place):
    """A folder of whose files nobody can tell who writes to them, as if they were all another user's."""

    closed: set[str]

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **intake: Any) -> None:
        super().__init__(folder, **intake)
        self.closed = set()
        self.scanner = Scanner(
            str(folder),
            self.intake,
            monotonic=lambda: self.monotonic,
            clock=lambda: self.clock,
            closings=cast("Closings", Vouching(self.closed)),
        )
        monkeypatch.setattr(
            intake_module, "reach_of", lambda _folder: Reach("they are another user's", 0, False)
        )
        monkeypatch.setattr(intake_module, "evidence_at", lambda _path: Evidence.UNKNOWN)

    def waited(self, seconds: float = 0.0) -> str:
        return self.scan_after(seconds).waiting.get("x", "").rpartition(": ")[2]


def test_where_nobody_can_tell_an_old_file_waits_from_when_it_was_first_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = OtherOwner(tmp_path, monkeypatch, settle_unknown_seconds=10)
    place.put("x", mtime=LONG_AGO)
    scan = place.scan_after()
    assert (scan.ready, scan.settling, scan.unknown) == ([], ["x"], {"x"})
    assert scan.waiting == {
        "x": "nobody can tell whether it is still being written (they are another user's): "
        "0.0 of 10 s unchanged since it was first seen"
    }
    assert place.waited(9.5) == "9.5 of 10 s unchanged since it was first seen"
    assert not place.scanner.is_free("x")
    assert place.scan_after(0.5).ready == ["x"]
    assert place.scanner.is_free("x")


@pytest.mark.parametrize("change", ["size", "time", "another file", "a write that sets the time back"])
def test_where_nobody_can_tell_any_change_starts_the_wait_anew(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = OtherOwner(tmp_path, monkeypatch, settle_unknown_seconds=10)
    place.put("x", mtime=LONG_AGO)
    place.scan_after()
    place.scan_after(9)
    if change == "another file":
        place.put("y.tmp", mtime=LONG_AGO)
        os.replace(tmp_path / "y.tmp", tmp_path / "x")
    else:
        with (tmp_path / "x").open("r+", encoding="utf-8") as file:
            file.write("b\nc\n" if change == "size" else "b\n")
        place.touch("x", place.clock if change == "time" else LONG_AGO)
    assert place.waited().startswith("0.0 of 10 s")
    assert place.waited(9.9).startswith("9.9 of 10 s")
    assert place.scan_after(0.2).ready == ["x"]


def test_a_change_between_a_look_and_the_claim_starts_the_wait_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = OtherOwner(tmp_path, monkeypatch, settle_unknown_seconds=10)
    place.put("x", mtime=LONG_AGO)
    place.scan_after()
    assert place.scan_after(10).ready == ["x"]
    place.put("x", "more\n", mtime=LONG_AGO)
    assert not place.scanner.is_free("x")
    assert place.scan_after(9).ready == []
    assert place.scan_after(1).ready == ["x"]


def test_a_file_that_the_kernel_saw_closed_settles_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = OtherOwner(tmp_path, monkeypatch, settle_seconds=1, settle_unknown_seconds=10)
    place.put("x")
    place.scan_after()
    assert place.scan_after(2).ready == []
    place.closed.add("x")
    assert place.scan_after().ready == ["x"]
    assert place.scanner.is_free("x")
    place.closed.clear()
    assert not place.scanner.is_free("x")


def test_where_the_kernel_unexpectedly_refuses_a_lease_the_longer_wait_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, settle_seconds=1, settle_unknown_seconds=10)
    monkeypatch.setattr(intake_module, "evidence_at", lambda _path: Evidence.UNKNOWN)
    place.put("x", mtime=LONG_AGO)
    scan = place.scan_after()
    assert (scan.unknown, "the kernel refuses leases here" in scan.waiting["x"]) == ({"x"}, True)
    assert place.scan_after(9).ready == []
    assert place.scan_after(1).ready == ["x"]


def test_stable_rename_and_marker_ask_nobody_who_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ready in ("stable", "rename"):
        place = OtherOwner(tmp_path, monkeypatch, ready=ready, settle_seconds=1, settle_unknown_seconds=10)
        place.put("x", mtime=LONG_AGO)
        place.scan_after()
        assert place.scan_after(1).ready == ["x"]
        assert place.scanner.is_free("x")


def test_where_nobody_can_tell_one_look_counts_from_the_last_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = OtherOwner(tmp_path, monkeypatch, settle_unknown_seconds=10)
    place.put("x")
    changed = (tmp_path / "x").stat().st_ctime
    place.clock = changed + 4
    assert place.scanner.why_waiting("x") == (
        "nobody can tell whether it is still being written (they are another user's): "
        "changed 4.0 s ago, taken once it is seen unchanged for 10 s"
    )
    place.clock = changed + 11
    assert place.scanner.why_waiting("x") == READY
