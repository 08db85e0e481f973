"""Uploads on the disk: each file whole or not at all, whatever dies, and under a name that is safe."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fproc.base.errors import InputError
from fproc.base.values import replace
from fproc.spool import layout
from fproc.spool.disk.disk import Disk
from fproc.spool.intake.upload_names import check_name
from fproc.spool.intake.uploads import Upload, UploadArea, Uploaded
from fproc.spool.locks.leases import LEASE_SECONDS
from fproc.spool.locks.owner import Owner
from fproc.spool.readiness.names import InputNames
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of, thinned
from tests.support.project import PROJECT
from tests.support.spool.crashes import BrokenDisk, Crash, files
from tests.support.spool.inline import watcher
from tests.support.spool.power import PowerDisk

NODES = [{"tag": "start", "type": "uppercase", "next": "end"}]
READY = ("rename", "marker")
LONGEST = "n" * 251 + ".log"


class Place:
    """A spool into which files are uploaded."""

    def __init__(self, folder: Path, ready: str = "rename", ignore: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.plan = plan_of(
            NODES, watch_dir=str(folder), intake={"ready": ready, "ignore": [*ignore]}, durability="power"
        )
        self.config = self.plan.config
        self.spool = Spool(self.config)

    def arrivals(self, disk: Disk | None = None) -> UploadArea:
        return UploadArea(self.config, disk)

    def upload(self, *contents: tuple[str, str], disk: Disk | None = None) -> list[Uploaded]:
        with self.arrivals(disk).begin() as arrival:
            grow(arrival, *contents)
            return arrival.publish()

    def drop(self, name: str, text: str = "foreign\n") -> None:
        (self.folder / "unprocessed" / name).write_text(text)

    def waiting(self) -> dict[str, str]:
        return files(str(self.folder / "unprocessed"))

    def uploads(self) -> list[str]:
        """All that lies in the private folders."""
        found = sorted((self.folder / ".fproc/uploads").rglob("*"))
        return [str(path.relative_to(self.folder / ".fproc/uploads")) for path in found]

    def sweep(self, disk: Disk | None = None) -> None:
        """Sweep twice, so that a lease that says nothing is seen to be over."""
        now = 0.0
        arrivals = UploadArea(self.config, disk, monotonic=lambda: now)
        for _ in range(2):
            arrivals.sweep()
            now += LEASE_SECONDS

    def work(self) -> None:
        watcher(Spool(self.config), self.plan).drain()


def grow(arrival: Upload, *contents: tuple[str, str]) -> None:
    for name, text in contents:
        file = arrival.create(name)
        for character in text:
            file.write(character.encode())
        file.close()


@pytest.fixture
def place(memory_path: Path) -> Place:
    return Place(memory_path / "w")


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
    descriptors = os.listdir("/proc/self/fd")
    arrival = place.arrivals().begin()
    grow(arrival, ("x.log", "one\n"))
    arrival.create("y.log").write(b"half")
    with pytest.raises(error), arrival:
        raise error
    assert (place.waiting(), place.uploads()) == ({}, [])
    assert os.listdir("/proc/self/fd") == descriptors


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
from tests.unit.spool.intake.test_uploads import Place, Path
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


SENT = [("x.log", "one\n"), ("x.log", "two\n"), ("y.log", "three\n")]
EXPECTED = {"x.log": "foreign\n", "x~2.log": "one\n", "x~3.log": "two\n", "y.log": "three\n"}
LATE = {"x.log": "foreign\n", "x~3.log": "one\n", "x~2.log": "two\n", "y.log": "three\n"}
"""What waits in the end if a file of the name was there before the upload, or came during it."""


def upload_beside_another(place: Place, disk: Disk, *, is_late: bool) -> None:
    """Upload three files; `x.log` is taken by another one, durably, before or during the upload."""

    def drop() -> None:
        with (place.folder / "unprocessed/x.log").open("w") as file:
            file.write("foreign\n")
            file.flush()
            disk.sync(file.fileno())
        disk.sync_folder(str(place.folder / "unprocessed"))

    if not is_late:
        drop()
    with place.arrivals(disk).begin() as arrival:
        grow(arrival, *SENT)
        if is_late:
            drop()
        arrival.publish()


def check(place: Place, expected: dict[str, str], point: object, *, is_all: bool = False) -> None:
    """See that files are whole or absent, and own files alone have markers, once all is swept.

    Before that, someone else drops files of those names that are free.
    """
    for name in expected.keys() - place.waiting().keys():
        assert not is_all, point
        place.drop(name)
    place.sweep()
    texts = place.waiting()
    marked = {name.removesuffix(".done") for name in texts if name.endswith(".done")}
    texts = {name: text for name, text in texts.items() if not name.endswith(".done")}
    own = {name: text for name, text in texts.items() if text != "foreign\n"}
    assert marked == (own.keys() if place.config.intake.ready == "marker" else set()), point
    assert own.items() <= expected.items(), point
    assert texts.keys() == expected.keys(), point
    assert place.uploads() == [], point


def dies(calls: int, work: Callable[[Disk], None]) -> bool:
    """Do something with a disk that dies before call number `calls`; whether that came."""
    disk = BrokenDisk(calls)
    try:
        work(disk)
    except Crash:
        return True
    finally:
        disk.die()
    return False


Both = pytest.mark.parametrize("ready", READY)
Late = pytest.mark.parametrize("is_late", [False, True], ids=["before", "during"])
Strides = pytest.mark.parametrize(
    "stride", [3, pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]
)


@Both
@Late
@pytest.mark.usefixtures("way_of_moving")
def test_a_crash_before_any_call_leaves_files_whole_or_absent(
    memory_path: Path, ready: str, *, is_late: bool
) -> None:
    counts = set()
    for point in itertools.count():
        place = Place(memory_path / str(point), ready)
        if not dies(point, partial(upload_beside_another, place, is_late=is_late)):
            break
        counts.add(len(place.waiting()))
        check(place, LATE if is_late else EXPECTED, point)
    check(place, LATE if is_late else EXPECTED, "undisturbed", is_all=True)
    assert point > 30
    assert len(counts) >= 4, "it must have died between any two files"


def in_bad_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have folders listed with each file before its marker, as some filesystems do by chance."""
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: sorted(listdir(path)))


