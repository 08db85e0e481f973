"""The calls that change a disk: moving without replacing, locking, writing whole files."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.disk import disk as disk_module
from fproc.spool.disk.disk import Disk, remove_begun, unlink_if_there, write_whole
from fproc.spool.disk.libc import renameat2 as found_renameat2
from fproc.spool.disk.paths import is_at, same_file
from tests.support.descriptors import new_descriptors, open_descriptors

DISK = Disk(power=False)

HOLD_LOCK = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def refuse(number: int) -> Callable[..., None]:
    def call(*_arguments: Any, **_options: Any) -> None:
        raise OSError(number, os.strerror(number))

    return call


@pytest.fixture(
    params=[
        "renameat2",
        "no renameat2 here",
        "renameat2 says ENOSYS",
        "renameat2 says EINVAL",
        "no links either",
    ]
)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the ways in which a move may have to be done."""
    chosen = str(request.param)
    if chosen == "renameat2 says ENOSYS":
        monkeypatch.setattr(disk_module, "renameat2", lambda: lambda _source, _target: errno.ENOSYS)
    elif chosen == "renameat2 says EINVAL":
        monkeypatch.setattr(disk_module, "renameat2", lambda: lambda _source, _target: errno.EINVAL)
    elif chosen != "renameat2":
        monkeypatch.setattr(disk_module, "renameat2", lambda: None)
    if chosen == "no links either":
        monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    return chosen


def put(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_move_gives_the_file_its_new_name_and_no_other(way: str, tmp_path: Path) -> None:
    source, target = put(tmp_path / "a", "A"), str(tmp_path / "b")
    inode = os.stat(source).st_ino
    DISK.move(source, target)
    assert os.listdir(tmp_path) == ["b"]
    assert os.stat(target).st_ino == inode


def test_a_move_replaces_nothing(way: str, tmp_path: Path) -> None:
    source, target = put(tmp_path / "a", "A"), put(tmp_path / "b", "B")
    with pytest.raises(FileExistsError):
        DISK.move(source, target)
    assert Path(source).read_text() == "A"
    assert Path(target).read_text() == "B"


@pytest.mark.parametrize("there", ["a folder", "a dangling link"])
def test_a_move_replaces_nothing_that_is_no_file_either(way: str, there: str, tmp_path: Path) -> None:
    source, target = put(tmp_path / "a", "A"), tmp_path / "b"
    if there == "a folder":
        target.mkdir()
    else:
        target.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        DISK.move(source, str(target))
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_move_of_nothing_says_so(way: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DISK.move(str(tmp_path / "a"), str(tmp_path / "b"))
    assert os.listdir(tmp_path) == []


def test_a_move_into_a_folder_that_is_missing_leaves_the_file_where_it_is(way: str, tmp_path: Path) -> None:
    source = put(tmp_path / "a", "A")
    with pytest.raises(FileNotFoundError):
        DISK.move(source, str(tmp_path / "none" / "b"))
    assert Path(source).read_text() == "A"


def test_a_move_that_a_crash_left_with_both_names_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for renameat2 in (found_renameat2(), None):
        monkeypatch.setattr(disk_module, "renameat2", lambda found=renameat2: found)
        source, target = put(tmp_path / "a", "A"), str(tmp_path / "b")
        os.link(source, target)
        DISK.move(source, target)
        assert os.listdir(tmp_path) == ["b"]
        os.unlink(target)


def test_the_link_does_not_follow_a_symbolic_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_module, "renameat2", lambda: None)
    put(tmp_path / "real", "R")
    (tmp_path / "a").symlink_to("real")
    DISK.move(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["b", "real"]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EXDEV, errno.EACCES])
