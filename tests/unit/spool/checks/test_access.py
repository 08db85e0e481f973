"""Results get the group, the ACL and the mode that they would have if they were made where they appear."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fproc.spool.checks.access import Access
from fproc.spool.checks.result_folders import ResultFolders
from fproc.spool.disk.disk import Disk
from fproc.spool.job.claim import Claim
from fproc.spool.job.decision import FileStamp, appended_text
from fproc.spool.output.direct import DirectOutput
from tests.support.spool.claims import Place, owned

DEFAULT_ACL = "system.posix_acl_default"
ACCESS_ACL = "system.posix_acl_access"


def acl(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
SHARED = acl(
    (0x01, 7, NOBODY),
    (0x02, 7, 12345),
    (0x04, 5, NOBODY),
    (0x08, 4, 23456),
    (0x10, 7, NOBODY),
    (0x20, 5, NOBODY),
)
"""A default ACL: one user may do all, one group read."""
PLAIN = acl((0x01, 7, NOBODY), (0x04, 7, NOBODY), (0x20, 0, NOBODY))
"""A default ACL that names nobody: it takes the place of the umask."""


@pytest.fixture
def other_group() -> int:
    """A group that is not the one of new files, and that this user may give to files."""
    if os.geteuid() == 0:
        return 4
    others = set(os.getgroups()) - {os.getegid()}
    if not others:
        pytest.skip("this user is in one group alone")
    return min(others)


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def share(folder: Path, group: int | None = None, default: bytes = b"") -> None:
    """Have a folder pass on a group and a default ACL, or neither."""
    if group is not None:
        os.chown(folder, -1, group)
        folder.chmod(0o2775)
    if default:
        try:
            os.setxattr(folder, DEFAULT_ACL, default)
        except OSError:
            pytest.skip("no ACLs on this filesystem")


def made_there(folder: Path) -> tuple[int, int, bytes]:
    """What the system gives to a file that is made in a folder."""
    (folder / "by-hand").touch()
    return access_of(folder / "by-hand")


def access_of(path: Path) -> tuple[int, int, bytes]:
    status = path.stat()
    has_acl = ACCESS_ACL in os.listxattr(path)
    return status.st_gid, status.st_mode, os.getxattr(path, ACCESS_ACL) if has_acl else b""


def committed(claim: Claim, *names: str) -> None:
    for name in names:
        claim.staging.write(name, "A")
    claim.staging.flush()
    claim.commit(FileStamp.of(os.stat(claim.path)))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "w")
    made.put("unprocessed/x.log")
    return made


@pytest.mark.parametrize("default", [b"", SHARED, PLAIN], ids=["no ACL", "ACL", "plain ACL"])
@pytest.mark.parametrize("is_setgid", [False, True], ids=["no group", "setgid"])
@pytest.mark.usefixtures("narrow_umask")
def test_a_result_gets_what_its_folder_passes_on_also_if_that_was_said_after_a_start(
    place: Place, other_group: int, *, default: bytes, is_setgid: bool
) -> None:
    folder = place.folder / "results"
    share(folder, other_group if is_setgid else None, default)
    committed(owned(place.spool.claim("x.log")), "x.log", "below/x.log")
    assert access_of(folder / "x.log") == made_there(folder)
    assert access_of(folder / "below" / "x.log") == made_there(folder)


@pytest.mark.parametrize("default", [b"", SHARED, PLAIN], ids=["no ACL", "ACL", "plain ACL"])
@pytest.mark.parametrize("above", [b"", SHARED], ids=["no ACL above", "ACL above"])
@pytest.mark.usefixtures("narrow_umask")
def test_a_result_in_a_folder_that_passes_on_something_else_gets_that(
    place: Place, other_group: int, default: bytes, above: bytes
) -> None:
    folder = place.folder / "results" / "below"
    folder.mkdir()
    share(folder, other_group, default)
    share(folder.parent, None, above)
    committed(owned(place.spool.claim("x.log")), "x.log", "below/x.log")
    assert access_of(folder / "x.log") == made_there(folder)
    assert access_of(folder.parent / "x.log") == made_there(folder.parent)


@pytest.mark.usefixtures("narrow_umask")
def test_what_a_folder_passes_on_no_longer_results_do_not_get_either(place: Place, other_group: int) -> None:
    folder, stage = place.folder / "results", Path(place.spool.home.stage)
    seconds = [0.0]
    known = ResultFolders(str(folder), str(stage), lambda: seconds[0])
    share(folder, other_group, SHARED)
    assert known.stage() == str(stage)
    assert Access.of(str(stage)) == Access(other_group, SHARED)
    folder.chmod(0o755)
    os.removexattr(folder, DEFAULT_ACL)
    known.stage()
    assert Access.of(str(stage)) == Access(other_group, SHARED), "it was looked at before its time"
    seconds[0] += 1.0
    known.stage()
    assert Access.of(str(stage)) == Access()


def test_the_folder_is_not_looked_at_for_each_result(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    real_stat = os.stat

    def stat(path: str, **options: Any) -> os.stat_result:
        looks.append(str(path))
        return real_stat(path, **options)

    monkeypatch.setattr(os, "stat", stat)
    for name in ("y.log", "z.log", "x.log"):
        place.put(f"unprocessed/{name}")
        committed(owned(place.spool.claim(name)), name)
    assert looks.count(str(place.folder / "results")) == 1


@pytest.mark.parametrize("mode", ["640", "0664"])
@pytest.mark.usefixtures("narrow_umask")
def test_results_have_the_mode_that_the_configuration_says(place: Place, mode: str) -> None:
    committed(owned(place.instance(results_mode=mode).claim("x.log")), "x.log", "below/x.log")
    for name in ("x.log", "below/x.log"):
        assert (place.folder / "results" / name).stat().st_mode & 0o777 == int(mode, 8)


@pytest.mark.usefixtures("narrow_umask")
def test_results_of_inputs_beside_the_spool_are_shared_alike(tmp_path: Path, other_group: int) -> None:
    share(tmp_path, other_group, SHARED)
    output = DirectOutput(Disk(power=False), str(tmp_path), rename={}, read_text=appended_text)
    output.staging.write("x.log", "A")
    output.staging.flush()
    output.publish([], set())
    output.close()
    assert access_of(tmp_path / "x.log") == made_there(tmp_path)


def test_a_group_that_may_not_be_given_away_is_said_once(
    place: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(place.folder / "results", 4 if os.geteuid() == 0 else None)
    if os.geteuid() != 0:
        pytest.skip("only root can make such a folder")

    def refuse(path: str, _user: int, _group: int) -> None:
        raise PermissionError(1, "Operation not permitted", path)

    monkeypatch.setattr(os, "chown", refuse)
    committed(owned(place.spool.claim("x.log")), "x.log")
    place.put("unprocessed/y.log")
    committed(owned(place.spool.claim("y.log")), "y.log")
    assert caplog.text.count("results may get another group or ACL than their folder says") == 1
    assert (place.folder / "results" / "y.log").exists()
