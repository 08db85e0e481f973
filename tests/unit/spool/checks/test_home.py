"""Folders that vanish while fproc runs: intake pauses, nothing is made in their place, and all goes on."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import InputError
from fproc.spool.checks.condition import disks
from fproc.spool.checks.home import Home
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.requeue import put_back_all
from fproc.spool.intake.uploads import UploadArea
from fproc.spool.layout import Folders
from fproc.spool.locks.instance import InstanceFile
from fproc.spool.spool import Spool
from fproc.watch.polling import woken
from fproc.watch.queue import PAUSE_SECONDS
from tests.support.descriptors import open_descriptors
from tests.support.helpers import plan_of, user
from tests.support.spool.inline import watcher

NODES = [{"tag": "start", "type": user("fail_on_bad"), "next": "end"}]
FOLDERS = ("unprocessed", "underprocess", "processed", "failed", ".fproc", "results", "results/.stage")


class Place:
    """A spool whose results lie elsewhere, a watcher over it, and seconds that pass when told to."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.now = 1000.0
        self.watch, self.results = folder / "w", folder / "r"
        keys = {"watch_dir": str(self.watch), "results_dir": str(self.results), "durability": "process"}
        self.plan = plan_of(NODES, **keys, intake={"ready": "rename"}, **config)
        self.spool = Spool(self.plan.config, clock=lambda: self.now)
        self.watcher = watcher(self.spool, self.plan, monotonic=lambda: self.now)

    def path(self, name: str) -> Path:
        """Where a folder of the spool is; "." is the watched folder."""
        first, _, rest = name.partition("/")
        return self.results / rest if first == "results" else self.watch / name

    def turn(self) -> str:
        """Take a turn of the loop a moment later, and return what pauses it."""
        self.now += PAUSE_SECONDS
        self.watcher.turn()
        return self.watcher.health().paused


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@contextmanager
def moved_away(folder: Path) -> Iterator[None]:
    """A folder is elsewhere for a while; an empty folder, or nothing, lies in its place in the end."""
    away = folder.with_name(f"{folder.name}.away")
    folder.rename(away)
    yield
    if folder.exists():
        folder.rmdir()
    away.rename(folder)


@pytest.mark.parametrize("below", ["nothing", "an empty folder"])
@pytest.mark.parametrize("gone", [".", *FOLDERS])
def test_a_folder_that_vanishes_pauses_intake_and_is_never_made_anew(
    place: Place, gone: str, below: str
) -> None:
    folder = place.path(gone)
    is_replaced = below == "an empty folder" and gone in {".", "results"}
    named = {"results/.stage": place.results, ".fproc": place.watch}.get(gone, folder)
    with moved_away(folder):
        if is_replaced:
            folder.mkdir()
        for _ in range(100):
            assert str(named) in place.turn()
            assert folder.exists() is is_replaced
        if is_replaced:
            assert os.listdir(folder) == []
    (place.watch / "unprocessed" / "x").write_text("a\n")
    assert place.turn() == ""
    assert (place.results / "x").read_text() == "a\n"


@pytest.mark.parametrize("gone", [".", ".fproc"])
def test_another_spool_in_the_place_of_the_first_is_left_alone(place: Place, gone: str) -> None:
    with moved_away(place.path(gone)):
        other = Spool(place.plan.config)
        (place.watch / "unprocessed" / "theirs").write_text("a\n")
        assert "no .fproc/id of this spool" in place.turn()
        assert os.listdir(place.watch / "unprocessed") == ["theirs"]
        assert os.listdir(other.folders.jobs) == []
        os.remove(place.watch / "unprocessed" / "theirs")
        shutil.rmtree(place.path(gone))
        shutil.rmtree(other.home.stage)
    assert place.turn() == ""


def test_a_spool_that_is_restored_from_a_copy_is_the_same_one(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.watch, tmp_path / "copy")
    shutil.rmtree(place.watch)
    assert place.turn()
    shutil.copytree(tmp_path / "copy", place.watch)
    assert place.turn() == ""


def test_the_folder_of_results_has_to_be_the_one_with_the_spool_s_own_stage(place: Place) -> None:
    with moved_away(place.results):
        (place.results / ".stage").mkdir(parents=True)
        stage = os.path.relpath(place.spool.home.stage, place.results)
        assert f"the folder of results has vanished (no {stage} of this spool is in it)" in place.turn()
        (place.results / ".stage").rmdir()
    assert place.turn() == ""


def test_intake_goes_on_at_once_even_if_all_that_is_left_waits_for_its_time(place: Place) -> None:
    (place.watch / "unprocessed" / "x").write_text("a\n")
    claim = place.spool.claim("x")
    assert claim is not None
    claim.retry(place.now + 10_000)
    place.turn()
    with moved_away(place.watch / "processed"):
        assert place.turn()
    assert place.turn() == ""
    assert os.listdir(place.watch / "underprocess") == ["x"]


