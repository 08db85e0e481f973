"""Wrong usage of what an operator asks, and `--doctor`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.programs.operating import process, said
from tests.support.programs.running import (
    run,
    tree,
)

USAGE = [
    ("--retry", "needs the names of files in failed/ or processed/, or --all"),
    ("--retry x --all", "needs the names of files in failed/ or processed/, or --all"),
    ("--check --json", "--json goes with --explain or --history or --rejects or --status"),
    ("--status --all", "--all goes with --retry"),
    ("--status --doctor", "not allowed with"),
    ("--retry --all --watch", "not allowed with"),
    ("--status --drain", "--drain goes with --watch"),
    ("--why", "expected one argument"),
    ("--doctor stray", "unrecognized arguments"),
    ("--why x y", "unrecognized arguments"),
]


@pytest.mark.parametrize(("arguments", "wanted"), USAGE)
def test_wrong_usage_ends_with_2(tmp_path: Path, arguments: str, wanted: str) -> None:
    ended = run(tmp_path, *arguments.split())
    assert (ended.status, ended.out, len(ended.lines)) == (2, b"", 1)
    assert wanted in ended.err
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("argument", ["--json", "--all"])
def test_an_option_alone_is_no_action(tmp_path: Path, argument: str) -> None:
    ended = run(tmp_path, argument)
    assert (ended.status, ended.out[:6], tree(tmp_path)) == (2, b"usage:", {})


def test_the_doctor_finds_this_host_well_in_a_line_each_and_leaves_nothing(tmp_path: Path) -> None:
    assert process(tmp_path).status == 0
    before = tree(tmp_path)
    lines = said(run(tmp_path, "--doctor")).splitlines()
    assert len(set(lines)) == len(lines) >= 5
    assert all(line.strip() for line in lines)
    assert tree(tmp_path) == before


def test_the_doctor_ends_with_1_if_something_does_not_work(tmp_path: Path, memory_path: Path) -> None:
    (tmp_path / "watch_dir").mkdir()
    (tmp_path / "watch_dir/processed").symlink_to(memory_path)
    if tmp_path.stat().st_dev == memory_path.stat().st_dev:
        pytest.skip("there is one filesystem only")
    ended = run(tmp_path, "--doctor")
    assert (ended.status, ended.err) == (1, "")
    assert re.findall("\n(?!ok|note).+?(?=:)", ended.out.decode()) == ["\nproblem  moves of inputs"]


def test_the_doctor_ends_with_78_where_there_can_be_no_folder(tmp_path: Path) -> None:
    (tmp_path / "watch_dir").touch()
    ended = run(tmp_path, "--doctor")
    assert (ended.status, ended.out, len(ended.lines)) == (78, b"", 1)
