"""What `--doctor` finds: on a machine that has everything, and with one fault at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fproc.spool.checks import doctor
from fproc.spool.checks.doctor import Finding, Rating, examine, render_findings
from fproc.spool.disk import disk as disk_module
from fproc.spool.disk import mounts as mounts_module
from fproc.spool.disk.disk import Disk
from fproc.spool.disk.mounts import filesystem_type, is_local
from fproc.spool.layout import Folders, prepare
from fproc.spool.readiness import evidence

GOOD, WEAK, BAD = Rating.GOOD, Rating.WEAK, Rating.BAD

OF_THE_MACHINE = {"free space", "free inodes", "fsync of a file", "fsync of a folder", "open files"}
"""What may be short or slow on the machine that runs the tests."""

OF_ONE_FILESYSTEM = {
    "filesystem",
    "journal",
    "free space",
    "free inodes",
    "rename over a file",
    "rename without replacing",
    "fsync of a file",
    "fsync of a folder",
    "length of names",
    "case of names",
    "bytes of names",
}


@pytest.fixture
def folders(memory_path: Path) -> Folders:
    """A spool that was just prepared."""
    return prepared(memory_path / "w", memory_path / "w" / "results")


def prepared(watch: Path, results: Path) -> Folders:
    folders = Folders(str(watch), str(results))
    prepare(folders, Disk(power=True))
    return folders


def found(folders: Folders) -> dict[str, Finding]:
    findings = examine(folders)
    by_name = {finding.what: finding for finding in findings}
    assert len(by_name) == len(findings)
    return by_name


def tree(*tops: str) -> dict[str, bytes]:
    """Everything below some folders, with the contents of files."""
    seen = {}
    for top in tops:
        for path, names, files in os.walk(top):
            seen.update({os.path.join(path, name): b"a folder" for name in names})
            seen.update({os.path.join(path, name): Path(path, name).read_bytes() for name in files})
    return seen


def refuse(number: int) -> Callable[..., Any]:
    def call(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return call


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes these lines the mounts of this process."""

    def mount(*lines: str) -> None:
        path = tmp_path / "mountinfo"
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        monkeypatch.setattr(mounts_module, "_MOUNTINFO", str(path))

    return mount


def test_all_is_well_on_a_filesystem_that_has_everything(folders: Folders) -> None:
    findings = found(folders)
    not_good = {what for what, finding in findings.items() if finding.verdict is not GOOD}
    assert not_good - OF_THE_MACHINE == set()
    assert [
        finding.advice for finding in findings.values() if finding.verdict is GOOD and finding.advice
    ] == []
    assert {"folders", "moves of inputs", "moves of results", "locks of folders", "leases", "clock"} < {
        *findings
    }


def test_nothing_but_its_own_is_touched_and_nothing_is_left_behind(folders: Folders) -> None:
    for path in (folders.unprocessed, folders.failed, folders.results, folders.jobs):
        Path(path, "x.log").write_text("a\n")
    Path(folders.underprocess, ".hidden").touch()
    before = tree(folders.watch)
    examine(folders)
    assert tree(folders.watch) == before


