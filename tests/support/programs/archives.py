"""`fproc.pyz`, built for tests, and archives that are put in its place."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.support.project import PROJECT


def copy_of_project(folder: Path) -> Path:
    """Copy what an archive is built from."""
    shutil.copytree(PROJECT / "fproc", folder / "fproc", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


def build(folder: Path, umask: int) -> Path:
    """Build the archive from a copy of the project in that folder."""
    subprocess.run(
        [sys.executable, "-m", "fproc.pyz.build", str(folder / "fproc.pyz")],
        cwd=copy_of_project(folder),
        check=True,
        capture_output=True,
        umask=umask,
    )
    return folder / "fproc.pyz"


def other_build(pyz: Path, target: Path) -> Path:
    """Make an archive with the same names in it, of which none can be used: another version, as it were."""
    with zipfile.ZipFile(pyz) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as other:
        for name in archive.namelist():
            other.writestr(name, "raise SystemExit('this is another version')\n")
    target.chmod(0o755)
    return target
