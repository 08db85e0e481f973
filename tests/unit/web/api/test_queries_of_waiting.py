"""Files on the dashboard that wait or are worked on: for how long, for what, and by whom."""

from __future__ import annotations

import os
import time

import pytest

from fproc.base.times import rfc3339
from fproc.spool.disk.disk import Disk
from fproc.spool.locks.instance import InstanceFile
from fproc.web.api import queries
from tests.support.rooms import LATER_SECONDS, STRANGE, Room


def test_what_waits_is_listed_with_how_long_and_why(room: Room) -> None:
    room.put("unprocessed", "first", STRANGE)
    room.later = 10
    first, second = room.files("unprocessed")
    assert (first["file"], second["file"]) == ("first", STRANGE)
    assert 10 <= first["seconds"] < 60
    assert (first["lines"], first["attempts"], first["results"]) == (0, 0, [])
    assert first["error"] == "ready, but no fproc is running on this folder"


def test_what_is_not_whole_yet_says_so(room: Room) -> None:
    room.config = {"intake": {"ready": "marker", "marker": ".done"}}
    room.listing = room.a_listing()
    room.put("unprocessed", "a", "b", "b.done")
    rows = {row["file"]: row["error"] for row in room.files("unprocessed")}
    assert rows.keys() == {"a", "b"}
    assert rows["a"] == "waiting for a.done"


def test_what_is_taken_while_it_is_listed_is_left_out(room: Room) -> None:
    room.put("unprocessed", "a", "b")
    room.later = LATER_SECONDS
    room.names("unprocessed")
    for name in ("a", "b"):
        claim = room.spool.claim(name)
        assert claim is not None
        claim.release()
        if name == "a":
            room.later = -1000
            assert room.names("unprocessed") == ["b"]
    room.monotonic += 1000
    assert room.names("unprocessed") == []


def test_what_is_under_process_is_listed_with_who_has_it_or_what_it_waits_for(room: Room) -> None:
    room.put("unprocessed", "held", "waits")
    held, waits = room.spool.claim("held"), room.spool.claim("waits")
    assert held is not None
    assert waits is not None
    waits.retry(2_000_000_000_000.0)
    room.working = [
        {"file": "held", "started": "x", "seconds": 1.0, "lines": 7, "bytes": 1, "worker": os.getpid()}
    ]
    rows = {row["file"]: row for row in room.files("underprocess")}
    assert (rows["held"]["lines"], rows["waits"]["lines"], rows["waits"]["attempts"]) == (7, 0, 1)
    assert rows["held"]["error"].startswith("held by")
    assert rows["waits"]["error"].startswith("retry at ")
    held.release()


def test_what_waits_longest_is_known(room: Room) -> None:
    assert room.listing.oldest_waiting() is None
    room.put("unprocessed", ".hidden", "b", "a")
    room.later, room.monotonic = 5, room.monotonic + 1
    found = room.listing.oldest_waiting()
    assert found
    assert (found[0], 5 <= found[1] < 60) == ("b", True)
    (room.folder / "w" / "unprocessed" / "b").unlink()
    room.later = LATER_SECONDS - 100  # the list is not made anew
    found = room.listing.oldest_waiting()
    assert found
    assert found[0] == "a"
    (room.folder / "w" / "unprocessed" / "a").unlink()
    assert room.listing.oldest_waiting() is None


def test_a_file_that_waits_behind_many_that_have_gone_is_found(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_GONE", 5)
    room.put("unprocessed", *(f"{number}" for number in range(50)))
    room.later = LATER_SECONDS
    room.listing.oldest_waiting()
    room.later = -100  # the list is not made anew
    for number in range(40):
        (room.folder / "w" / "unprocessed" / f"{number}").unlink()
    found = room.listing.oldest_waiting()
    assert found
    assert 40 <= int(found[0]) < 50


def test_a_folder_that_cannot_be_read_has_no_oldest_file(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "scandir", fail)
    assert room.listing.oldest_waiting() is None
    with pytest.raises(OSError, match="Input/output"):
        room.listing.counts()


def test_what_is_worked_on_has_its_size_and_others_work_is_shown_too(room: Room) -> None:
    (room.folder / "w" / "underprocess" / "mine").write_text("12345")
    room.working = [
        {"file": "mine", "started": "x", "seconds": 1.0, "lines": 1, "bytes": 2, "worker": 5},
        {"file": "gone", "started": "x", "seconds": 1.0, "lines": 1, "bytes": 2, "worker": 6},
    ]
    own = InstanceFile(room.folders, Disk(power=False))
    own.say({"current": [{"file": "mine", "started": "x", "lines": 1, "bytes": 2, "worker": 5}]})
    said = {"file": STRANGE, "started": rfc3339(time.time() - 60), "lines": 3, "bytes": 4, "worker": 7}
    other = InstanceFile(room.folders, Disk(power=False))
    other.say({"pid": 1, "host": "elsewhere", "current": [said, {"file": "odd"}]})
    try:
        mine, gone, theirs, odd = room.whole()["current"]
    finally:
        own.close()
        other.close()
    assert mine == {**room.working[0], "total_bytes": 5}
    assert gone["total_bytes"] is None
    unknown = {"rejected": None, "skipped": None, "total_bytes": None}
    assert {**said, "seconds": theirs["seconds"], **unknown} == theirs
    assert 60 <= theirs["seconds"] < 120
    assert (odd["file"], odd["seconds"], odd["started"]) == ("odd", None, None)
