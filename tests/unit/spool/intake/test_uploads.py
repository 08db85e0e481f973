"""Uploads on the disk: each file whole or not at all, and swept when their owners are dead."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fproc.base.errors import InputError
from fproc.base.values import replace
from fproc.spool import layout
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.uploads import Uploaded
from fproc.spool.locks.owner import Owner
from tests.support.descriptors import new_descriptors, open_descriptors
from tests.support.project import PROJECT
from tests.support.spool.crashes import BrokenDisk, files
from tests.support.spool.upload_places import LONGEST, READY, Place, grow


def test_files_arrive_whole_with_their_sizes_and_digests(place: Place) -> None:
    digests = [hashlib.sha256(data).hexdigest() for data in (b"one\n", b"")]
    arrived = place.upload(("x.log", "one\n"), ("empty", ""))
    assert arrived == [Uploaded("x.log", 4, digests[0]), Uploaded("empty", 0, digests[1])]
    assert (place.waiting(), place.uploads()) == ({"x.log": "one\n", "empty": ""}, [])


def test_nothing_is_there_before_all_of_it_is(place: Place) -> None:
    with place.arrivals().begin() as arrival:
        grow(arrival, ("x.log", "one\n"), ("y.log", "two\n"))
        assert place.waiting() == {}
        arrival.publish()
    assert place.waiting() == {"x.log": "one\n", "y.log": "two\n"}


@pytest.mark.parametrize("ready", [*READY, "auto", "stable"])
def test_what_arrives_is_processed(memory_path: Path, ready: str) -> None:
    place = Place(memory_path / "w", ready)
    place.upload(("x.log", "one\n"), ("x.log", "two\n"), ("y", "three\n"))
    place.work()
    assert files(str(place.folder / "results")) == {"x.log": "ONE\n", "x~2.log": "TWO\n", "y": "THREE\n"}
    assert place.waiting() == {}


def test_names_that_wait_already_get_numbers_whatever_has_them(place: Place) -> None:
    place.drop("x.log")
    (place.folder / "unprocessed/x~2.log").mkdir()
    (place.folder / "unprocessed/x~3.log").symlink_to("nowhere")
    arrived = place.upload(("x.log", "one\n"), ("x.log", "two\n"))
    assert [file.name for file in arrived] == ["x~4.log", "x~5.log"]
    assert place.waiting() == {"x.log": "foreign\n", "x~4.log": "one\n", "x~5.log": "two\n"}


@pytest.mark.parametrize("ready", READY)
def test_a_name_as_long_as_can_be_gets_a_number_too_and_is_processed(memory_path: Path, ready: str) -> None:
    place = Place(memory_path / "w", ready)
    name = LONGEST if ready == "rename" else LONGEST[5:]
    arrived = place.upload((name, "one\n"), (name, "two\n"))
    assert [file.name[-8:] for file in arrived] == ["nnnn.log", "nn~2.log"]
    place.work()
    assert sorted(files(str(place.folder / "results")).values()) == ["ONE\n", "TWO\n"]


@pytest.mark.parametrize("ready", READY)
def test_a_name_that_is_taken_during_the_upload_is_not_replaced(memory_path: Path, ready: str) -> None:
    place = Place(memory_path / "w", ready)
    with place.arrivals().begin() as arrival:
        grow(arrival, ("x.log", "one\n"), ("x.log", "two\n"))
        place.drop("x.log")
        arrived = arrival.publish()
    assert [file.name for file in arrived] == ["x~3.log", "x~2.log"]
    texts = {name: text for name, text in place.waiting().items() if not name.endswith(".done")}
    assert texts == {"x.log": "foreign\n", "x~3.log": "one\n", "x~2.log": "two\n"}
    markers = {"x~2.log.done", "x~3.log.done"} if ready == "marker" else set()
    assert place.waiting().keys() - texts.keys() == markers


class Rival(Disk):
    """Drops a file of a name just before an upload's is to get it."""

    def move(self, source: str, target: str) -> None:
        if target.endswith("/x.log"):
            Path(target).write_text("foreign\n")
        super().move(source, target)


@pytest.mark.parametrize("ready", READY)
def test_a_name_that_is_taken_in_the_last_moment_is_not_replaced(memory_path: Path, ready: str) -> None:
    place = Place(memory_path / "w", ready)
    arrived = place.upload(("x.log", "one\n"), disk=Rival(power=True))
    assert [file.name for file in arrived] == ["x~2.log"]
    marker = {"x~2.log.done": ""} if ready == "marker" else {}
    assert place.waiting() == {"x.log": "foreign\n", "x~2.log": "one\n", **marker}
    assert place.uploads() == []


def test_a_marker_that_waits_for_its_file_is_left_to_that_one(memory_path: Path) -> None:
    place = Place(memory_path / "w", "marker")
    place.drop("x.log.done", "")
    assert [file.name for file in place.upload(("x.log", "one\n"))] == ["x~2.log"]
    assert place.waiting().keys() == {"x.log.done", "x~2.log", "x~2.log.done"}