def test_any_other_refusal_is_an_error_and_no_reason_for_another_way(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put(tmp_path / "a", "A")
    monkeypatch.setattr(disk_module, "renameat2", lambda: lambda _source, _target: number)
    with pytest.raises(OSError, match=r"a' -> ") as caught:
        DISK.move(source, str(tmp_path / "b"))
    assert caught.value.errno == number
    monkeypatch.setattr(disk_module, "renameat2", lambda: None)
    monkeypatch.setattr(os, "link", refuse(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        DISK.move(source, str(tmp_path / "b"))
    assert os.listdir(tmp_path) == ["a"]


def test_a_lock_is_held_until_it_is_closed(tmp_path: Path) -> None:
    folder = str(tmp_path / "job")
    held = DISK.lock(folder)
    assert held is not None
    before = open_descriptors()
    assert DISK.lock(folder) is None
    assert not new_descriptors(before)
    DISK.close(held)
    again = DISK.lock(folder)
    assert again is not None
    DISK.close(again)


@pytest.fixture
def other_process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock of `job`."""
    (tmp_path / "job").mkdir()
    command = [sys.executable, "-I", "-S", "-c", HOLD_LOCK, str(tmp_path / "job")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield process
        process.kill()


def test_another_process_s_lock_is_respected_and_goes_with_its_death(
    other_process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    folder = str(tmp_path / "job")
    assert DISK.lock(folder) is None
    other_process.kill()
    other_process.wait()
    held = DISK.lock(folder)
    assert held is not None
    DISK.close(held)


def test_a_lock_folder_that_was_removed_is_made_anew_and_the_old_lock_is_worth_nothing(
    tmp_path: Path,
) -> None:
    folder = str(tmp_path / "job")
    old = DISK.lock(folder)
    assert old is not None
    assert is_at(old, folder)
    shutil.rmtree(folder)
    assert not is_at(old, folder)
    new = DISK.lock(folder)
    assert new is not None
    assert is_at(new, folder)
    assert not is_at(old, folder)
    DISK.close(old)
    DISK.close(new)


def test_a_folder_that_was_removed_while_it_was_being_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, flock, removed = str(tmp_path / "job"), fcntl.flock, list[int]()

    def remove_first(descriptor: int, operation: int) -> None:
        if not removed:
            removed.append(os.stat(folder).st_ino)
            os.rename(folder, tmp_path / "away")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    held = DISK.lock(folder)
    assert held is not None
    assert is_at(held, folder)
    assert os.fstat(held).st_ino != removed[0]
    DISK.close(held)


def test_a_folder_that_is_there_need_not_be_made(tmp_path: Path) -> None:
    DISK.make_folder(str(tmp_path / "a"))
    DISK.make_folder(str(tmp_path / "a"))
    put(tmp_path / "file", "")
    with pytest.raises(FileExistsError):
        DISK.make_folder(str(tmp_path / "file"))


def test_a_write_that_the_kernel_takes_in_parts_is_whole_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    descriptor = DISK.create(str(tmp_path / "a"))
    DISK.write(descriptor, b"0123456789")
    DISK.close(descriptor)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_file_is_created_empty_and_reopened_to_go_on(tmp_path: Path) -> None:
    path = put(tmp_path / "a", "old")
    for open_, data in ((DISK.create, b"one"), (DISK.reopen, b"two")):
        descriptor = open_(path)
        DISK.write(descriptor, data)
        DISK.close(descriptor)
    assert Path(path).read_bytes() == b"onetwo"
    with pytest.raises(FileNotFoundError):
        DISK.reopen(str(tmp_path / "none"))


@pytest.mark.parametrize("power", [True, False])
def test_fsync_is_called_where_power_may_be_lost_and_only_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, power: bool
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    write_whole(Disk(power=power), str(tmp_path), "a", b"A")
    inodes = [os.stat(tmp_path / "a").st_ino, os.stat(tmp_path).st_ino]
    assert synced == (inodes if power else [])


def test_a_whole_file_appears_over_an_earlier_one_and_alone(tmp_path: Path) -> None:
    put(tmp_path / "a", "old and longer")
    write_whole(DISK, str(tmp_path), "a", b"new")
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


def test_two_who_write_one_record_at_a_time_do_not_get_into_each_others_way(tmp_path: Path) -> None:
    class Overtaken(Disk):
        def sync(self, descriptor: int) -> None:
            write_whole(DISK, str(tmp_path), "a", b"another's")
            super().sync(descriptor)

    write_whole(Overtaken(power=False), str(tmp_path), "a", b"mine")
    assert (os.listdir(tmp_path), (tmp_path / "a").read_bytes()) == (["a"], b"mine")


def test_what_was_begun_by_an_owner_that_has_died_is_removed_and_nothing_else(tmp_path: Path) -> None:
    class Dies(Disk):
        def replace(self, source: str, target: str) -> None:
            raise KeyboardInterrupt

    put(tmp_path / "b", "B")
    with pytest.raises(KeyboardInterrupt):
        write_whole(Dies(power=False), str(tmp_path), "a", b"A")
    assert len(os.listdir(tmp_path)) == 2
    remove_begun(DISK, str(tmp_path))
    assert os.listdir(tmp_path) == ["b"]


@pytest.mark.parametrize("call", ["write", "sync", "replace"])
def test_a_whole_file_that_could_not_be_written_leaves_the_earlier_one_and_no_litter(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "a", "old")
    before = open_descriptors()
    disk = Disk(power=True)
    monkeypatch.setattr(disk, call, refuse(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        write_whole(disk, str(tmp_path), "a", b"new")
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
    assert not new_descriptors(before)


def test_same_file_is_about_inodes_and_not_about_contents(tmp_path: Path) -> None:
    one, other = put(tmp_path / "a", "A"), put(tmp_path / "b", "A")
    os.link(one, tmp_path / "c")
    (tmp_path / "d").symlink_to("a")
    assert same_file(one, str(tmp_path / "c"))
    assert not same_file(one, other)
    assert not same_file(one, str(tmp_path / "d"))
    assert not same_file(one, str(tmp_path / "none"))


def test_what_is_gone_need_not_be_unlinked(tmp_path: Path) -> None:
    unlink_if_there(DISK, put(tmp_path / "a", ""))
    unlink_if_there(DISK, str(tmp_path / "a"))
    assert os.listdir(tmp_path) == []
    with pytest.raises(OSError, match=str(tmp_path)):
        unlink_if_there(DISK, str(tmp_path))


def test_what_others_may_move_is_taken_by_a_rename_where_hosts_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Linking(Disk):
        def link(self, source: str, target: str) -> None:
            raise AssertionError("an NFS client links what has been moved away")

    disk = Linking(power=True)
    monkeypatch.setattr(disk_module, "renameat2", lambda: None)
    monkeypatch.setattr(disk_module, "is_local", lambda _path: False)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new")
    disk.take(str(source), str(target))
    assert (target.read_text(), source.exists()) == ("new", False)
    with pytest.raises(FileNotFoundError):
        disk.take(str(source), str(target))
    source.write_text("newer")
    with pytest.raises(FileExistsError):
        disk.take(str(source), str(target))
    assert (target.read_text(), source.read_text()) == ("new", "newer")
    os.link(target, tmp_path / "again")
    disk.take(str(tmp_path / "again"), str(target))
    assert sorted(os.listdir(tmp_path)) == ["source", "target"]


def test_a_rename_whose_answer_was_lost_is_seen_to_have_been_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Restarted(Disk):
        """An NFS server that was restarted: it does a rename, and is asked again."""

        def replace(self, source: str, target: str) -> None:
            super().replace(source, target)
            super().replace(source, target)

    monkeypatch.setattr(disk_module, "renameat2", lambda: None)
    monkeypatch.setattr(disk_module, "is_local", lambda _path: False)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new")
    Restarted(power=True).take(str(source), str(target))
    assert target.read_text() == "new"
    write_whole(Restarted(power=True), str(tmp_path), "record.json", b"{}")
    assert (tmp_path / "record.json").read_text() == "{}"


def test_a_broken_database_is_put_aside_with_what_belongs_to_it(tmp_path: Path) -> None:
    for ending in ("", "-wal"):
        (tmp_path / f"history.db{ending}").write_text(ending)
    aside = disk_module.set_aside(DISK, str(tmp_path / "history.db"))
    assert aside.startswith(f"{tmp_path}/history.db.corrupt-")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        os.path.basename(aside): "",
        f"{os.path.basename(aside)}-wal": "-wal",
    }


def test_a_record_that_cannot_be_written_whole_over_another_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record"
    path.write_bytes(b"0123456789")
    monkeypatch.setattr(os, "pwrite", lambda _descriptor, _data, _offset: 3)
    with path.open("r+b") as file, pytest.raises(OSError, match="No space left"):
        DISK.overwrite(file.fileno(), b"{}")
