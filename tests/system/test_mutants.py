"""Would the crash sweeps notice a bug? Each of a list is put into a copy, and must be noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import MEMORY
from tests.mutants import MUTANTS, QUICK
from tests.support.mutation import Mutant
from tests.support.project import PROJECT

pytestmark = pytest.mark.sweep

LIMIT_SECONDS = 100
OTHER_CODE = 70
"""The exit status if it is not the copy that is tested."""

RUN = f"""
import importlib, os, sys
here = os.path.dirname(os.path.abspath(__file__))
for name in (sys.argv[1], "tests.support.spool.crashes"):
    if not importlib.import_module(name).__file__.startswith(here + os.sep):
        sys.exit({OTHER_CODE})
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""

SLIPS = ("NameError", "TypeError", "AttributeError", "UnboundLocalError", "SyntaxError", "ImportError")
"""How a mutant fails that does not do what it was meant to."""


class Copy:
    """A copy of the program and its tests."""

    def __init__(self, folder: Path, origin: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns(".*", *(["__pycache__"] if origin == PROJECT else []))
        for part in ("fproc", "tests"):
            shutil.copytree(origin / part, folder / part, ignore=ignored)
        shutil.copy(origin / "pyproject.toml", folder)
        (folder / "run_tests.py").write_text(RUN)

    def change(self, mutant: Mutant) -> None:
        path = self.folder / mutant.file
        for old, new in mutant.edits:
            text = path.read_text(encoding="utf-8")
            found = text.count(old)
            assert found == 1, f"{mutant.name}: {old!r} is {found} times in {mutant.file}; write it anew"
            path.write_text(text.replace(old, new), encoding="utf-8")
        os.utime(path, (0, 0))  # so that nobody takes what was compiled before for what it is now

    def run(self, module: str, tests: tuple[str, ...]) -> tuple[int, str]:
        """Run some tests; gives the exit status and what was said."""
        command = [sys.executable, "run_tests.py", module, "-x", "-q", "-p", "no:cacheprovider", "--tb=line"]
        environment = {**os.environ, "COLUMNS": "300", "PYTHONPATH": str(self.folder)}
        environment.pop("PYTHONPYCACHEPREFIX", None)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [*command, *tests],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """The program as it is when the first mutant is tried; others may be changing it."""
    base = Path(MEMORY) if os.path.isdir(MEMORY) else tmp_path_factory.getbasetemp()
    folder = base / f"fproc-mutants-{os.getpid()}"
    yield Copy(folder, PROJECT)
    shutil.rmtree(folder)


@cache
def check_unchanged(original: Copy, tests: tuple[str, ...]) -> None:
    """See that tests pass as long as nothing is changed."""
    status, said = original.run("fproc.spool.spool", tests)
    assert status == 0, said


def first_failure(said: str) -> str:
    """The line in which pytest names what failed."""
    return next((line for line in said.splitlines() if line.startswith("FAILED ")), "")


def try_out(mutant: Mutant, original: Copy, folder: Path) -> None:
    check_unchanged(original, mutant.tests)
    begin = time.perf_counter()
    copy = Copy(folder / "mutant", original.folder)
    copy.change(mutant)
    module = mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    status, said = copy.run(module, mutant.tests)
    seconds = time.perf_counter() - begin
    failure = first_failure(said)
    assert status != 0, f"nothing noticed that {mutant.name}"
    assert (status, bool(failure)) == (1, True), said
    test, _, reason = failure.removeprefix("FAILED ").partition(" - ")
    assert not reason.startswith(SLIPS), said
    print(f"\n{mutant.name:<75} {seconds:5.1f} s  {test.rpartition('::')[2]}", end="")


def named(*, is_quick: bool) -> pytest.MarkDecorator:
    """Return the mutants that are tried each time, or the others."""
    mutants = [mutant for mutant in MUTANTS if (mutant.name in QUICK) is is_quick]
    return pytest.mark.parametrize("mutant", mutants, ids=lambda mutant: mutant.name)


@named(is_quick=True)
def test_a_bug_of_each_kind_is_noticed(mutant: Mutant, original: Copy, memory_path: Path) -> None:
    try_out(mutant, original, memory_path)


@pytest.mark.long
@named(is_quick=False)
def test_every_other_bug_is_noticed(mutant: Mutant, original: Copy, memory_path: Path) -> None:
    try_out(mutant, original, memory_path)
