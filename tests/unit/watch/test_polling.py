"""When the loop looks at the folder, and how it is woken."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fproc.watch.polling import IDLE_SECONDS, QUIET_SECONDS, REST, Polling, Wakeup, woken
from tests.support.descriptors import new_descriptors, open_descriptors


class Folder:
    def __init__(self) -> None:
        self.now = 100.0
        self.is_empty = False
        self.pace = Polling(lambda: 0.2, lambda: self.is_empty, monotonic=lambda: self.now)


@pytest.fixture
def folder() -> Folder:
    return Folder()


def test_the_first_look_comes_at_once(folder: Folder) -> None:
    assert folder.pace.is_poll_due()
    assert folder.pace.left_seconds(is_woken=False) == 0


def test_looks_follow_each_other_in_the_time_of_a_poll(folder: Folder) -> None:
    folder.pace.looked(0.001, can_be_woken=False)
    assert not folder.pace.is_poll_due()
    assert folder.pace.left_seconds(is_woken=False) == pytest.approx(0.2)
    folder.now += 0.21
    assert folder.pace.is_poll_due()


def test_a_look_that_took_long_is_followed_by_a_rest_whoever_wakes_us(folder: Folder) -> None:
    folder.pace.looked(0.5, can_be_woken=True)
    assert not folder.pace.is_rested()
    assert folder.pace.left_seconds(is_woken=True) == folder.pace.left_seconds(is_woken=False) == REST * 0.5
    folder.now += REST * 0.5
    assert folder.pace.is_rested()
    assert folder.pace.is_poll_due()


def test_who_is_woken_after_a_short_look_looks_at_once(folder: Folder) -> None:
    folder.pace.looked(0.0, can_be_woken=True)
    assert folder.pace.is_rested()
    assert folder.pace.left_seconds(is_woken=True) == 0


@pytest.mark.parametrize(("can_be_woken", "seconds"), [(True, IDLE_SECONDS), (False, 0.2)])
def test_empty_folders_that_have_not_changed_are_let_be_for_a_while(
    folder: Folder, *, can_be_woken: bool, seconds: float
) -> None:
    folder.is_empty = True
    folder.pace.looked(0.001, can_be_woken=can_be_woken)
    folder.now += 0.25
    assert not folder.pace.is_poll_due()
    assert folder.pace.left_seconds(is_woken=False) == pytest.approx(seconds)
    folder.now += QUIET_SECONDS
    assert folder.pace.is_poll_due()


@pytest.fixture
def wakeup(tmp_path: Path) -> Iterator[Wakeup]:
    with woken(str(tmp_path)) as wakeup:
        yield wakeup


def arrive(folder: Path, name: str) -> None:
    """A file that is renamed into the folder."""
    (folder.parent / f"{folder.name}-{name}").touch()
    (folder.parent / f"{folder.name}-{name}").rename(folder / name)


@pytest.mark.parametrize("is_moved", [True, False])
def test_a_new_name_wakes(tmp_path: Path, wakeup: Wakeup, *, is_moved: bool) -> None:
    assert wakeup.arm()
    assert not wakeup.is_due
    if is_moved:
        arrive(tmp_path, "x")
    else:
        (tmp_path / "x").touch()
    assert wakeup.is_due


def test_it_is_told_once_for_each_time_that_it_is_asked(tmp_path: Path, wakeup: Wakeup) -> None:
    wakeup.arm()
    arrive(tmp_path, "x")
    wakeup.is_due = False
    arrive(tmp_path, "y")
    assert not wakeup.is_due
    wakeup.arm()
    arrive(tmp_path, "z")
    assert wakeup.is_due


def test_a_folder_that_was_removed_and_made_again_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    with woken(str(folder)) as wakeup:
        wakeup.arm()
        folder.rmdir()
        (tmp_path / "other").mkdir()  # so that the new folder is not the old one's inode
        folder.mkdir()
        wakeup.arm()
        arrive(folder, "x")
        assert wakeup.is_due


def test_a_folder_that_is_missing_wakes_nobody(tmp_path: Path) -> None:
    with woken(str(tmp_path / "missing")) as wakeup:
        assert not wakeup.arm()


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    before, descriptors = signal.getsignal(signal.SIGIO), open_descriptors()
    with woken(str(tmp_path)) as wakeup:
        wakeup.arm()
    assert signal.getsignal(signal.SIGIO) is before
    assert not new_descriptors(descriptors)
