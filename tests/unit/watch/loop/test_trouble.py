"""Trouble of the host pauses intake, that of one name sets the name aside."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from fproc.watch.queue import PAUSE_MAX_SECONDS, PAUSE_SECONDS
from tests.support.spool.turns import Place, in_trouble


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_trouble_of_the_host_pauses_intake_and_work_resumes_by_itself(place: Place, number: int) -> None:
    place.put("unprocessed/x")
    place.put("unprocessed/y")
    place.break_disk(number)
    place.turn()
    assert os.strerror(number) in place.trouble
    place.disk.repair()
    place.turn()
    assert place.look()["results"] == {}  # still paused
    place.turn(PAUSE_SECONDS)
    assert place.look()["results"] == {"x": "a\n", "y": "a\n"}
    assert (place.trouble, place.totals()["files_processed"]) == ("", 2)
    assert "retries" not in place.totals()


def seconds_paused(place: Place, disk_calls: list[int]) -> float:
    """How long the watcher leaves the disk alone, in quarters of a second."""
    for quarters in range(1, 1000):
        calls = len(disk_calls)
        place.turn(0.25)
        if len(disk_calls) > calls:
            return quarters / 4
    raise AssertionError("it never looks again")


def test_pauses_grow_up_to_a_bound_while_the_trouble_lasts_and_start_small_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    count = place.disk.count

    def counting(name: str, *arguments: Any) -> Any:
        looks.append(1)
        return count(name, *arguments)

    monkeypatch.setattr(place.disk, "count", counting)
    place.put("unprocessed/x")
    place.break_disk(errno.ENOSPC)
    place.turn()
    assert [seconds_paused(place, looks) for _ in range(7)] == [1, 2, 4, 8, 16, 30, PAUSE_MAX_SECONDS]
    place.disk.repair()
    place.turn(PAUSE_MAX_SECONDS)
    assert place.look()["results"] == {"x": "a\n"}
    place.put("unprocessed/y")
    place.break_disk(errno.ENOSPC)
    place.turn()
    assert seconds_paused(place, looks) == PAUSE_SECONDS


def test_a_watched_folder_that_cannot_be_read_pauses_until_it_can(place: Place) -> None:
    (place.folder / "unprocessed").rmdir()
    place.put("unprocessed", "a file in its place")
    place.turn()
    assert str(place.folder / "unprocessed") in place.trouble
    (place.folder / "unprocessed").unlink()
    (place.folder / "unprocessed").mkdir()
    place.turn(PAUSE_SECONDS)
    place.put("unprocessed/x")
    place.turn()
    assert (place.trouble, place.look()["results"]) == ("", {"x": "a\n"})


def test_one_name_s_trouble_does_not_stop_the_others(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    in_the_way = in_trouble(place, "bad\x1bname")
    place.put("unprocessed/x")
    place.turn()
    assert place.trouble.startswith("bad\\x1bname: File exists")
    place.put("unprocessed/y")
    place.turn()
    assert set(place.look()["results"]) == {"x", "y"}
    for _ in range(5):
        place.turn(PAUSE_MAX_SECONDS)
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    in_the_way.unlink()
    place.turn(PAUSE_MAX_SECONDS)
    place.turn()
    assert (place.trouble, len(place.look()["results"])) == ("", 3)


def test_a_name_in_trouble_is_tried_again_after_growing_delays(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_trouble(place, "x")
    tried: list[int] = []

    def refuse(_name: str) -> None:
        tried.append(1)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(place.spool, "claim", refuse)
    place.turn()
    assert [seconds_paused(place, tried) for _ in range(7)] == [1, 2, 4, 8, 16, 30, PAUSE_MAX_SECONDS]


def test_health_names_trouble_of_the_host_first_and_then_that_of_each_name(place: Place) -> None:
    in_trouble(place, "x")
    place.turn()
    place.put("unprocessed/y")
    place.break_disk(errno.ENOSPC)
    place.turn()
    host, name = place.trouble.split("; ")
    assert host.startswith("No space left")
    assert name.startswith("x: File exists")


def test_a_pause_and_its_end_are_told_once(place: Place, told: list[str]) -> None:
    place.break_disk(errno.ENOSPC)
    place.put("unprocessed/x")
    for _ in range(5):
        place.turn(PAUSE_MAX_SECONDS)
    place.disk.repair()
    for _ in range(2):
        place.turn(PAUSE_MAX_SECONDS)
    assert [what for what in told if what != "arrived"] == ["paused", "resumed"]
