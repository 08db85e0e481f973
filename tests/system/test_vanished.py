"""Folders and mounts that vanish in the middle of the work: at every call, and under the real processes."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import WAITING_OR_BAD, Watching, own_processor, run
from tests.support.spool.crashes import BrokenDisk, inputs
from tests.support.spool.places import Place
from tests.support.spool.scenarios import SCENARIOS, Scenario, inputs_of

SWEPT = (
    "two results, alone",
    "three files",
    "a file that fails",
    "lines that are set aside",
    "a marker",
    "checkpoints",
)


class VanishingDisk(BrokenDisk):
    """Before call number `calls`, a folder is moved away, and an empty one lies in its place."""

    def __init__(self, calls: int, folder: str) -> None:
        super().__init__(10**9)
        self.has_vanished = False
        self._folder = folder
        self._left = calls

    def count(self, name: str, *arguments: Any) -> Any:
        if self._left == 0:
            self.has_vanished = True
            os.rename(self._folder, f"{self._folder}.away")
            os.mkdir(self._folder)
        self._left -= 1
        return super().count(name, *arguments)


@pytest.mark.sweep
@pytest.mark.parametrize("is_killed", [False, True], ids=["it goes on", "killed meanwhile"])
@pytest.mark.parametrize("gone", [".", "results"])
@pytest.mark.parametrize("scenario", [SCENARIOS[name] for name in SWEPT], ids=SWEPT)
def test_a_folder_that_vanishes_before_any_call_costs_nothing_and_nothing_is_made_below(
    memory_path: Path, scenario: Scenario, gone: str, *, is_killed: bool
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), scenario)
        folder = os.path.normpath(os.path.join(place.folder, gone))
        disk = VanishingDisk(point, folder)
        loop = place.watcher(disk)
        for _ in range(3):
            loop.turn()
            place.now += 10.0
        if not disk.has_vanished:
            place.check("undisturbed")
            break
        assert loop.health().paused, point
        assert os.listdir(folder) == [], point
        os.rmdir(folder)
        os.rename(f"{folder}.away", folder)
        assert inputs(place.folder) == inputs_of(scenario), point
        if is_killed:
            disk.die()
            place.recover()
        else:
            for _ in range(4):
                loop.turn()
                place.now += 100.0
            assert loop.health().trouble == "", point
        place.check(point)
    assert point > 20


def vanished(watching: Watching) -> str:
    """What pauses intake, once something does."""
    status, said = watching.get("/health")
    intake, folders = (said["checks"][name].get("message", "") for name in ("intake", "folders"))
    return folders if status == 503 and said["status"] == "degraded" and "vanished" in intake else ""


def is_well(watching: Watching) -> bool:
    return watching.get("/health")[0] == 200


@contextmanager
def mounted(store: Path, point: Path) -> Iterator[Callable[[], None]]:
    """A mount of a folder, which the function that is given takes away; at the end there is none."""
    subprocess.run(["mount", "--bind", str(store), str(point)], check=True)
    is_there = True

    def unmount() -> None:
        nonlocal is_there
        if is_there:
            subprocess.run(["umount", "-l", str(point)], check=True)
            is_there = False

    try:
        yield unmount
    finally:
        unmount()


def can_mount(folder: Path) -> bool:
    """Whether this user may mount anything here."""
    point = folder / "trial"
    point.mkdir()
    if subprocess.run(["mount", "--bind", point, point], capture_output=True, check=False).returncode:
        return False
    subprocess.run(["umount", point], check=True)
    return True


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder for a run whose processor waits at a line "wait" until there is a file "go"."""
    if not can_mount(tmp_path):
        pytest.skip("needs the right to mount")
    own_processor(tmp_path, WAITING_OR_BAD, results_dir="results")
    for name in ("watch_dir", "results", "store"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.sweep
@pytest.mark.parametrize("is_killed", [False, True], ids=["it goes on", "killed meanwhile"])
@pytest.mark.parametrize("gone", ["watch_dir", "results"])
def test_an_unmounted_folder_pauses_intake_until_it_is_mounted_again(
    place: Path, gone: str, *, is_killed: bool
) -> None:
    point = place / gone
    with mounted(place / "store", point) as unmount, Watching(place, dashboard=True) as watching:
        (place / "watch_dir/unprocessed/x").write_text("one\nwait\ntwo\n")
        watching.wait_for("underprocess/x")
        unmount()
        watching.wait_until(lambda: vanished(watching))
        assert str(point) in vanished(watching)
        status = run(place, "--status")
        assert (status.status, "mount" in status.out.decode()) == (1, True)
        (place / "go").touch()  # what is running ends while its folder is not there
        watching.wait_until(lambda: not watching.get("/files")[1]["current"])
        if is_killed:
            watching.signal(signal.SIGKILL)
            watching.process.wait()
        assert os.listdir(point) == []
        with mounted(place / "store", point):
            if is_killed:
                with Watching(place, dashboard=True) as again:
                    finish(again, place)
            else:
                finish(watching, place)
    assert os.listdir(point) == []


def finish(watching: Watching, place: Path) -> None:
    """See that all that was begun, and what comes later, is done."""
    watching.wait_until(lambda: is_well(watching))
    (place / "watch_dir/unprocessed/y").write_text("three\n")
    watching.wait_for("processed/x", "processed/y")
    found = {path.name: path.read_text() for path in (place / "results").iterdir() if path.is_file()}
    assert found == {"x": "one\nwait\ntwo\n", "y": "three\n"}
    assert os.listdir(place / "watch_dir/failed") == []


def test_a_watched_folder_that_is_moved_away_is_not_made_anew_and_goes_on_when_it_is_back(
    tmp_path: Path,
) -> None:
    own_processor(tmp_path, WAITING_OR_BAD)
    folder, away = tmp_path / "watch_dir", tmp_path / "away"
    with Watching(tmp_path, dashboard=True) as watching:
        (folder / "unprocessed/x").write_text("one\nwait\ntwo\n")
        watching.wait_for("underprocess/x")
        folder.rename(away)
        watching.wait_until(lambda: vanished(watching))
        (tmp_path / "go").touch()
        told = run(tmp_path, "--status")
        assert (told.status, "watch_dir" in told.err) == (1, True)
        assert not folder.exists()
        away.rename(folder)
        watching.wait_for("processed/x")
        watching.wait_until(lambda: is_well(watching))
        assert (folder / "results/x").read_text() == "one\nwait\ntwo\n"