@Strides
@Both
@pytest.mark.usefixtures("way_of_moving")
def test_a_second_crash_in_the_sweep_changes_nothing_either(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, ready: str, stride: int
) -> None:
    in_bad_order(monkeypatch)
    points = 0
    for first in itertools.count(0, stride):
        is_over = False
        for second in itertools.count(first // stride % stride, stride):
            place = Place(memory_path / f"{first}-{second}", ready)
            is_over = not dies(first, partial(upload_beside_another, place, is_late=True))
            if is_over or not dies(second, place.sweep):
                break
            points += 1
            check(place, LATE, (first, second))
        if is_over:
            break
    assert points * stride**2 > 100


class Losing(PowerDisk):
    """Loses power; of the unlinks and renames that were not fsynced, the last one is durable by chance."""

    def __init__(self, calls: int, root: str, earlier: PowerDisk | None = None) -> None:
        super().__init__(calls, root, earlier=earlier)
        self._last: tuple[str, ...] = ()

    def count(self, name: str, *arguments: Any) -> Any:
        given = super().count(name, *arguments)
        if name in {"unlink", "replace", "rename_noreplace"}:
            self._last = arguments
        return given

    def lose_power(self) -> None:
        for path in self._last[:1]:
            folder, name = os.path.split(path)
            self._names.get(folder, {}).pop(name, None)
        for path in self._last[1:]:
            folder, name = os.path.split(path)
            if os.path.lexists(path):
                self._names.setdefault(folder, {})[name] = self._listed(folder)[name]
        super().lose_power()


HOW = {
    "none": PowerDisk,
    "the newest name": partial(PowerDisk, newest_survives=True),
    "the newest change": Losing,
}
"""What that was not fsynced survives by chance."""

ByChance = pytest.mark.parametrize("disk_of", thinned(HOW, "the newest change"))


@Both
@Late
@ByChance
def test_power_loss_before_any_call_leaves_files_whole_or_absent(
    memory_path: Path, ready: str, disk_of: Callable[[int, str], PowerDisk], *, is_late: bool
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), ready)
        disk = disk_of(point, str(place.folder))
        is_over = False
        try:
            upload_beside_another(place, disk, is_late=is_late)
            is_over = True
            disk.calls_left = 1
            disk.sync_folder(place.config.watch_dir + "/.fproc/uploads")  # as the next upload does
        except Crash:
            pass
        disk.lose_power()
        check(place, LATE if is_late else EXPECTED, point, is_all=is_over)
        if is_over:
            break
    assert point > 30


