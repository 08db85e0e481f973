"""The stamp of a build: the commit, its time, and whether files had been changed since."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fproc.base import own_code
from fproc.base.own_code import STAMP_FILE, build_stamp
from fproc.cli.main import main
from release import stamp
from release.build import build_of
from release.stamp import stamp_of


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, which was made where it is two hours later than in UTC."""
    (tmp_path / "a").write_text("one")
    dated = {**os.environ, "GIT_COMMITTER_DATE": "2026-02-03T01:00:00+02:00"}
    person = ["-c", "user.name=a user", "-c", "user.email=user@example.org"]
    for command in (["init", "-q"], ["add", "a"], [*person, "commit", "-q", "-m", "One"]):
        subprocess.run(["git", *command], cwd=tmp_path, env=dated, check=True)
    return tmp_path


def test_a_stamp_has_commit_and_time_in_utc_and_says_what_was_changed_since(repository: Path) -> None:
    commit, time = stamp_of(repository).split()
    assert (len(commit), time) == (12, "2026-02-02T23:00:00Z")
    assert build_of(repository).is_committed
    (repository / "a").write_text("two")
    assert stamp_of(repository).split() == [f"{commit}-dirty", time]
    assert not build_of(repository).is_committed


def test_where_there_is_no_repository_there_is_no_stamp(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        stamp_of(tmp_path)


def test_fproc_reads_the_stamp_where_builds_put_it() -> None:
    assert f"fproc/{STAMP_FILE}" == stamp.STAMP_FILE


def test_the_version_names_the_commit_of_a_build_and_its_day(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_stamp() is None  # as this runs from a clone
    monkeypatch.setattr(own_code, "read_own_file", lambda _name: b"0123456789ab 2026-02-03T04:05:06Z\n")
    assert main(["--version"]) == 0
    with pytest.raises(SystemExit):
        main(["--quiet", "--version"])
    assert capsys.readouterr().out == 2 * "fproc 0.1.0 (0123456789ab, 2026-02-03)\n"
