"""No everyday pipeline is far slower than mawk, or than a plain Python loop that does the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.project import PROJECT


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_everyday_pipeline_has_become_a_cliff(tmp_path: Path) -> None:
    command = ["make", "-C", str(PROJECT), "bench-guard", f"ARGS=--scratch {tmp_path}/bench"]
    guard = subprocess.run(command, check=False, capture_output=True, text=True)
    assert guard.returncode == 0, guard.stdout + guard.stderr
