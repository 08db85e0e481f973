"""Which time is believed when archives are removed for being old, with clocks that are wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fproc.config.retention import Retention
from fproc.spool.checks.trusted import DAY_SECONDS, Believed, TrustedTime
from fproc.spool.layout import Folders
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of

DAY, HOUR, MONTHS = DAY_SECONDS, 3600.0, 90 * DAY_SECONDS
NOW = 2_000_000_000.0
NODES = [{"tag": "start", "type": "trim", "next": "end"}]


def looked(*times: float, since: float = NOW) -> list[float]:
    """What is believed after each of several looks, in days since `NOW`."""
    believed, found = Believed(since), []
    for time in times:
        believed = believed.after_look(time)
        found.append((believed.time - NOW) / DAY)
    return found


def test_a_clock_that_goes_on_is_believed() -> None:
    assert looked(NOW + HOUR, NOW + DAY, NOW + 3 * DAY) == [1 / 24, 1, 3]


def test_one_start_far_ahead_changes_nothing_even_if_it_is_repeated_at_once() -> None:
    assert looked(NOW + MONTHS, NOW + MONTHS + HOUR, NOW + MONTHS + 23 * HOUR) == [0, 0, 0]
    assert looked(NOW + MONTHS, NOW + HOUR, NOW + 2 * HOUR) == [0, 1 / 24, 2 / 24]


def test_each_of_several_starts_that_are_wrong_in_their_own_way_changes_nothing() -> None:
    assert looked(NOW + MONTHS, NOW + 5 * MONTHS, NOW + 9 * MONTHS, NOW + DAY) == [0, 0, 0, 1]


def test_after_a_long_time_off_the_clock_is_believed_a_day_later() -> None:
    hours = [NOW + MONTHS + hour * HOUR for hour in range(26)]
    found = looked(*hours)
    assert found[:24] == [0] * 24
    assert found[24:] == [91, 91 + 1 / 24]


def test_of_weekly_looks_each_confirms_the_one_before() -> None:
    assert looked(*(NOW + 7 * week * DAY for week in range(1, 5))) == [0, 7, 14, 21]


def test_a_clock_that_was_set_back_is_believed_and_restored_a_day_after_it_is_right_again() -> None:
    assert looked(NOW - MONTHS) == [-90]
    back = [NOW - MONTHS, NOW, NOW + 2 * HOUR, NOW + DAY]
    assert looked(*back) == [-90, -90, -90, 1]


class World:
    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.spool = Spool(
            plan_of(NODES, watch_dir=str(folder), durability="process").config, clock=lambda: self.now
        )
        self.folders: Folders = self.spool.folders

    def archive(self, name: str) -> float:
        """Archive a file; gives when, by the clock of this host, which is the only one for that."""
        path = Path(self.folders.processed, name)
        path.touch()
        return path.stat().st_ctime

    def left(self, at: float) -> list[str]:
        """What is left after a look, where archives are kept for a week."""
        self.now = at
        self.spool.prune(Retention(processed_days=7))
        return sorted(os.listdir(self.folders.processed))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "w")


@pytest.mark.parametrize("is_known", [True, False])
def test_one_start_three_months_ahead_removes_no_archive(world: World, *, is_known: bool) -> None:
    put = world.archive("x")
    if is_known:
        assert world.left(put + 60) == ["x"]
    for hours in range(20):
        assert world.left(put + MONTHS + hours * HOUR) == ["x"]
    assert world.left(put + 7 * DAY - 60) == ["x"]
    assert world.left(put + 7 * DAY + 60) == ["x"]  # six days since the last look that was believed
    assert world.left(put + 8 * DAY + 120) == []


def test_what_is_old_goes_while_the_clock_goes_on(world: World) -> None:
    put = world.archive("x")
    for day in range(7):
        assert world.left(put + day * DAY) == ["x"]
    assert world.left(put + 7 * DAY + 60) == []


NONE = ["", "[]", "null", "x", '{"time": 1e999, "doubted": null}', '{"time": 5}', "\xe9"]


@pytest.mark.parametrize("text", NONE)
def test_a_record_that_is_none_is_made_anew_from_the_newest_archive(world: World, text: str) -> None:
    put = world.archive("x")
    record = Path(world.folders.state, "clock.json")
    record.write_text(text, encoding="latin-1")
    assert world.left(put + MONTHS) == ["x"]
    assert f'"time": {put}' in record.read_text()


def test_a_record_that_cannot_be_written_believes_no_more_than_it_may(world: World) -> None:
    put = world.archive("x")
    Path(world.folders.state, "clock.json").mkdir()
    for hours in range(48):
        assert world.left(put + MONTHS + hours * HOUR) == ["x"]


def test_without_retention_nothing_is_written_down(world: World) -> None:
    world.spool.prune(Retention())
    assert "clock.json" not in os.listdir(world.folders.state)


def test_a_spool_without_an_archive_believes_its_clock(world: World) -> None:
    assert TrustedTime(world.folders, clock=lambda: NOW).now() == NOW
