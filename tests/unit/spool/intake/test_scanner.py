"""Which files are ready, and what the others wait for; the clocks are the test's own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fproc.spool.disk.paths import kind_of_file
from fproc.spool.intake.scanner import SMALL_BYTES, is_large
from tests.support.helpers import as_user, list_twice
from tests.support.programs.running import NOBODY
from tests.support.spool.dropping import LONG_AGO, NOW, Place, Seen


def test_an_empty_folder_has_nothing_ready(tmp_path: Path) -> None:
    assert Place(tmp_path).scan_after() == Seen([], {}, [])


@pytest.mark.parametrize(("order", "names"), [("oldest", ["c", "a", "b"]), ("name", ["a", "b", "c"])])
def test_a_name_that_the_folder_lists_twice_is_ready_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, names: list[str]
) -> None:
    place = Place(tmp_path, ready="rename", order=order)
    for number, name in enumerate("cab"):
        place.put(name, mtime=LONG_AGO + number)
    list_twice(monkeypatch)
    assert place.scan_after().ready == names


def test_stable_waits_until_size_and_time_have_not_changed_for_the_settle_time(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="stable", settle_seconds=5)
    place.put("x", mtime=LONG_AGO)
    assert place.scan_after() == Seen([], {"x": "0.0 of 5 s settled"}, ["x"])
    assert place.scan_after(2.5) == Seen([], {"x": "2.5 of 5 s settled"}, ["x"])
    assert place.scan_after(2.25).ready == []
    assert place.scan_after(0.25) == Seen(["x"], {}, [])


@pytest.mark.parametrize("ready", ["stable", "auto"])
@pytest.mark.parametrize("change", ["size", "time", "another file"])
def test_a_change_starts_the_settle_time_anew(ready: str, change: str, tmp_path: Path) -> None:
    place = Place(tmp_path, ready=ready, settle_seconds=5)
    place.put("x")
    place.scan_after()
    assert place.scan_after(4).ready == []
    if change == "size":
        place.put("x", "a\nb\n")
    elif change == "time":
        place.touch("x", place.clock)
    else:
        place.put("y.tmp")
        os.replace(tmp_path / "y.tmp", tmp_path / "x")
    assert place.scan_after().waiting == {"x": "0.0 of 5 s settled"}
    assert place.scan_after(4.5).ready == []
    assert place.scan_after(0.5).ready == ["x"]


def test_a_file_that_went_and_came_back_settles_anew(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="stable", settle_seconds=5)
    place.put("x", mtime=LONG_AGO)
    place.scan_after()
    os.rename(tmp_path / "x", tmp_path / "x.tmp")
    place.scan_after(3)
    os.rename(tmp_path / "x.tmp", tmp_path / "x")
    assert place.scan_after(3).ready == []
    assert place.scan_after(5).ready == ["x"]


def test_auto_takes_a_file_that_was_old_already_when_first_seen(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="auto", settle_seconds=5)
    place.put("old", mtime=NOW - 5)
    place.put("young", mtime=NOW - 4.9)
    scan = place.scan_after()
    assert (scan.ready, list(scan.waiting)) == (["old"], ["young"])


def test_stable_does_not_trust_the_age_of_a_file(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="stable", settle_seconds=5)
    place.put("old", mtime=LONG_AGO)
    assert place.scan_after().ready == []


def test_a_file_from_the_future_is_ready_once_it_has_settled(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="auto", settle_seconds=5)
    place.put("x", mtime=NOW + 86400)
    assert place.scan_after().ready == []
    assert place.scan_after(5).ready == ["x"]


@pytest.mark.parametrize("ready", ["stable", "auto"])
def test_without_a_settle_time_a_file_is_ready_at_once(ready: str, tmp_path: Path) -> None:
    place = Place(tmp_path, ready=ready, settle_seconds=0)
    place.put("x", mtime=NOW + 86400)
    assert place.scan_after().ready == ["x"]


def test_rename_takes_a_file_at_once_even_while_it_is_open(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="rename", settle_seconds=5)
    place.put("x")
    with (tmp_path / "x").open("a", encoding="utf-8"):
        assert place.scan_after() == Seen(["x"], {}, [])


def test_marker_waits_for_the_marker_and_never_takes_one(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="marker", marker=".ok")
    place.put("x", mtime=LONG_AGO)
    place.put("lonely.ok", mtime=LONG_AGO)
    assert place.scan_after(100) == Seen([], {"x": "waiting for x.ok"}, [])
    place.put("x.ok")
    assert place.scan_after() == Seen(["x"], {}, [])
    os.unlink(tmp_path / "x")
    assert place.scan_after() == Seen([], {}, [])


def test_only_a_file_is_a_marker(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="marker")
    place.put("x")
    (tmp_path / "x.done").mkdir()
    assert place.scan_after().waiting == {"x": "waiting for x.done"}


def test_a_marker_may_have_a_name_that_is_ignored(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="marker", marker=".tmp")
    place.put("x")
    place.put("x.tmp")
    assert place.scan_after().ready == ["x"]


def test_without_marker_mode_a_marker_is_a_file_like_any_other(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="rename", order="name")
    place.put("x")
    place.put("x.done")
    assert place.scan_after().ready == ["x", "x.done"]


@pytest.mark.parametrize(
    ("order", "ready"),
    [
        ("oldest", ["b", "c", "d", "a"]),
        ("newest", ["a", "c", "d", "b"]),
        ("name", ["a", "b", "c", "d"]),
    ],
)
def test_files_are_taken_in_the_order_that_was_asked_for(
    order: str, ready: list[str], tmp_path: Path
) -> None:
    place = Place(tmp_path, ready="rename", order=order)
    for name, mtime in (("a", 30), ("d", 20), ("b", 10), ("c", 20)):
        place.put(name, mtime=mtime)
    assert place.scan_after().ready == ready


@pytest.mark.parametrize(("order", "names"), [("oldest", ["a", "b", "c"]), ("newest", ["c", "b", "a"])])
@pytest.mark.parametrize("far_seconds", [10**10, 10**12], ids=["year 2286", "year 33658"])
def test_a_file_of_any_time_is_taken_under_its_name_and_in_order(
    memory_path: Path, order: str, names: list[str], far_seconds: int
) -> None:
    place = Place(memory_path, ready="rename", order=order)
    for name, seconds in (("a", -far_seconds), ("b", NOW), ("c", far_seconds)):
        place.put(name, mtime=seconds)
    assert place.scan_after().ready == names


def test_where_only_names_count_no_file_is_looked_at_before_it_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Named:
        """An entry of a folder whose status nobody may ask for."""

        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.name, self.is_file = entry.name, entry.is_file

    @contextmanager
    def listing(path: int) -> Iterator[list[Named]]:
        with scandir(path) as entries:
            yield [Named(entry) for entry in entries]

    place = Place(tmp_path, ready="rename", order="name")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("b")
    for name, size_bytes in (("c", 1), ("b", SMALL_BYTES + 1), ("a", SMALL_BYTES), ("x.tmp", 1)):
        place.put(name, "x" * size_bytes)
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", listing)
    scan = place.scan_after()
    assert (scan.ready, scan.waiting) == (["a", "b", "c"], {})
    assert [is_large(str(tmp_path), name) for name in ("a", "b", "gone")] == [False, True, False]


def test_order_is_exact_to_the_nanosecond(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="rename")
    for name, nanoseconds in (("a", 2), ("b", 1), ("c", 3)):
        place.put(name)
        os.utime(tmp_path / name, ns=(0, 1_700_000_000_000_000_000 + nanoseconds))
    assert place.scan_after().ready == ["b", "a", "c"]


def test_what_is_usually_unfinished_is_ignored(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="rename", order="name")
    for name in (".x", "x.tmp", "X.TMP", "x.part", "x~", "x.tmpx", "tmp", "x.", "x~2"):
        place.put(name)
    scan = place.scan_after()
    assert (scan.ready, scan.waiting) == (["tmp", "x.", "x.tmpx", "x~2"], {})


def test_ignore_patterns_can_be_chosen_or_left_out(tmp_path: Path) -> None:
    for name in (".x", "x.tmp", "a1", "b1", "a\nb"):
        (tmp_path / name).touch()
    place = Place(tmp_path, ready="rename", order="name", ignore=("[ab]*",))
    assert place.scan_after().ready == [".x", "x.tmp"]
    place = Place(tmp_path, ready="rename", order="name", ignore=())
    assert len(place.scan_after().ready) == 5


def test_auto_waits_for_a_file_that_is_open_for_writing(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="auto")
    place.put("x", mtime=LONG_AGO)
    with (tmp_path / "x").open("a", encoding="utf-8"):
        assert place.scan_after(100) == Seen([], {"x": "still open for writing"}, [])
    assert place.scan_after().ready == ["x"]


def test_auto_does_not_wait_for_a_file_that_is_only_being_read(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="auto")
    place.put("x", mtime=LONG_AGO)
    with (tmp_path / "x").open(encoding="utf-8"):
        assert place.scan_after().ready == ["x"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("ready", ["auto", "stable", "rename"])
def test_a_file_that_cannot_be_read_yet_waits_and_is_named_once(
    ready: str, memory_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory_path.chmod(0o755)
    place = Place(memory_path, ready=ready, settle_seconds=1, settle_unknown_seconds=2)
    place.put("x", mtime=LONG_AGO)
    place.put("y", mtime=LONG_AGO)
    os.chmod(memory_path / "x", 0o600)
    with as_user(NOBODY):
        place.scan_after()
        for _ in range(2):
            scan = place.scan_after(2)
            assert (scan.ready, scan.waiting) == (["y"], {"x": "cannot be read yet: Permission denied"})
            assert scan.unreadable == scan.waiting
            assert scan.settling == []
        assert place.scanner.why_waiting("x") == "cannot be read yet: Permission denied"
        assert not place.scanner.is_free("x")
    assert [record.getMessage() for record in caplog.records] == [
        "x: cannot be read yet: Permission denied; it waits until it can be"
    ]
    os.chmod(memory_path / "x", 0o644)
    with as_user(NOBODY):
        place.scan_after()
        assert place.scan_after(2).ready == ["x", "y"]


def test_names_that_are_none_of_match_are_left_alone_and_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    place = Place(tmp_path, ready="rename", match=("*.csv",))
    place.put("A.CSV")
    place.put("b.txt")
    for _ in range(2):
        assert place.scan_after() == Seen(["A.CSV"], {}, [])
    assert place.scanner.why_waiting("b.txt") == "left alone: its name is none of intake.match"
    assert [record.getMessage() for record in caplog.records] == [
        "b.txt: its name is none of intake.match; it is left alone"
    ]


def test_what_is_no_file_is_left_alone_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place(tmp_path, ready="rename")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("x")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        place.put("x")
        assert place.scan_after() == place.scan_after(100) == Seen(["x"], {}, [])
    assert sorted(record.getMessage() for record in caplog.records) == [
        "fifo: is a FIFO, not a file; it is left alone",
        "folder: is a folder, not a file; it is left alone",
        "link: is a symbolic link, not a file; it is left alone",
        "socket: is a socket, not a file; it is left alone",
    ]


def test_what_is_no_file_is_said_again_when_it_comes_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path, ready="rename")
    for _ in range(2):
        (tmp_path / "folder").mkdir()
        place.scan_after()
        (tmp_path / "folder").rmdir()
        place.scan_after()
    assert len(caplog.records) == 2


def test_kinds_have_names() -> None:
    assert kind_of_file("/dev/null") == "is a character device, not a file"
    assert kind_of_file("/nowhere/at/all") == "gone"


def test_a_file_that_gets_an_old_time_while_it_settles_is_not_ready_for_that(tmp_path: Path) -> None:
    place = Place(tmp_path, ready="auto", settle_seconds=5)
    place.put("x")
    assert place.scan_after().ready == []
    place.touch("x", LONG_AGO)
    assert place.scan_after(1).ready == []
    assert place.scan_after(5).ready == ["x"]


def test_ignored_names_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    place = Place(tmp_path)
    place.put("half.tmp")
    place.scan_after()
    place.scan_after()
    assert [record.getMessage() for record in caplog.records] == [
        "half.tmp: its name is ignored (intake.ignore); it is left alone"
    ]


def make_old(folder: Path) -> None:
    os.utime(folder, (LONG_AGO, LONG_AGO))


def test_a_folder_that_was_empty_is_still_empty_until_something_comes(tmp_path: Path) -> None:
    place = Place(tmp_path)
    make_old(tmp_path)
    assert not place.scanner.is_still_empty()
    place.scan_after()
    assert place.scanner.is_still_empty()
    place.put("x")
    assert not place.scanner.is_still_empty()
    make_old(tmp_path)
    place.scan_after()
    assert not place.scanner.is_still_empty()


def test_after_a_look_that_broke_off_a_folder_is_not_taken_for_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: str) -> None:
        raise OSError("the disk refuses")

    place = Place(tmp_path)
    place.put("x")
    make_old(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        with pytest.raises(OSError, match="the disk refuses"):
            place.scan_after()
    assert not place.scanner.is_still_empty()
