"""Everything that is handed out, made in one folder: the same bytes for the same commit, wherever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fproc.pyz.build import build as build_executable
from release.build import Build
from release.checksums import write_checksums
from release.linux.packages import linux_packages
from release.spdx import write_spdx


def make_packages(build: Build, target: Path) -> list[Path]:
    """Make all packages in a folder, whose contents they replace as a whole, and return their paths."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".packages-") as scratch:
        folder = Path(scratch, "dist")
        folder.mkdir()
        _distributions(build, folder)
        check_distributions(folder)
        executable = folder / "fproc.pyz"
        build_executable(build.project, executable)
        inside = Path(scratch, "linux")
        inside.mkdir()
        linux_packages(build, executable, folder, inside)
        write_spdx(build, folder)
        write_checksums(folder)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    return sorted(target.iterdir())


def distributions(folder: Path) -> list[Path]:
    """Return wheel and sdist in a folder."""
    return sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")])


def check_distributions(folder: Path) -> None:
    """Have twine look at what a package index would refuse."""
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, distributions(folder))]
    subprocess.run(command, check=True, capture_output=True, text=True)


def _distributions(build: Build, folder: Path) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(int(build.time.timestamp()))}
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--target", "sdist"]
    command += ["--directory", str(folder)]
    subprocess.run(command, cwd=build.project, env=environment, check=True, capture_output=True, text=True)
