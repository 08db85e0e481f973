"""`--doctor` asks each folder, touches nothing else and leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from pathlib import Path

import pytest

from fproc.spool.checks import doctor
from fproc.spool.checks.doctor import Finding, examine, render_findings
from fproc.spool.disk import mounts as mounts_module
from fproc.spool.layout import Folders
from tests.support.spool.doctored import BAD, GOOD, WEAK, found, refuse

OF_THE_HOST = {"free space", "free inodes", "fsync of a file", "fsync of a folder", "open files"}
"""What may be short or slow on the host that runs the tests."""


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


def tree(*tops: str) -> dict[str, bytes]:
    """Everything below some folders, with the contents of files."""
    seen = {}
    for top in tops:
        for path, names, files in os.walk(top):
            seen.update({os.path.join(path, name): b"a folder" for name in names})
            seen.update({os.path.join(path, name): Path(path, name).read_bytes() for name in files})
    return seen


def test_all_is_well_on_a_filesystem_that_has_everything(folders: Folders) -> None:
    findings = found(folders)
    not_good = {what for what, finding in findings.items() if finding.verdict is not GOOD}
    assert not_good - OF_THE_HOST == set()
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


def test_the_text_has_a_line_for_each_finding_with_verdicts_aligned() -> None:
    findings = [
        Finding("rename without replacing", GOOD, "renameat2 works"),
        Finding("clock", WEAK, "60.0 s ahead of this host's", "mind it"),
        Finding("folder /a\nb", BAD, "not there"),
    ]
    assert render_findings(findings).split("\n") == [
        "ok       rename without replacing: renameat2 works",
        "note     clock: 60.0 s ahead of this host's; mind it",
        r"problem  folder /a\nb: not there",
    ]
    assert render_findings([]) == ""
