"""fproc as a service of a booted systemd: what an operator does to it, one after the other."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.support.clones import clone_of_project, packages_of
from tests.system.systemd import bed

pytestmark = [pytest.mark.long, pytest.mark.timeout(2 * bed.LIMIT_SECONDS)]


@pytest.fixture(autouse=True)
def _needed() -> None:
    give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    if packages := bed.missing():
        give_up(f"a container with systemd needs Debian's {', '.join(packages)}")
    if os.geteuid() != 0:
        give_up("only root can boot a container")


def check_each_step_of(scenario: str, shared: Path) -> None:
    """Boot with a folder, and see that each step of a scenario came to what it says."""
    said = bed.boot(shared, scenario)
    steps = re.findall(r"^(?:step|now) '([^']+)'", (bed.HERE / scenario).read_text(), re.MULTILINE)
    expected = [*(f"ok {step}" for step in steps), "end"]
    assert said == expected, (shared / "log").read_text(errors="replace")[-20_000:]


def another_build(pyz: Path, path: Path) -> None:
    """The same program as another file: as an upgrade brings one."""
    shutil.copy(pyz, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("another-build", "")


def test_a_service_is_installed_watched_reloaded_rotated_stopped_and_upgraded(
    tmp_path: Path, pyz: Path
) -> None:
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
    check_each_step_of("service.sh", tmp_path)


def test_the_debian_package_is_installed_upgraded_taken_back_removed_and_purged(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name, version in (("first", "0.1.0"), ("second", "0.1.1")):
        clone = clone_of_project(tmp_path_factory.mktemp(name), version=version, link_environment=True)
        (package,) = packages_of(clone).glob("*.deb")
        shutil.copy(package, tmp_path / f"{name}.deb")
    check_each_step_of("package.sh", tmp_path)
