"""A folder that has not changed since a look need not be looked at again; in doubt it has changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fproc.spool.disk.folder_watch import COARSE_SECONDS, FolderWatch

NOW = 2_000_000_000.0


class Folder:
    """A folder, when it was last changed, and a watch on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.watch = FolderWatch(str(path), lambda: NOW)

    def look(self) -> None:
        self.watch.begin()
        self.watch.keep()

    def change(self, *, ago_seconds: float) -> None:
        os.utime(self.path, (NOW - ago_seconds, NOW - ago_seconds))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.change(ago_seconds=60)
    return folder


def test_before_the_first_look_a_folder_counts_as_changed(folder: Folder) -> None:
    assert not folder.watch.is_unchanged()


def test_a_folder_that_has_long_been_as_it_is_is_unchanged(folder: Folder) -> None:
    folder.look()
    assert folder.watch.is_unchanged()
    folder.change(ago_seconds=50)
    assert not folder.watch.is_unchanged()


def test_a_folder_that_changed_just_before_the_look_may_have_changed_since(folder: Folder) -> None:
    folder.change(ago_seconds=COARSE_SECONDS)
    folder.look()
    assert not folder.watch.is_unchanged()


def test_another_folder_at_its_path_is_a_change(folder: Folder, tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    inner = Folder(watched)
    inner.change(ago_seconds=60)
    inner.look()
    watched.rename(tmp_path / "away")
    assert not inner.watch.is_unchanged()
    watched.mkdir()
    inner.change(ago_seconds=60)
    assert not inner.watch.is_unchanged()


def test_after_a_look_that_broke_off_or_found_something_the_folder_counts_as_changed(folder: Folder) -> None:
    folder.look()
    folder.watch.begin()
    assert not folder.watch.is_unchanged()


def test_a_folder_that_is_missing_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FolderWatch(str(tmp_path / "no"), lambda: NOW).begin()
