"""Three hosts share a folder over NFS, and something breaks: no input twice, none lost, none failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.system.nfs import bed

pytestmark = pytest.mark.sweep

LIMIT_SECONDS = 900

QUICK: dict[str, Any] = {"version": "4.2", "ready": "auto", "inputs": 100, "big": 1, "lines": 200_000}
LONG: dict[str, Any] = {"inputs": 600, "big": 3, "lines": 1_000_000}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`fproc.pyz`, where a guest can be booted to run it."""
    give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    if packages := bed.missing():
        give_up(f"user-mode Linux needs Debian's {', '.join(packages)}")
    if os.geteuid() != 0:
        give_up("only root can make the tree of a guest")
    path = tmp_path_factory.mktemp("built") / "fproc.pyz"
    build = [sys.executable, "-m", "fproc.pyz.build", str(path)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    return path


def check(tmp_path: Path, program: Path, scenario: dict[str, Any]) -> None:
    """Boot, let a scenario happen, and see that every input was done once and rightly."""
    found = bed.boot(tmp_path, program, scenario, limit_seconds=LIMIT_SECONDS)
    said = bed.said(tmp_path)
    print(f"\nNFS {scenario['version']} {scenario['ready']} {scenario['faults']}: {found}", end="")
    faults = ("twice", "lost", "without result", "failed", "wrong", "left")
    bad = {what: found[what] for what in faults if found[what]}
    assert not bad, f"{bad}{said}"
    assert found["processed"] == found["inputs"] == scenario["inputs"] + scenario["big"]
    assert all(status == 0 for status in found["ends"].values()), found["ends"]
    assert found["databases"] == [f"history.host-{number}.db" for number in (1, 2, 3)]
    assert "someone else has changed or removed" not in said
    assert "Traceback" not in said


@pytest.mark.timeout(bed.BOOT_SECONDS + LIMIT_SECONDS + 300)
def test_three_hosts_do_every_file_once_while_one_of_them_is_killed(tmp_path: Path, program: Path) -> None:
    check(tmp_path, program, {**QUICK, "faults": ["kill and start"]})


@pytest.mark.long
@pytest.mark.timeout(bed.BOOT_SECONDS + LIMIT_SECONDS + 300)
@pytest.mark.parametrize("ready", ["auto", "stable", "rename"])
@pytest.mark.parametrize("version", ["3", "4.0", "4.2"])
def test_three_hosts_do_every_file_once_whatever_breaks(
    tmp_path: Path, program: Path, version: str, ready: str
) -> None:
    faults = ["kill and start", "cut 20", "server", "pause", "cut 45", "kill"]
    check(tmp_path, program, {**LONG, "version": version, "ready": ready, "faults": faults})
