"""The list of mutants fits the program and its tests, so that a sweep over it can begin."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.mutants import MUTANTS, QUICK
from tests.support.project import PROJECT


def test_every_mutant_still_applies_to_the_code() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert {mutant.name for mutant in MUTANTS} > QUICK
    for mutant in MUTANTS:
        text = (PROJECT / mutant.file).read_text(encoding="utf-8")
        for old, _ in mutant.edits:
            assert text.count(old) == 1, (mutant.name, old)


def test_the_tests_that_are_to_notice_are_there(all_tests: frozenset[str] | None) -> None:
    named = sorted({test for mutant in MUTANTS for test in mutant.tests})
    if all_tests is not None:
        # A name without parameters stands for all of them.
        known = all_tests | {test.partition("[")[0] for test in all_tests}
        assert [test for test in named if test not in known] == []
        return
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *named]
    compiled = {"PYTHONPYCACHEPREFIX": sys.pycache_prefix} if sys.pycache_prefix else {}
    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **compiled}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
