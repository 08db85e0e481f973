"""Filesystems that hand calls on to others: what `--doctor` says of them is what holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs.running import configure, run

pytestmark = pytest.mark.sweep

FILES = {f"f{number}.log": f"line {number}\n" for number in range(3)}


def mounted(place: Path, *command: str) -> Iterator[Path]:
    """A folder on which a command has mounted something, until the test ends."""
    refusal = "only root may mount one"
    if os.geteuid() == 0 and shutil.which(command[0]):
        refusal = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    if not os.path.ismount(place):
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"{command[0]} mounts nothing here: {refusal}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def overlay(tmp_path: Path, memory_path: Path) -> Iterator[Path]:
    """An overlay whose lower folder is on another filesystem, with a spool that has inputs."""
    for name in ("upper", "work", "merged"):
        (tmp_path / name).mkdir()
    configure(memory_path)
    assert run(memory_path, "--watch", "--drain", "--no-dashboard").status == 0
    drop_files(memory_path)
    options = f"lowerdir={memory_path},upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    merged = tmp_path / "merged"
    yield from mounted(merged, "mount", "-t", "overlay", "-o", options, "overlay", str(merged))


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[Path]:
    """A folder that a FUSE filesystem shows at another place."""
    for name in ("source", "merged"):
        (tmp_path / name).mkdir()
    configure(tmp_path / "source")
    drop_files(tmp_path / "source")
    yield from mounted(tmp_path / "merged", "bindfs", str(tmp_path / "source"), str(tmp_path / "merged"))


def drop_files(folder: Path) -> None:
    waiting = folder / "watch_dir/unprocessed"
    waiting.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (waiting / name).write_text(text)


def check_all_is_done(folder: Path) -> None:
    ended = run(folder, "--watch", "--drain", "--no-dashboard")
    assert ended.status == 0, ended.err
    for place in ("results", "processed"):
        found = {path.name: path.read_text() for path in (folder / "watch_dir" / place).glob("*.log")}
        assert found == FILES, ended.err


def test_files_below_an_overlay_are_done_and_locks_hold_there(overlay: Path) -> None:
    said = run(overlay, "--doctor").out.decode()
    assert "overlay" in said
    assert "locks of folders: a second one is refused" in said
    assert "problem" not in said
    check_all_is_done(overlay)
    assert not (overlay / "watch_dir/.fproc/shared").exists()


def test_files_on_a_fuse_mount_are_done_by_leases(bound: Path) -> None:
    said = run(bound, "--doctor").out.decode()
    assert "not known to be local" in said
    assert "within its lease fproc looks and renames" in said
    assert "problem" not in said
    check_all_is_done(bound)
    assert (bound / "watch_dir/.fproc/shared").exists()