@Strides
@ByChance
@pytest.mark.sweep
def test_power_loss_in_the_sweep_after_a_crash_changes_nothing_either(
    memory_path: Path, monkeypatch: pytest.MonkeyPatch, disk_of: Callable[..., PowerDisk], stride: int
) -> None:
    in_bad_order(monkeypatch)
    points = 0
    for first in itertools.count(0, stride):
        is_over = False
        for second in itertools.count(first // stride % stride, stride):
            place = Place(memory_path / f"{first}-{second}", "marker")
            earlier = PowerDisk(first, str(place.folder))
            try:
                upload_beside_another(place, earlier, is_late=True)
                is_over = True
                break
            except Crash:
                earlier.die()
            disk = disk_of(second, str(place.folder), earlier=earlier)
            has_died = False
            try:
                place.sweep(disk)
            except Crash:
                has_died = True
            disk.lose_power()
            points += 1
            check(place, LATE, (first, second))
            if not has_died:
                break
        if is_over:
            break
    assert points * stride**2 > 100


FAULTS = {"ENOSPC": errno.ENOSPC, "EDQUOT": errno.EDQUOT, "EIO": errno.EIO}


@Both
@pytest.mark.parametrize("error", thinned(FAULTS, "ENOSPC"))
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_a_disk_that_refuses_is_an_error_and_leaves_no_traces(
    memory_path: Path, ready: str, error: int, *, for_good: bool
) -> None:
    for point in itertools.count():
        place = Place(memory_path / str(point), ready)
        disk = BrokenDisk(point, error=error, for_good=for_good)
        was_refused = is_refused(partial(upload_beside_another, place, disk, is_late=True))
        if was_refused and not for_good:
            assert place.uploads() == [], disk.broke_at
        check(place, LATE, disk.broke_at, is_all=not was_refused)
        if not disk.broke_at:
            break
    assert point > 30


def is_refused(step: Callable[[], None]) -> bool:
    try:
        step()
    except OSError:
        return True
    return False


GOOD = [
    "x",
    "x.log",
    "a b.txt",
    " x",
    "x~2.log",
    "~x",
    "-rf",
    "$(reboot)",
    "<img src=x onerror=alert(1)>.txt",
    "naïve \N{SNOWMAN} \U0001f600.csv",
    "zero\u200dwidth",
    "con1",
    "console.log",
    "xCON",
    "com10.txt",
    "lpt.txt",
    "x.con",
    "error.json",
    "x.error.json.txt",
    "x.done",
    "n" * 255,
    "\N{SNOWMAN}" * 85,
    LONGEST,
]


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_is_safe_is_kept_as_it_is_and_processed(place: Place, name: str) -> None:
    assert check_name(name, InputNames(place.config.intake)) == name
    assert [file.name for file in place.upload((name, "one\n"))] == [name]
    place.work()
    assert os.listdir(place.folder / "processed") == [name]


BAD = {
    "": "is empty",
    ".": "dot",
    "..": "dot",
    "/": "path",
    "a/b": "path",
    "../../x.txt": "path",
    "/etc/passwd": "path",
    "C:\\fake\\x.txt": "path",
    "..\\x": "path",
    "a\0b": "control",
    "new\nline": "control",
    "a\x7fb": "control",
    "a\x85b": "control",
    "a\u2028b": "control",
    "\u202etxt.exe": "control",
    "a\u2066b": "control",
    "\udcff": "not text",
    "n" * 256: "256 bytes long; 255 is the most",
    "\N{SNOWMAN}" * 86: "258 bytes long",
    "x.": "dot or a space",
    "x ": "dot or a space",
    "CON": "Windows",
    "con.txt": "Windows",
    "Nul.tar.gz": "Windows",
    "aux .txt": "Windows",
    "prn": "Windows",
    "COM1": "Windows",
    "lpt9.x": "Windows",
    "x.error.json": "reports",
    "x.rejected.jsonl": "reports",
    ".hidden": "ignores",
    ".fproc": "ignores",
    "x.tmp": "ignores",
    "x.part": "ignores",
    "x~": "ignores",
}


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_is_not_safe_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    names = InputNames(plan_of(NODES, watch_dir=str(tmp_path)).config.intake)
    with pytest.raises(InputError, match=BAD[name]) as caught:
        check_name(name, names)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 250
    said.encode()


def test_with_markers_those_are_refused_and_room_is_left_for_them(memory_path: Path) -> None:
    names = InputNames(Place(memory_path / "w", "marker").config.intake)
    with pytest.raises(InputError, match="ignores"):
        check_name("x.done", names)
    assert check_name("n" * 250, names)
    with pytest.raises(InputError, match="251 bytes long; 250 is the most"):
        check_name("n" * 251, names)


NAMES = InputNames(plan_of(NODES, watch_dir="/nowhere").config.intake)


@given(st.text(max_size=300))
@example("x")
def test_every_name_is_refused_or_is_one_plain_file_of_that_name(name: str) -> None:
    try:
        check_name(name, NAMES)
    except InputError as error:
        str(error).encode()
        return
    assert os.path.normpath(os.path.join("/folder", name)) == f"/folder/{name}"
    assert len(os.fsencode(name)) <= 255
    assert name.encode().decode() == name
