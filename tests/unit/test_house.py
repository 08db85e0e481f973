"""The rules of the house that no other tool checks; each is seen to notice what breaks it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.house import (
    MOST_ENTRIES,
    MOST_LINES,
    House,
    circles,
    crowded_folders,
    doubled_names,
    long_files,
    strayed_calls,
    unlisted,
    upward_imports,
)
from tests.support.programs.running import environment
from tests.support.project import PROJECT

Rule = Callable[[House], list[Any]]
RULES: list[Rule] = [
    unlisted,
    upward_imports,
    circles,
    crowded_folders,
    long_files,
    doubled_names,
    strayed_calls,
]


@pytest.fixture(scope="module")
def house() -> House:
    """The house itself, which is read once."""
    return House(PROJECT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_has_none_of_these(house: House, rule: Rule) -> None:
    assert rule(house) == []


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and the page that says what it looks like."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT / "fproc", copy / "fproc", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "docs").mkdir()
    shutil.copy(PROJECT / "docs" / "ARCHITECTURE.md", copy / "docs")
    return copy


@pytest.fixture
def copy(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "project"))


def appended(copy: Path, module: str, text: str) -> None:
    path = copy / "fproc" / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(path.read_text("utf-8") + text if path.exists() else text, "utf-8")


def close_a_circle(copy: Path, *modules: str) -> None:
    for module, imported in zip(modules, reversed(modules), strict=True):
        appended(copy, module, LAZY.format(imported.removesuffix(".py").replace("/", ".")))


def crowd(copy: Path, folder: str) -> None:
    for number in range(MOST_ENTRIES + 1):
        appended(copy, f"{folder}/another_{number}.py", "")


LAZY = "\n\ndef _later() -> None:\n    from fproc.{} import nothing\n"
FOR_TYPES = "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import fproc.{}\n"
BREACHES: list[tuple[Rule, Callable[[Path], object], str]] = [
    (
        upward_imports,
        lambda copy: appended(copy, "base/times.py", "import fproc.run.run\n"),
        "fproc.base.times -> fproc.run.run",
    ),
    (
        upward_imports,
        lambda copy: appended(copy, "spool/disk/disk.py", LAZY.format("spool.layout")),
        "fproc.spool.disk.disk -> fproc.spool.layout",
    ),
    (
        upward_imports,
        lambda copy: appended(copy, "process/mark.py", FOR_TYPES.format("watch.workers.pool")),
        "fproc.process.mark -> fproc.watch.workers.pool",
    ),
    (
        upward_imports,
        lambda copy: appended(copy, "process/children.py", 'WORKER = "fproc.watch.workers.worker.main"\n'),
        "fproc.process.children -> fproc.watch.workers.worker",
    ),
    (
        circles,
        lambda copy: close_a_circle(copy, "base/times.py", "base/stdout.py"),
        "['fproc.base.stdout', 'fproc.base.times']",
    ),
    (
        strayed_calls,
        lambda copy: appended(copy, "watch/loop.py", "from os import rename as move\n"),
        "fproc/watch/loop.py: os.rename",
    ),
    (
        strayed_calls,
        lambda copy: appended(copy, "watch/loop.py", "import os as system\nsystem.fsync(0)\n"),
        "fproc/watch/loop.py: os.fsync",
    ),
    (
        strayed_calls,
        lambda copy: appended(copy, "run/run.py", "from sqlite3 import connect\n"),
        "fproc/run/run.py: sqlite3",
    ),
    (crowded_folders, lambda copy: crowd(copy, "pyz"), f"fproc/pyz: {MOST_ENTRIES + 3}"),
    (crowded_folders, lambda copy: appended(copy, "more/__init__.py", ""), f"fproc: {MOST_ENTRIES + 1}"),
    (
        long_files,
        lambda copy: appended(copy, "web/page/long.js", "\n" * (MOST_LINES + 1)),
        f"fproc/web/page/long.js: {MOST_LINES + 1}",
    ),
    (
        doubled_names,
        lambda copy: appended(copy, "base/times.py", "class Spool:\n    pass\n"),
        "Spool: fproc.base.times, fproc.spool.spool",
    ),
    (
        unlisted,
        lambda copy: appended(copy, "spool/another.py", ""),
        "fproc.spool.another",
    ),
]


@pytest.mark.parametrize(("rule", "breach", "expected"), BREACHES, ids=[case[2] for case in BREACHES])
def test_a_rule_notices_what_breaks_it(
    copy: Path, rule: Rule, breach: Callable[[Path], object], expected: str
) -> None:
    breach(copy)
    assert list(map(str, rule(House(copy)))) == [expected]


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_what_is_only_told_starts_without_what_only_work_needs(flag: str) -> None:
    loaded = loaded_by(flag)
    work = {"http", "sqlite3", "email", "logging", "json"}
    assert loaded & {*SLOW, *work} == set()
    assert "fproc.cli.main" in loaded


def test_a_drain_of_an_empty_folder_starts_without_what_is_slow_to_load(tmp_path: Path) -> None:
    (tmp_path / "pipeline.json").write_text(
        '{"nodes": [{"tag": "start", "type": "uppercase", "next": "end"}]}'
    )
    loaded = loaded_by("--watch", "--drain", "--no-dashboard", cwd=tmp_path)
    assert loaded & {*SLOW, "decimal", "subprocess"} == set()
    assert "fproc.watch.loop" in loaded


def test_a_file_is_processed_without_what_other_pipelines_need(tmp_path: Path) -> None:
    (tmp_path / "pipeline.json").write_text(
        '{"nodes": [{"tag": "start", "type": "uppercase", "next": "end"}]}'
    )
    (tmp_path / "lines.txt").write_text("a line\n")
    loaded = loaded_by("--input", "lines.txt", "--output", "result.txt", "--quiet", cwd=tmp_path)
    others = {"counting", "routing"}
    assert loaded & {*SLOW, *NOT_FOR_ONE_FILE} == set()
    assert loaded & {f"fproc.pipeline.compiler.emitters.{name}" for name in others} == set()
    assert "fproc.cli.input" in loaded


NOT_FOR_ONE_FILE = {"datetime", "decimal", "pickle", "socket", "sqlite3", "subprocess"}

SLOW = {
    *("_hashlib", "dataclasses", "difflib", "http", "inspect", "multiprocessing", "random"),
    *("secrets", "shutil", "ssl", "tempfile", "urllib"),
}


def loaded_by(*arguments: str, cwd: Path | None = None) -> set[str]:
    """Return the modules that a run of fproc imports."""
    command = [sys.executable, "-X", "importtime", "-m", "fproc", *arguments]
    done = subprocess.run(command, env=environment(), cwd=cwd, capture_output=True, text=True, check=True)
    return {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
