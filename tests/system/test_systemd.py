"""fproc as a service of a booted systemd: what an operator does to it, one after the other."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.system.systemd import bed

pytestmark = pytest.mark.long

LIMIT_SECONDS = 900


def another_build(pyz: Path, path: Path) -> None:
    """The same program as another file: as an upgrade brings one."""
    shutil.copy(pyz, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("another-build", "")


@pytest.mark.timeout(2 * LIMIT_SECONDS)
def test_a_service_is_installed_watched_reloaded_rotated_stopped_and_upgraded(
    tmp_path: Path, pyz: Path
) -> None:
    give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    if packages := bed.missing():
        give_up(f"a container with systemd needs Debian's {', '.join(packages)}")
    if os.geteuid() != 0:
        give_up("only root can boot a container")
    shutil.copy(pyz, tmp_path / "fproc.pyz")
    another_build(pyz, tmp_path / "other.pyz")
    pipeline = {
        "intake": {"settle_seconds": 0.2, "settle_unknown_seconds": 0.5},
        "checkpoint": {"seconds": 0.1, "mb": 0.1},
        "nodes": [
            {"tag": "start", "type": "own.step", "next": ["end", "all"]},
            {"tag": "all", "type": "write", "config": {"file": "all.log", "append": True}},
        ],
    }
    (tmp_path / "pipeline.json").write_text(json.dumps(pipeline))
    said = bed.boot(tmp_path, limit_seconds=LIMIT_SECONDS)
    scenario = (bed.HERE / "scenario.sh").read_text()
    steps = re.findall(r"^step '([^']+)'|echo 'ok ([^']+)'", scenario, re.MULTILINE)
    expected = [f"ok {first or second}" for first, second in steps]
    assert said == [*expected, "end"], (tmp_path / "log").read_text(errors="replace")[-20_000:]
