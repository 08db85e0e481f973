"""How a loop ends that drains, and what it waits for."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.intake.scanner import Scan
from fproc.watch import loop
from fproc.watch.draining import SETTLE_TIMES
from tests.support.helpers import user
from tests.support.spool.turns import Place, in_trouble

POLLED = {"ready": "rename", "poll_seconds": 0.5}


def test_draining_ends_when_nothing_is_left_to_do(place: Place) -> None:
    place.put("unprocessed/x")
    place.put("unprocessed/y", "bad\n")
    place.put("underprocess/z")
    assert place.watcher.drain()
    seen = place.look()
    assert (seen["unprocessed"], seen["underprocess"], place.watcher.failed) == ({}, {}, 1)
    assert set(seen["results"]) == {"x", "z"}


def test_draining_waits_for_what_only_has_to_settle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path / "w", intake={"ready": "stable", "settle_seconds": 5, "poll_seconds": 0.25})
    monkeypatch.setattr(loop, "handled", place.handled)
    place.put("unprocessed/x")
    assert place.watcher.drain()
    assert place.look()["results"] == {"x": "a\n"}


def test_draining_waits_only_so_long_for_a_file_that_keeps_changing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path / "w", intake={"ready": "stable", "settle_seconds": 5, "poll_seconds": 0.5})
    monkeypatch.setattr(loop, "handled", place.handled)
    look = place.spool.look

    def grow_and_look(scan: Scan) -> Any:
        with (place.folder / "unprocessed" / "x").open("a", encoding="utf-8") as file:
            file.write("more\n")
        return look(scan)

    monkeypatch.setattr(place.spool, "look", grow_and_look)
    begin = place.monotonic.seconds
    assert place.watcher.drain()
    assert 5 * SETTLE_TIMES <= place.monotonic.seconds - begin <= 5 * SETTLE_TIMES + 2
    assert list(place.look()["unprocessed"]) == ["x"]


def test_draining_waits_for_a_retry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [{"tag": "start", "type": user("retry"), "next": "end"}]
    place = Place(tmp_path / "w", nodes=nodes, intake=POLLED, retry={"backoff_seconds": 10})
    monkeypatch.setattr(loop, "handled", place.handled)
    assert place.watcher.drain()
    place.put("unprocessed/x")
    assert place.watcher.drain()
    assert (place.totals()["retries"], place.totals()["files_failed"]) == (2, 1)


YEARS = 4 * 365 * 86400.0


def place_of_retries(folder: Path, **config: Any) -> Place:
    """A place where every file is tried again: after 5 to 10 s, then after 10 to 20 s, and fails then."""
    nodes = [{"tag": "start", "type": user("retry"), "next": "end"}]
    return Place(folder, nodes=nodes, retry={"backoff_seconds": 10, "backoff_max_seconds": 20}, **config)


@pytest.mark.parametrize("set_by", [-YEARS, -3600, -60, -1, 0, 60, YEARS])
def test_a_clock_that_is_set_while_a_retry_waits_makes_it_wait_no_longer(
    tmp_path: Path, set_by: float
) -> None:
    place = place_of_retries(tmp_path / "w")
    place.put("unprocessed/x")
    place.turn()
    place.clock.seconds += set_by
    place.turn(10)
    assert place.totals()["retries"] == 2
    place.clock.seconds += set_by
    place.turn(20)
    assert place.totals()["files_failed"] == 1


def test_a_retry_of_a_start_years_ahead_is_due_after_the_longest_delay(tmp_path: Path) -> None:
    place = place_of_retries(tmp_path / "w")
    place.clock.seconds += YEARS
    place.put("unprocessed/x")
    place.turn()
    later = place_of_retries(tmp_path / "w")  # the clock is right again, and this is the next start
    later.turn()
    assert later.totals() == {}
    later.turn(20)
    assert later.totals()["retries"] == 1
    later.turn(20)
    assert later.totals()["files_failed"] == 1


def test_draining_does_not_wait_for_a_time_years_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_of_retries(tmp_path / "w")
    place.clock.seconds += YEARS
    place.put("unprocessed/x")
    place.turn()
    later = place_of_retries(tmp_path / "w", intake=POLLED)
    monkeypatch.setattr(loop, "handled", later.handled)
    began = later.monotonic.seconds
    assert later.watcher.drain()
    assert later.totals()["files_failed"] == 1
    assert later.monotonic.seconds - began <= 20 + 20 + 1


@pytest.mark.parametrize("trouble", ["of the host", "of a name"])
def test_draining_tells_that_trouble_ended_it(place: Place, trouble: str) -> None:
    in_trouble(place, "x") if trouble == "of a name" else place.put("unprocessed/x")
    if trouble == "of the host":
        place.break_disk(errno.ENOSPC)
    place.put("unprocessed/y")
    assert not place.watcher.drain()
    assert place.trouble
    assert list(place.look()["results"]) == (["y"] if trouble == "of a name" else [])
