"""Compiled modules of runs that were killed are removed, and those of runs that go on are left alone."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from tests.support import bytecode


def test_what_a_killed_run_left_is_removed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("fproc-test-bytecode-dead", "fproc-test-bytecode-alive", "of-others"):
        (tmp_path / name / "compiled").mkdir(parents=True)
        (tmp_path / name / ".lock").touch()
    (tmp_path / "fproc-test-bytecode-begins").mkdir()
    with (tmp_path / "fproc-test-bytecode-alive" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        bytecode.remove_those_of_the_dead()
    assert sorted(os.listdir(tmp_path)) == [
        "fproc-test-bytecode-alive",
        "fproc-test-bytecode-begins",
        "of-others",
    ]
