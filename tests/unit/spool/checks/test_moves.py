"""The trial at a start whether files can be moved: nobody is in its way for ever, and it leaves nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import ConfigError
from fproc.spool.checks.moves import STALE_SECONDS, TRIES
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import look

NODES = [{"tag": "start", "type": "trim", "next": "end"}]
FOLDERS = (".fproc/jobs", "unprocessed", "underprocess", "processed", "failed", "results", ".fproc/probes")


class Place:
    """A watched folder at which fprocs start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = self.start()

    def start(self) -> Spool:
        keys: dict[str, Any] = {"watch_dir": str(self.folder), "durability": "process"}
        return Spool(plan_of(NODES, **keys).config)

    def probes(self) -> list[str]:
        """What trials have left."""
        return [str(path.relative_to(self.folder)) for path in self.folder.rglob(".fproc-probe-*")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "w")


@pytest.mark.parametrize("kind", ["a file", "a full folder", "an empty folder"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_under_the_name_of_earlier_trials_keeps_fproc_from_starting(
    place: Place, folder: str, kind: str
) -> None:
    path = place.folder / folder / f".fproc-probe-{place.spool.home.name}"
    if kind == "a file":
        path.write_text("a dropper's")
    else:
        path.mkdir()
        if kind == "a full folder":
            (path / "x").write_text("a dropper's")
    place.start()
    assert path.exists() is (kind != "an empty folder")


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_a_start_left_that_died_is_removed_once_it_is_old(place: Place, folder: str) -> None:
    name = ".fproc-probe-0123456789abcdef"
    note = place.folder / ".fproc/probes" / name
    note.mkdir()
    (place.folder / folder / name).mkdir(exist_ok=True)
    place.start()
    assert note.exists(), "it may be a slow one that is still there"
    old = note.stat().st_mtime - STALE_SECONDS - 1
    os.utime(note, (old, old))
    place.start()
    assert place.probes() == []


@pytest.mark.parametrize("crash", range(20))
def test_a_start_that_dies_leaves_nothing_for_ever(
    place: Place, crash: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Death(BaseException):
        pass

    calls = 0

    def dying(name: str) -> Any:
        real = getattr(os, name)

        def call(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > crash:
                raise Death
            return real(*arguments)

        return call

    with monkeypatch.context() as patch:
        for name in ("mkdir", "rename", "rmdir"):
            patch.setattr(os, name, dying(name))
        try:
            place.start()
        except Death:
            pass
        else:
            return
    for note in (place.folder / ".fproc/probes").iterdir():
        os.utime(note, (1, 1))
    place.start()
    assert place.probes() == []


def test_a_start_whose_trial_is_taken_away_meanwhile_tries_another_name(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.rename
    taken: list[str] = []

    def rename(source: str, target: str) -> None:
        if len(taken) < TRIES - 1:
            taken.append(source)
            os.rmdir(source)
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    place.start()
    assert len(set(taken)) == TRIES - 1
    assert place.probes() == []


def test_a_start_whose_trials_are_all_taken_away_goes_on_and_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def rename(source: str, target: str) -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), source, None, target)

    monkeypatch.setattr(os, "rename", rename)
    place.start()
    assert caplog.text.count("cannot try out renames in") == 2


@pytest.mark.parametrize(("number", "is_refused"), [(errno.EXDEV, True), (errno.ENOSPC, False)])
def test_a_rename_that_is_refused_is_a_problem_and_a_full_disk_is_said(
    place: Place,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    is_refused: bool,
) -> None:
    def rename(_source: str, _target: str) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "rename", rename)
    if is_refused:
        with pytest.raises(ConfigError, match="cannot move a file to"):
            place.start()
    else:
        place.start()
        assert "cannot try out renames in" in caplog.text
    assert place.probes() == []
    assert look(str(place.folder))["litter"] == []
