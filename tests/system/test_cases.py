"""Whole pipelines: a folder with `pipeline.json`, an input, and what must come of it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fproc.config.sources.defaults import DEFAULT
from tests.support.loghub import LOGHUB, unless_absent
from tests.support.project import PROJECT

CASES = PROJECT / "tests" / "cases"
LOGS = PROJECT / "tests" / "data" / "logs"


def logs(*names: str) -> list[Any]:
    """The logs of these programs: the small ones of the repository, and those of loghub if they are there."""
    return [
        *(pytest.param(LOGS / f"{name}.log", id=name) for name in names),
        *(
            pytest.param(LOGHUB / f"{name}_2k.log", id=f"{name} of loghub", marks=unless_absent)
            for name in names
        ),
    ]


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "fproc", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("way", ["--input", "--watch"])
@pytest.mark.parametrize("case", ["sample", "shop"])
def test_a_case_gives_what_is_expected_either_way(case: str, way: str, tmp_path: Path) -> None:
    folder = shutil.copytree(CASES / case, tmp_path / case)
    (given,) = folder.glob("*.txt")
    if way == "--input":
        done = run("--input", given.name, "--output", "out/", folder=folder)
        out = folder / "out"
    else:
        unprocessed = folder / "watch_dir" / "unprocessed"
        unprocessed.mkdir(parents=True)
        given.rename(unprocessed / given.name)
        done = run("--watch", "--drain", folder=folder)
        out = folder / "watch_dir" / "results"
    assert done.returncode == 0, done.stderr
    assert results(out) == results(CASES / case / "expected")


@pytest.mark.parametrize("case", ["sample", "shop", "levels"])
def test_the_pipelines_of_the_cases_are_right_and_their_examples_hold(case: str) -> None:
    done = run("--check", folder=CASES / case)
    assert (done.returncode, done.stderr) == (0, "")


def lines_of(data: bytes) -> list[bytes]:
    """The lines of the contract, found in another way than fproc finds them."""
    pieces = data.split(b"\n")
    lines = [piece.removesuffix(b"\r") for piece in pieces[:-1]]
    return lines + ([pieces[-1]] if pieces[-1] else [])


@pytest.mark.parametrize("given", logs("Apache", "HDFS", "Zookeeper"))
def test_logs_are_split_by_level_line_for_line(given: Path, tmp_path: Path) -> None:
    done = run(
        "--config",
        str(CASES / "levels" / "pipeline.json"),
        "--input",
        str(given),
        "--output",
        "out/",
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    with given.with_name(f"{given.name}_structured.csv").open(encoding="utf-8", newline="") as file:
        levels = [row["Level"] for row in csv.DictReader(file)]
    split = {path.name.split(".")[1]: lines_of(path.read_bytes()) for path in (tmp_path / "out").iterdir()}
    assert {level: len(lines) for level, lines in split.items()} == dict(Counter(levels))
    remaining = {level: iter(lines) for level, lines in split.items()}
    assert [next(remaining[level]) for level in levels] == lines_of(given.read_bytes())


@pytest.mark.parametrize("given", logs("Apache", "HDFS", "Linux", "OpenSSH", "Zookeeper"))
def test_logs_come_through_byte_for_byte_but_for_their_line_endings(given: Path, tmp_path: Path) -> None:
    (tmp_path / "pipeline.json").write_text(
        '{"nodes": [{"tag": "start", "type": "filter", "config": {"pattern": ""}, "next": "end"}]}'
    )
    unprocessed = tmp_path / "watch_dir" / "unprocessed"
    unprocessed.mkdir(parents=True)
    shutil.copy(given, unprocessed)
    done = run("--watch", "--drain", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    data = given.read_bytes()
    result = (tmp_path / "watch_dir" / "results" / given.name).read_bytes()
    assert result == b"".join(line + b"\n" for line in lines_of(data))
    assert (tmp_path / "watch_dir" / "processed" / given.name).read_bytes() == data


def test_the_built_in_pipeline_and_the_repository_s_are_the_same() -> None:
    assert json.loads((PROJECT / "pipeline.json").read_text(encoding="utf-8")) == DEFAULT
