"""What inputs hold is made durable, each as far as it can be."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from fproc.spool.disk.contents import sync_contents, sync_unless
from fproc.spool.disk.disk import Disk
from tests.support.descriptors import new_descriptors, open_descriptors


class CountingDisk(Disk):
    """Notes which files are fsynced, and refuses those whose names say so."""

    def __init__(self, *, power: bool = True) -> None:
        super().__init__(power=power)
        self.synced: list[str] = []

    def sync(self, descriptor: int) -> None:
        name = os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))
        self.synced.append(name)
        if name.startswith("refused"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def made(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).write_text(name)
    return [str(folder / name) for name in names]


def test_every_file_is_fsynced_once_and_closed(tmp_path: Path) -> None:
    disk, before = CountingDisk(), open_descriptors()
    names = [str(number) for number in range(11)]
    paths = made(tmp_path, *names)
    assert sync_contents(disk, paths) == {path: os.stat(path).st_ino for path in paths}
    assert sorted(disk.synced) == sorted(names)
    assert not new_descriptors(before)


def test_what_stands_in_the_way_of_one_file_is_told_and_stops_no_other(tmp_path: Path) -> None:
    disk = CountingDisk()
    paths = made(tmp_path, "a", "refused 1", "b", "c", "d", "refused 2")
    found = sync_contents(disk, paths)
    assert {path: trouble.errno for path, trouble in found.items() if isinstance(trouble, OSError)} == {
        paths[1]: errno.EIO,
        paths[5]: errno.EIO,
    }
    assert sorted(disk.synced) == ["a", "b", "c", "d", "refused 1", "refused 2"]


def test_a_file_that_cannot_be_opened_for_now_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_disk: Disk, path: str) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)

    monkeypatch.setattr(Disk, "open_to_sync", refuse)
    [path] = made(tmp_path, "a")
    with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
        sync_unless(CountingDisk(), path, os.lstat(path), None)


def test_what_nobody_can_read_is_left_to_who_tries_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    paths = [str(tmp_path / name) for name in ("pipe", "link", "gone")]
    assert sync_contents(CountingDisk(), paths) == {}

    def refuse(_disk: Disk, path: str) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(Disk, "open_to_sync", refuse)
    assert sync_contents(CountingDisk(), made(tmp_path, "secret")) == {}


def test_nothing_is_fsynced_or_opened_where_only_kills_are_to_be_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> int:
        raise AssertionError

    monkeypatch.setattr(Disk, "open_to_sync", fail)
    disk = CountingDisk(power=False)
    assert sync_contents(disk, made(tmp_path, "a", "b")) == {}
    assert disk.sync_all([1, 2]) == [None, None]


def test_a_system_that_has_no_thread_to_give_fsyncs_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr("fproc.spool.disk.disk._QUICK_SECONDS", 0.0)
    disk = CountingDisk()
    names = [str(number) for number in range(9)]
    assert len(sync_contents(disk, made(tmp_path, *names))) == len(names)
    assert sorted(disk.synced) == sorted(names)


@pytest.mark.parametrize(("slow", "threads"), [(set(), 0), ({0}, 3), ({4}, 3), ({6}, 1), ({8}, 0)])
def test_threads_fsync_what_is_left_once_one_had_to_be_waited_for(
    slow: set[int], threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, now, begun = threading.current_thread(), [0.0], []
    start = threading.Thread.start

    def note(thread: threading.Thread) -> None:
        begun.append(thread)
        start(thread)

    class SlowDisk(CountingDisk):
        def sync(self, descriptor: int) -> None:
            if threading.current_thread() is main:
                now[0] += 0.01 if len(self.synced) in slow else 0.0
            super().sync(descriptor)

    monkeypatch.setattr("fproc.spool.disk.disk.time.perf_counter", lambda: now[0])
    monkeypatch.setattr(threading.Thread, "start", note)
    disk = SlowDisk()
    names = [str(number) for number in range(9)]
    assert len(sync_contents(disk, made(tmp_path, *names))) == len(names)
    assert sorted(disk.synced) == sorted(names)
    assert len(begun) == threads


def test_a_file_that_was_put_in_place_of_the_one_that_is_durable_is_fsynced_too(tmp_path: Path) -> None:
    disk = CountingDisk()
    [path] = made(tmp_path, "a")
    synced = sync_contents(disk, [path])[path]
    assert isinstance(synced, int)
    sync_unless(disk, path, os.lstat(path), synced)
    assert disk.synced == ["a"]
    [other] = made(tmp_path, "b")
    os.replace(other, path)
    sync_unless(disk, path, os.lstat(path), synced)
    assert disk.synced == ["a", "a"]