def test_a_file_that_someone_else_makes_ready_is_as_ready(memory_path: Path) -> None:
    class Eager(Disk):
        def move(self, source: str, target: str) -> None:
            if target.endswith(".done"):
                Path(target).write_text("theirs")
            super().move(source, target)

    place = Place(memory_path / "w", "marker")
    place.upload(("x.log", "one\n"), disk=Eager(power=True))
    assert place.waiting() == {"x.log": "one\n", "x.log.done": "theirs"}
    assert place.uploads() == []


def test_a_number_under_which_intake_would_ignore_the_file_is_an_error(memory_path: Path) -> None:
    place = Place(memory_path / "w", ignore=("*~*",))
    place.drop("x.log")
    with pytest.raises(InputError, match=r"'x\.log' waits already, and 'x~2\.log' would be ignored"):
        place.upload(("x.log", "one\n"))
    assert (place.waiting(), place.uploads()) == ({"x.log": "foreign\n"}, [])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_whatever_ends_an_upload_early_nothing_of_it_stays(place: Place, error: type[BaseException]) -> None:
    descriptors = open_descriptors()
    arrival = place.arrivals().begin()
    grow(arrival, ("x.log", "one\n"))
    arrival.create("y.log").write(b"half")
    with pytest.raises(error), arrival:
        raise error
    assert (place.waiting(), place.uploads()) == ({}, [])
    assert not new_descriptors(descriptors)


def test_a_refused_name_publishes_nothing_of_the_upload(place: Place) -> None:
    with pytest.raises(InputError):
        place.upload(("x.log", "one\n"), ("../y", "two\n"))
    assert (place.waiting(), place.uploads()) == ({}, [])


def test_an_upload_whose_folder_was_removed_meanwhile_is_an_error(place: Place) -> None:
    arrival = place.arrivals().begin()
    grow(arrival, ("x.log", "one\n"))
    shutil.rmtree(place.folder / ".fproc/uploads")
    with pytest.raises(FileNotFoundError), arrival:
        arrival.publish()
    assert place.waiting() == {}


def test_a_sweep_that_is_quicker_to_lock_a_new_folder_costs_another_name(place: Place) -> None:
    class Outrun(Disk):
        missed = 0

        def lock(self, folder: str) -> int | None:
            self.missed += 1
            return super().lock(folder) if self.missed > 2 else None

    disk = Outrun(power=True)
    place.upload(("x.log", "one\n"), disk=disk)
    assert (disk.missed, place.waiting()) == (3, {"x.log": "one\n"})


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_sweep_leaves_live_uploads_alone_and_removes_those_of_the_dead(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_shared: bool
) -> None:
    monkeypatch.setattr(layout, "is_local", lambda _path: not is_shared)
    place = Place(memory_path / "w")
    with place.arrivals().begin() as arrival:
        grow(arrival, ("x.log", "one\n"))
        live = place.uploads()
        dead = replace(Owner.current(), began="long before")
        with monkeypatch.context() as earlier:
            earlier.setattr(Owner, "current", lambda: dead)
            disk = BrokenDisk(10**9)
            grow(place.arrivals(disk).begin(), ("y.log", "two\n"))
            disk.die()
        assert len(place.uploads()) > len(live)
        place.arrivals().sweep()
        assert place.uploads() == live
        arrival.publish()
    assert (place.waiting(), place.uploads()) == ({"x.log": "one\n"}, [])


UPLOADING = """
import sys
from pathlib import Path
from tests.support.spool.upload_places import Place
from tests.support.descriptors import new_descriptors, open_descriptors
arrival = Place(Path(sys.argv[1])).arrivals().begin()
arrival.create("x.log").write(b"half")
print("begun", flush=True)
sys.stdin.read()
"""


def test_an_upload_of_another_process_is_swept_when_that_was_killed(place: Place) -> None:
    command = [sys.executable, "-c", UPLOADING, str(place.folder)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        place.arrivals().sweep()
        assert len(place.uploads()) == 3
        process.kill()
    place.arrivals().sweep()
    assert (place.uploads(), place.waiting()) == ([], {})


def test_a_sweep_of_a_spool_without_uploads_makes_nothing(place: Place) -> None:
    place.arrivals().sweep()
    assert not (place.folder / ".fproc/uploads").exists()


def test_what_a_sweep_cannot_remove_is_said_and_does_not_end_it(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    stray = place.folder / ".fproc/uploads/a stray\nfile"
    stray.parent.mkdir()
    stray.touch()
    (stray.parent / "b/files").mkdir(parents=True)
    place.arrivals().sweep()
    assert "cannot remove the unfinished upload a stray\\nfile" in caplog.text
    assert place.uploads() == ["a stray\nfile"]


def test_uploads_can_be_left_unfinished_without_trouble_to_the_published(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    class Sticky(Disk):
        def remove_folder(self, path: str) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    assert len(place.upload(("x.log", "one\n"), disk=Sticky(power=True))) == 1
    assert "cannot remove all of an upload; the next start will" in caplog.text
    assert place.uploads() != []
    place.arrivals().sweep()
    assert (place.uploads(), place.waiting()) == ([], {"x.log": "one\n"})
