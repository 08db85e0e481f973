"""Sparse files and giant lines: they hold nobody, and are what they would be if every byte were read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.programs.running import configure, drop, run

TERABYTE = 10**12


def sparse(path: Path, tail: bytes) -> Path:
    """A file of a terabyte, of which almost all is a hole, with a first line before it."""
    with open(path, "wb") as file:
        file.write(b"first\n")
        file.truncate(TERABYTE)
        file.seek(TERABYTE)
        file.write(tail)
    return path


def check_told(told: bytes) -> None:
    [line] = map(json.loads, told.splitlines())
    assert (line["line_no"], line["byte_offset"]) == (2, 6)
    assert line["error"] == "the line is longer than limits.max_line_bytes"


@pytest.mark.parametrize("workers", [1, 3])
def test_a_sparse_file_of_a_terabyte_is_done_at_once(tmp_path: Path, workers: int) -> None:
    configure(tmp_path, on_error="reject", workers=workers)
    place = drop(tmp_path, "x.log", b"")
    place.unlink()
    sparse(tmp_path / "x.log", b"\nlast\n").rename(place)
    ended = run(tmp_path, "--watch", "--drain")
    assert ended.status == 0, ended.err
    assert (tmp_path / "watch_dir/results/x.log").read_bytes() == b"first\nlast\n"
    check_told((tmp_path / "watch_dir/failed/x.log.rejected.jsonl").read_bytes())
    (tmp_path / "watch_dir/processed/x.log").unlink()


@pytest.mark.parametrize("workers", ["1", "3"])
def test_without_the_loop_it_is_done_at_once_as_well(tmp_path: Path, workers: str) -> None:
    configure(tmp_path, on_error="reject")
    path = sparse(tmp_path / "x.log", b"\nlast\n")
    ended = run(tmp_path, "--input", "x.log", "--output", "out/", "--workers", workers)
    assert ended.status == 0, ended.err
    assert (tmp_path / "out/x.log").read_bytes() == b"first\nlast\n"
    check_told((tmp_path / "out/x.log.rejected.jsonl").read_bytes())
    path.unlink()
