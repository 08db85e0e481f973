"""What `--doctor` finds of moves, locks and fsyncs."""

from __future__ import annotations

import errno
import fcntl
import os
import time

import pytest

from fproc.spool.checks import doctor
from fproc.spool.checks.doctor import Finding, examine
from fproc.spool.disk import disk as disk_module
from fproc.spool.layout import Folders
from tests.support.descriptors import new_descriptors, open_descriptors
from tests.support.spool.doctored import BAD, GOOD, WEAK, found, refuse


def test_without_renameat2_a_link_and_an_unlink_do_it(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for renameat2 in (None, lambda _source, _target: errno.ENOSYS, lambda _source, _target: errno.EINVAL):
        monkeypatch.setattr(disk_module, "renameat2", lambda found=renameat2: found)
        finding = found(folders)["rename without replacing"]
        assert (finding.verdict, finding.found) == (GOOD, "not there; a hard link and an unlink do it")


def test_what_nfs_refuses_for_a_free_name_alone_is_found_out_and_what_is_done_instead(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_nfs(_source: str, target: str) -> int:
        return errno.EEXIST if os.path.lexists(target) else errno.EINVAL

    monkeypatch.setattr(disk_module, "renameat2", lambda: of_nfs)
    for module in (disk_module, doctor):
        monkeypatch.setattr(module, "is_local", lambda _path: False)
    finding = found(folders)["rename without replacing"]
    assert finding.verdict is GOOD
    assert finding.found.startswith("not there; within its lease fproc looks and renames")


def test_without_links_either_there_is_a_note(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_module, "renameat2", lambda: None)
    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    finding = found(folders)["rename without replacing"]
    assert finding.verdict is WEAK
    assert finding.found == "not there, and no hard links; a look and a rename do it"
    assert finding.advice == "only others than fproc can come between"


def test_a_move_that_is_refused_in_every_way_is_a_problem(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module, "renameat2", lambda: lambda _source, _target: errno.EIO)
    finding = found(folders)["rename without replacing"]
    assert (finding.verdict, finding.found) == (BAD, os.strerror(errno.EIO))


def test_a_renameat2_that_replaces_after_all_is_a_problem(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(source: str, target: str) -> int:
        os.replace(source, target)
        return 0

    monkeypatch.setattr(disk_module, "renameat2", lambda: replace)
    assert found(folders)["rename without replacing"].verdict is BAD


def test_a_rename_over_a_file_that_is_refused_is_a_problem(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "replace", refuse(errno.EPERM))
    finding = found(folders)["rename over a file"]
    assert (finding.verdict, finding.found) == (BAD, os.strerror(errno.EPERM))


def test_an_fsync_that_fails_is_a_problem(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    findings = found(folders)
    for what in ("fsync of a file", "fsync of a folder"):
        assert (findings[what].verdict, findings[what].found) == (BAD, os.strerror(errno.EIO))
        assert '"durability": "process"' in findings[what].advice


def test_a_slow_fsync_is_a_note_that_says_how_slow(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def take_long(_descriptor: int) -> None:
        now[0] += 0.0625

    monkeypatch.setattr(os, "fsync", take_long)
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    findings = found(folders)
    for what in ("fsync of a file", "fsync of a folder"):
        assert (findings[what].verdict, findings[what].found) == (WEAK, "works, in 62.5 ms")
        assert '"durability": "process"' in findings[what].advice


def test_one_slow_fsync_among_five_says_nothing(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [0.0], list[int]()

    def take_long_at_first(descriptor: int) -> None:
        calls.append(descriptor)
        now[0] += 1.0 if len(calls) in {1, 6} else 0.001

    monkeypatch.setattr(os, "fsync", take_long_at_first)
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    findings = found(folders)
    assert findings["fsync of a file"].found == "works, in 1.0 ms"
    assert findings["fsync of a folder"].verdict is GOOD


def test_locks_that_do_not_exclude_are_a_problem(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda _descriptor, _operation: None)
    finding = found(folders)["locks of folders"]
    assert finding == Finding(
        "locks of folders", BAD, "two were given for one folder", "two instances could take one file"
    )


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EBADF, errno.EOPNOTSUPP, errno.EWOULDBLOCK])
def test_locks_that_are_refused_are_a_problem(
    number: int, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", refuse(number))
    finding = found(folders)["locks of folders"]
    assert (finding.verdict, finding.found) == (BAD, os.strerror(number))


def test_folders_without_constant_inode_numbers_are_a_problem(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "is_at", lambda _descriptor, _path: False)
    assert found(folders)["locks of folders"].verdict is BAD


def test_the_probe_of_locks_leaves_no_descriptor_open(folders: Folders) -> None:
    before = open_descriptors()
    examine(folders)
    assert not new_descriptors(before)
