"""What `--doctor` finds of leases, room, clocks, names and limits."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fproc.spool.checks import doctor
from fproc.spool.checks.doctor import Rating
from fproc.spool.disk import mounts as mounts_module
from fproc.spool.disk.mounts import filesystem_type, is_local
from fproc.spool.layout import Folders
from fproc.spool.readiness import evidence
from tests.support.spool.doctored import BAD, GOOD, WEAK, found, refuse


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES])
def test_without_leases_auto_waits_until_a_file_was_unchanged_for_longer(
    number: int, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "fcntl", refuse(number))
    finding = found(folders)["leases"]
    assert (finding.verdict, finding.found) == (WEAK, "do not tell who has a file open for writing")
    unchanged = 'until a file was unchanged for "settle_unknown_seconds"'
    assert finding.advice == f'"ready": "auto" waits {unchanged}'


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "overlay"])
def test_where_leases_know_nothing_of_writers_none_is_asked_for(
    kind: str, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "recent_filesystem_type", lambda _folder: kind)
    finding = found(folders)["leases"]
    assert (finding.verdict, finding.found.split(":")[0]) == (WEAK, "are not asked for")


def test_leases_that_are_always_refused_tell_nothing(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "fcntl", refuse(errno.EAGAIN))
    assert found(folders)["leases"].verdict is WEAK


@pytest.mark.parametrize("is_able", [True, False])
def test_leases_tell_of_others_files_with_a_capability_alone(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, *, is_able: bool
) -> None:
    monkeypatch.setattr(evidence, "_has_cap_lease", lambda _user, _period: is_able)
    finding = found(folders)["leases"]
    assert (finding.verdict, "CAP_LEASE" in finding.found) == (GOOD, not is_able)


@pytest.mark.parametrize(
    ("free", "total", "verdict"),
    [
        (50_000, 100_000, GOOD),
        (2_560, 100_000, GOOD),
        (2_559, 100_000, BAD),
        (10_000, 1_000_001, BAD),
        (0, 100, BAD),
        (0, 0, GOOD),
    ],
)
def test_space_is_short_below_a_hundredth_or_ten_megabytes(
    free: int, total: int, verdict: Rating, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = SimpleNamespace(f_bavail=free, f_blocks=total, f_frsize=4096, f_favail=0, f_files=0)
    monkeypatch.setattr(os, "statvfs", lambda _path: status)
    finding = found(folders)["free space"]
    assert (finding.verdict, finding.advice) == (verdict, "make room" if verdict is BAD else "")


@pytest.mark.parametrize(
    ("free", "total", "verdict"),
    [(5_000, 10_000, GOOD), (999, 10_000, BAD), (10_000, 1_000_001, BAD), (0, 10, BAD), (0, 0, GOOD)],
)
def test_inodes_are_short_below_a_hundredth_or_a_thousand(
    free: int, total: int, verdict: Rating, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = SimpleNamespace(f_bavail=10**6, f_blocks=10**7, f_frsize=4096, f_favail=free, f_files=total)
    monkeypatch.setattr(os, "statvfs", lambda _path: status)
    findings = found(folders)
    assert findings["free inodes"].verdict is verdict
    assert findings["free space"].found == "4,096 MB, 10.0% of all"


def test_what_is_free_may_be_refused_an_answer(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", refuse(errno.EIO))
    findings = found(folders)
    assert (findings["free space"].verdict, findings["free space"].found) == (BAD, os.strerror(errno.EIO))


class Clock:
    """A clock that goes on when someone sleeps, and a filesystem whose times count in steps of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step_ns: int, *, stall_seconds: float = 0.0) -> None:
        self.now_ns = 1_000_000_000_000
        self.step_ns = step_ns
        self.stall_seconds = stall_seconds
        monkeypatch.setattr(time, "monotonic", lambda: self.now_ns / 1e9)
        monkeypatch.setattr(time, "sleep", self.sleep)
        monkeypatch.setattr(os, "fstat", self.fstat)

    def sleep(self, seconds: float) -> None:
        self.now_ns += round((seconds + self.stall_seconds) * 1e9)
        self.stall_seconds = 0.0

    def fstat(self, _descriptor: int) -> Any:
        return SimpleNamespace(st_mtime_ns=self.now_ns // self.step_ns * self.step_ns)


@pytest.mark.parametrize(
    ("step_seconds", "said", "advice"),
    [
        (0.0001, "steps of 0.0005 s or less", None),
        (0.01, "steps of 0.01 s or less", None),
        (0.1, "steps of 0.1 s or less", None),
        (0.25, "steps of 0.25 s", 'set "settle_seconds" to 0.5 or more'),
        (2, "steps of 2 s", 'set "settle_seconds" to 4 or more'),
        (3600, "no change in 2.1 s of writing", 'set "settle_seconds" to 4.2 or more'),
    ],
)
def test_coarse_times_need_a_longer_settle_time(
    step_seconds: float, said: str, advice: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        clock = Clock(patch, round(step_seconds * 1e9))
        begun_ns = clock.now_ns
        answer = doctor._time_steps(str(tmp_path))
    assert answer == (GOOD if advice is None else WEAK, said, advice)
    assert clock.now_ns - begun_ns <= (0.15e9 if advice is None else 2.2e9)


def test_a_stall_of_the_host_is_not_taken_for_coarse_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        Clock(patch, 4_000_000, stall_seconds=0.7)
        answer = doctor._time_steps(str(tmp_path))
    assert answer[:2] == (GOOD, "steps of 0.004 s or less")


@pytest.mark.parametrize(
    ("ahead", "said"), [(60, "60.0 s ahead of this host's"), (-60, "60.0 s behind this host's")]
)
def test_a_filesystem_with_a_clock_of_its_own_is_a_note(
    ahead: int, said: str, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = doctor._made, 1_795_341_600.0

    def made_then(place: str, name: str) -> str:
        path = made(place, name)
        os.utime(path, (now + ahead, now + ahead))
        return path

    monkeypatch.setattr(doctor, "_made", made_then)
    monkeypatch.setattr(time, "time", lambda: now)
    finding = found(folders)["clock"]
    assert (finding.verdict, finding.found) == (WEAK, said)
    assert '"ready": "stable"' in finding.advice


@pytest.mark.parametrize(
    ("limit", "verdict"), [(143, WEAK), (254, WEAK), (255, GOOD), (1023, GOOD), (-1, GOOD)]
)
def test_short_names_are_a_note(
    limit: int, verdict: Rating, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pathconf", lambda _path, _name: limit)
    assert found(folders)["length of names"].verdict is verdict


def test_names_that_differ_in_case_alone_and_are_one_are_a_note(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    lexists = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: lexists(path.replace("CASE", "case")))
    finding = found(folders)["case of names"]
    assert (finding.verdict, finding.found) == (WEAK, "does not tell names apart")


def test_a_filesystem_that_wants_utf_8_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_made", refuse(errno.EILSEQ))
    assert doctor._name_bytes(str(tmp_path))[:2] == (WEAK, f"refused: {os.strerror(errno.EILSEQ)}")


@pytest.mark.parametrize(
    ("limit", "verdict", "said"),
    [(255, WEAK, "255 at most"), (256, GOOD, "256 at most"), (-1, GOOD, "not limited")],
)
def test_few_open_files_are_a_note(
    limit: int, verdict: Rating, said: str, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (limit, -1))
    finding = found(folders)["open files"]
    assert (finding.verdict, finding.found) == (verdict, said)


@pytest.mark.parametrize(
    "lines", [(), ("", "nonsense", "30 27 x / / rw - ext4", "30 27 0 / / rw - ext4 a rw")]
)
def test_where_the_system_does_not_tell_the_type_is_not_known(
    lines: tuple[str, ...], mounts: Callable[..., None], folders: Folders
) -> None:
    mounts(*lines)
    assert filesystem_type("/srv") is None
    assert is_local("/srv") is None
    finding = found(folders)["filesystem"]
    assert (finding.verdict, finding.advice) == (WEAK, "")


def test_without_proc_the_type_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts_module, "_MOUNTINFO", str(tmp_path / "none"))
    assert filesystem_type("/") is None


def test_a_network_filesystem_is_a_note_with_its_options(
    mounts: Callable[..., None], folders: Folders
) -> None:
    mounts("27 1 0:901 / / rw,relatime - nfs4 server:/export rw,vers=4.2,hard")
    finding = found(folders)["filesystem"]
    assert finding.verdict is WEAK
    assert finding.found == "nfs4 (rw,relatime,vers=4.2,hard) of server:/export, not known to be local"
    assert finding.advice == "locks may not reach other hosts; fproc uses leases there"


def test_a_sticky_folder_of_another_user_is_a_problem_with_what_to_do(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(folders)["inputs of other users"].verdict is GOOD
    monkeypatch.setattr(doctor, "may_take_from_others", lambda path: path != folders.unprocessed)
    findings = found(folders)
    finding = findings[f"folder {folders.unprocessed}"]
    user = f"the user with id {os.geteuid()}"
    assert (finding.verdict, finding.found) == (
        BAD,
        f"has the sticky bit and is not the folder of {user}: inputs of others are stuck",
    )
    assert finding.advice == f"chmod -t {folders.unprocessed}, or give it to that user"
    assert "inputs of other users" not in findings


@pytest.mark.parametrize(("more", "tail"), [(0, ""), (2, "; and 2 more")])
def test_inputs_that_cannot_be_taken_are_a_problem_and_the_first_is_named(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, more: int, tail: str
) -> None:
    assert "waiting inputs" not in found(folders)
    stuck = [(name, "cannot be read") for name in ("x.log", "y.log", "z.log")[: 1 + more]]
    monkeypatch.setattr(
        doctor, "obstacles", lambda folder, _most: stuck if folder == folders.unprocessed else []
    )
    finding = found(folders)["waiting inputs"]
    assert (finding.verdict, finding.found) == (BAD, f"x.log: cannot be read{tail}")
    assert finding.advice == f"let the user with id {os.geteuid()} read and take them"