def test_nothing_is_left_behind_when_a_probe_is_interrupted(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[int]()

    def interrupt(descriptor: int) -> None:
        begun.append(len(os.listdir(folders.within(".fproc"))))
        raise KeyboardInterrupt

    before = tree(folders.watch)
    count = len(os.listdir(folders.within(".fproc")))
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        examine(folders)
    assert begun == [count + 1]
    assert tree(folders.watch) == before


def test_nothing_is_left_behind_when_every_call_is_refused(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(folders.watch)
    for module, name in ((os, "replace"), (os, "rename"), (os, "link"), (os, "fsync"), (fcntl, "flock")):
        monkeypatch.setattr(module, name, refuse(errno.EIO))
    bad = {finding.what for finding in examine(folders) if finding.verdict is BAD}
    assert {"rename over a file", "fsync of a file", "locks of folders", "moves of results"} <= bad
    assert tree(folders.watch) == before


def test_a_folder_that_could_not_be_removed_is_told_of(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda _path, *, ignore_errors: None)
    [left] = [finding for finding in examine(folders) if finding.advice == "remove it"]
    assert left.verdict is WEAK
    assert os.path.isdir(left.what.removeprefix("folder "))


def test_the_results_are_asked_about_where_they_lie_on_another_filesystem(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    device_of = mounts_module.device_of

    def pretend(path: str) -> int | None:
        return -1 if path.startswith(folders.results) else device_of(path)

    before = tree(folders.watch)
    assert not any("results)" in what for what in found(folders))
    monkeypatch.setattr(doctor, "device_of", pretend)
    findings = found(folders)
    assert {what for what in findings if "(results)" in what} == {
        f"{what} (results)" for what in OF_ONE_FILESYSTEM
    }
    assert tree(folders.watch) == before


@pytest.mark.parametrize(
    "gone", ["unprocessed", "underprocess", "processed", "failed", "results", "results/.stage", ".fproc"]
)
def test_a_missing_folder_is_a_problem_and_is_not_made(
    gone: str, folders: Folders, memory_path: Path
) -> None:
    moved = folders.within(gone)
    os.rename(moved, memory_path / "away")
    findings = found(folders)
    assert findings[f"folder {moved}"].verdict is BAD
    assert findings[f"folder {moved}"].found == "not there"
    assert not os.path.exists(moved)


def test_a_spool_that_is_not_there_at_all_is_no_exception(memory_path: Path) -> None:
    findings = examine(Folders(str(memory_path / "none"), str(memory_path / "nowhere")))
    assert {finding.verdict for finding in findings} == {BAD}
    assert os.listdir(memory_path) == []


def test_a_folder_that_may_not_be_written_to_is_a_problem(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: path != folders.processed)
    finding = found(folders)[f"folder {folders.processed}"]
    assert (finding.verdict, finding.found) == (BAD, "not usable")
    assert f"user with id {os.geteuid()}" in finding.advice


def test_a_filesystem_in_which_nothing_can_be_made_is_a_problem(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "mkdir", refuse(errno.EROFS))
    findings = found(folders)
    state = findings[f"folder {folders.within('.fproc')}"]
    assert (state.verdict, state.found) == (BAD, "nothing can be made in it: Read-only file system")
    assert findings["moves of inputs"].verdict is BAD


@pytest.mark.parametrize("to", ["unprocessed", "underprocess", "processed", "failed", "results"])
def test_a_folder_that_nothing_can_be_moved_to_is_a_problem(
    to: str, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, before = os.rename, tree(folders.watch)

    def across(source: str, target: str) -> None:
        if os.path.dirname(target) == folders.within(to):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target)

    monkeypatch.setattr(os, "rename", across)
    findings = found(folders)
    bad, good = ("results", "inputs") if to == "results" else ("inputs", "results")
    assert findings[f"moves of {good}"].verdict is GOOD
    assert findings[f"moves of {bad}"] == Finding(
        f"moves of {bad}",
        BAD,
        f"to {folders.within(to)}: {os.strerror(errno.EXDEV)}",
        "its folders must be on one filesystem, and one mount of it",
    )
    assert tree(folders.watch) == before


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
    before = len(os.listdir("/proc/self/fd"))
    examine(folders)
    assert len(os.listdir("/proc/self/fd")) == before


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


def test_a_stall_of_the_machine_is_not_taken_for_coarse_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        Clock(patch, 4_000_000, stall_seconds=0.7)
        answer = doctor._time_steps(str(tmp_path))
    assert answer[:2] == (GOOD, "steps of 0.004 s or less")


@pytest.mark.parametrize(
    ("ahead", "said"), [(60, "60.0 s ahead of this machine's"), (-60, "60.0 s behind this machine's")]
)
def test_a_filesystem_with_a_clock_of_its_own_is_a_note(
    ahead: int, said: str, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - ahead)
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


ROOT = "27 1 0:901 / / rw,relatime - ext4 /dev/vda rw,discard"


def test_the_deepest_mount_above_a_path_holds_it(mounts: Callable[..., None]) -> None:
    mounts(
        ROOT,
        "30 27 0:902 / /srv/none rw - xfs /dev/vdb rw",
        "31 30 0:903 / /srv/none/deep rw shared:1 master:2 - nfs4 server:/export rw,vers=4.2",
    )
    assert filesystem_type("/nowhere") == "ext4"
    assert filesystem_type("/srv/none") == "xfs"
    assert filesystem_type("/srv/none/deeper") == "xfs"
    assert filesystem_type("/srv/none/deep/w/unprocessed") == "nfs4"
    assert [is_local(path) for path in ("/nowhere", "/srv/none", "/srv/none/deep")] == [True, True, False]


def test_of_two_mounts_at_one_place_the_later_one_counts(mounts: Callable[..., None]) -> None:
    mounts(
        ROOT,
        "30 27 0:902 / /srv/none rw - autofs systemd-1 rw",
        "31 30 0:903 / /srv/none rw - cifs //server/share rw",
    )
    assert filesystem_type("/srv/none/w") == "cifs"
    assert is_local("/srv/none/w") is False


def test_mount_points_with_unusual_names_are_read(mounts: Callable[..., None]) -> None:
    mounts(
        ROOT,
        r"30 27 0:902 / /srv/no\040such\011folder rw - fuse.sshfs me@host:/a\040b rw",
        r"31 27 0:903 / /srv/back\134slash rw - 9p host rw",
        r"32 27 0:904 / /srv/ünïcode rw - virtiofs host rw",
    )
    assert filesystem_type("/srv/no such\tfolder/w") == "fuse.sshfs"
    assert filesystem_type("/srv/back\\slash/w") == "9p"
    assert filesystem_type("/srv/ünïcode") == "virtiofs"


def test_a_bind_mount_has_the_type_of_what_is_bound(mounts: Callable[..., None]) -> None:
    mounts(ROOT, "30 27 0:903 /exported/inbox /srv/none/inbox rw,bind - nfs4 server:/export rw")
    assert filesystem_type("/srv/none/inbox/x") == "nfs4"
    assert filesystem_type("/srv/none") == "ext4"


def test_a_mount_that_is_hidden_by_one_further_up_does_not_count(
    mounts: Callable[..., None], tmp_path: Path
) -> None:
    device = os.stat(tmp_path).st_dev
    mounts(
        ROOT,
        f"30 27 0:902 / {tmp_path}/inbox rw - ext4 /dev/vdb rw",
        f"31 27 {os.major(device)}:{os.minor(device)} / {tmp_path} rw - nfs4 server:/export rw",
    )
    (tmp_path / "inbox").mkdir()
    assert filesystem_type(str(tmp_path / "inbox")) == "nfs4"


def test_a_symbolic_link_is_followed_to_the_filesystem_that_it_leads_to(
    mounts: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "w").symlink_to("/srv/none/w")
    mounts(ROOT, "30 27 0:902 / /srv/none rw - nfs4 server:/export rw")
    assert filesystem_type(str(tmp_path / "w")) == "nfs4"


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


def test_the_text_has_a_line_for_each_finding_with_verdicts_aligned() -> None:
    findings = [
        Finding("rename without replacing", GOOD, "renameat2 works"),
        Finding("clock", WEAK, "60.0 s ahead of this machine's", "mind it"),
        Finding("folder /a\nb", BAD, "not there"),
    ]
    assert render_findings(findings).split("\n") == [
        "ok       rename without replacing: renameat2 works",
        "note     clock: 60.0 s ahead of this machine's; mind it",
        r"problem  folder /a\nb: not there",
    ]
    assert render_findings([]) == ""