def test_what_is_said_of_the_folders_names_the_one_that_has_vanished(place: Place) -> None:
    with moved_away(place.results):
        expected = f"the folder of results has vanished: {place.results}"
        for found in (place.spool.disks(), disks(place.spool.folders)):
            (message,) = found.unusable
            assert message.startswith(expected)
    with moved_away(place.watch):
        place.watch.mkdir()
        (message,) = disks(place.spool.folders).unusable
        assert message.startswith(f"no .fproc/id in {place.watch}: it is not mounted")


@pytest.mark.parametrize("gone", [".", "results", "unprocessed"])
def test_an_upload_is_refused_and_makes_nothing(place: Place, gone: str) -> None:
    arrivals = UploadArea(place.plan.config, home=place.spool.home)
    with moved_away(place.path(gone)), pytest.raises(OSError, match="vanished") as caught:
        arrivals.begin()
    assert caught.value.errno == errno.ENODEV


@pytest.mark.parametrize("gone", [".", "unprocessed"])
def test_an_upload_whose_spool_vanishes_meanwhile_publishes_nothing_below(place: Place, gone: str) -> None:
    arrivals = UploadArea(place.plan.config, home=place.spool.home)
    with arrivals.begin() as arrival:
        arrival.create("x").write(b"a\n")
        folder = place.path(gone)
        with moved_away(folder):
            with pytest.raises(OSError, match="vanished"):
                arrival.publish()
            assert not folder.exists()
    arrivals.sweep()
    assert (os.listdir(place.watch / "unprocessed"), os.listdir(place.watch / ".fproc/uploads")) == ([], [])


def test_putting_failed_inputs_back_makes_no_folder(place: Place) -> None:
    (place.watch / "failed" / "x").write_text("bad\n")
    with moved_away(place.watch / "unprocessed"):
        moved, refused = put_back_all(place.plan.config, Disk(power=True), ["x"])
        assert (moved, list(refused)) == ([], ["x"])
        assert not (place.watch / "unprocessed").exists()
    with moved_away(place.watch):
        place.watch.mkdir()
        moved, refused = put_back_all(place.plan.config, Disk(power=True), ["x"])
        assert (moved, isinstance(refused["x"], InputError)) == ([], True)
        assert os.listdir(place.watch) == []


def test_an_instance_puts_its_file_into_its_own_spool_alone(place: Place) -> None:
    instance = InstanceFile(place.spool.folders, Disk(power=False), place.spool.home)
    instance.say({"started": "now"})
    (own,) = os.listdir(place.spool.folders.instances)
    with moved_away(place.watch):
        Spool(place.plan.config)
        instance.say({"started": "then"})
        assert not os.path.exists(place.spool.folders.instances)
        shutil.rmtree(place.watch)
    instance.say({"started": "later"})
    assert os.listdir(place.spool.folders.instances) == [own]
    instance.close()
    assert os.listdir(place.spool.folders.instances) == []


def test_a_worker_that_is_started_meanwhile_makes_nothing(place: Place) -> None:
    name = place.spool.home.name
    for gone in (".", "results", "failed"):
        folder = place.path(gone)
        with moved_away(folder):
            with pytest.raises(OSError, match="vanished"):
                Spool(place.plan.config, name=name)
            assert not folder.exists()
    assert Spool(place.plan.config, name=name).home.stage == place.spool.home.stage


def test_a_spool_that_was_never_made_has_no_home(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Home.found(Folders(str(tmp_path), str(tmp_path / "results")))


def test_an_id_that_is_garbage_is_another_spool_s(place: Place) -> None:
    path = Path(place.spool.folders.id)
    text = path.read_text()
    path.write_bytes(b"\xff\x00")
    assert "no .fproc/id of this spool" in place.turn()
    path.write_text(text)
    assert place.turn() == ""


def test_a_folder_that_has_vanished_is_not_kept_open(tmp_path: Path) -> None:
    folder = tmp_path / "unprocessed"
    folder.mkdir()
    with woken(str(folder)) as wakeup:
        assert wakeup.arm()
        held = {os.readlink(f"/proc/self/fd/{number}") for number in open_descriptors()}
        assert str(folder) in held
        folder.rename(tmp_path / "away")
        assert not wakeup.arm()
        held = {os.readlink(f"/proc/self/fd/{number}") for number in open_descriptors()}
        assert str(tmp_path / "away") not in held
        (tmp_path / "away").rename(folder)
        assert wakeup.arm()
