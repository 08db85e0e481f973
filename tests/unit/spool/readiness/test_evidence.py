"""Who is known to have a file open for writing: what the kernel says, to whom, and on which filesystems."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.disk import mounts
from fproc.spool.readiness import evidence
from fproc.spool.readiness.evidence import Evidence, evidence_at, evidence_of, reach_of
from tests.support.descriptors import new_descriptors, open_descriptors
from tests.support.helpers import as_user
from tests.support.programs.running import NOBODY, open_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as path:
        yield path


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    """Forget what was found out about filesystems, which these tests change."""
    mounts._type_in.cache_clear()
    yield
    mounts._type_in.cache_clear()


@contextmanager
def overlaid(folder: Path) -> Iterator[tuple[Path, Path]]:
    """An overlay: where it is mounted, and the upper folder below it."""
    for name in ("lower", "upper", "work", "seen"):
        (folder / name).mkdir()
    ways = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work"
    mount = ["mount", "-t", "overlay", "overlay", "-o", ways, str(folder / "seen")]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no overlay can be mounted here")
    try:
        yield folder / "seen", folder / "upper"
    finally:
        subprocess.run(["umount", str(folder / "seen")], check=True)


def test_a_file_that_is_open_for_writing_is_told_from_one_that_is_not(folder: Path) -> None:
    path = folder / "x"
    with path.open("w") as writer:
        assert evidence_at(str(path)) is Evidence.SOMEONE_WRITES
        with path.open() as reader:
            assert evidence_of(reader.fileno(), str(path)) is Evidence.SOMEONE_WRITES
            writer.close()
            assert evidence_of(reader.fileno(), str(path)) is Evidence.NOBODY_WRITES
        assert evidence_at(str(path)) is Evidence.NOBODY_WRITES


def test_asking_leaves_no_descriptor_and_no_lease(folder: Path) -> None:
    path = folder / "x"
    before = open_descriptors()
    with path.open("w") as file:
        evidence_at(str(path))
        assert fcntl.fcntl(file.fileno(), fcntl.F_GETLEASE) == fcntl.F_UNLCK
    evidence_at(str(path))
    with pytest.raises(FileNotFoundError):
        evidence_at(str(folder / "none"))
    assert not new_descriptors(before)


@as_root
@pytest.mark.parametrize("is_open", [True, False])
def test_of_another_users_file_nothing_is_known(folder: Path, *, is_open: bool) -> None:
    path = folder / "x"
    with path.open("w") as writer:
        path.chmod(0o644)
        if not is_open:
            writer.close()
        with as_user(NOBODY):
            assert evidence_at(str(path)) is Evidence.UNKNOWN
            reach = reach_of(str(folder))
            assert reach.why_unknown(0) == "its owner is another user, and fproc has no CAP_LEASE"
            assert reach.why_unknown(NOBODY) == ""
        assert reach_of(str(folder)).why_unknown(NOBODY) == ""


@as_root
def test_a_file_that_cannot_be_read_says_so(folder: Path) -> None:
    path = folder / "x"
    path.touch(0o600)
    with as_user(NOBODY), pytest.raises(PermissionError):
        evidence_at(str(path))


def test_what_is_no_file_any_more_is_left_to_whoever_opens_it(folder: Path) -> None:
    (folder / "link").symlink_to("x")
    assert evidence_at(str(folder / "link")) is Evidence.UNKNOWN


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuseblk", "9p", "gfs2", None])
def test_where_others_may_write_unseen_no_lease_is_asked_for(
    folder: Path, kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "x"
    path.touch()
    monkeypatch.setattr(mounts, "filesystem_type", lambda _path: kind)

    def refuse(*_arguments: Any) -> int:
        raise AssertionError("it was asked for")

    monkeypatch.setattr(evidence, "_ask_for_lease", refuse)
    with path.open("a"):
        assert evidence_at(str(path)) is Evidence.UNKNOWN
    assert (kind or "does not say") in reach_of(str(folder)).why_none


def test_an_overlay_is_believed_only_when_it_refuses(folder: Path) -> None:
    with overlaid(folder) as (seen, upper):
        with (seen / "x").open("w"):
            assert evidence_at(str(seen / "x")) is Evidence.SOMEONE_WRITES
        assert evidence_at(str(seen / "x")) is Evidence.UNKNOWN
        with (upper / "y").open("w"):
            assert evidence_at(str(seen / "y")) is Evidence.UNKNOWN
        assert "overlay" in reach_of(str(seen)).why_none


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOLCK, errno.ENOMEM])
def test_any_other_refusal_says_nothing(folder: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "x"
    path.touch()

    def refuse(*_arguments: Any) -> int:
        raise OSError(number, "no leases here")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert evidence_at(str(path)) is Evidence.UNKNOWN


def test_a_system_without_leases_knows_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(fcntl, "F_SETLEASE")
    path = folder / "x"
    path.touch()
    assert evidence_at(str(path)) is Evidence.UNKNOWN
    assert reach_of(str(folder)).why_none == "this system has no leases"


def test_the_filesystem_of_a_folder_is_not_looked_up_for_each_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def look_up(path: str) -> str:
        looked_up.append(path)
        return "ext4"

    monkeypatch.setattr(mounts, "filesystem_type", look_up)
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    for number in range(10):
        (folder / str(number)).touch()
        evidence_at(str(folder / str(number)))
    assert looked_up == [str(folder)]
    monkeypatch.setattr("time.monotonic", lambda: 106.0)
    evidence_at(str(folder / "0"))
    assert looked_up == [str(folder)] * 2
