"""`fproc.pyz`, built for tests, and archives that are put in its place."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.support.project import PROJECT


def copy_of_project(folder: Path) -> Path:
    """Copy what an archive is built from."""
    shutil.copytree(PROJECT / "fproc", folder / "fproc", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "release").mkdir()
    for name in ("release/stamp.py", "pyproject.toml", "README.md", "LICENSE"):
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


def build_version(folder: Path, version: str) -> Path:
    """Build an archive of this source that says it is of another version."""
    copy = copy_of_project(folder)
    source = copy / "fproc/__init__.py"
    source.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', source.read_text("utf-8")))
    target = copy / f"fproc-{version}.pyz"
    command = [sys.executable, "-m", "fproc.pyz.build", str(target)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    return target


def other_build(pyz: Path, target: Path) -> Path:
    """Make an archive with the same names in it, of which none can be used: another version, as it were."""
    with zipfile.ZipFile(pyz) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as other:
        for name in archive.namelist():
            other.writestr(name, "raise SystemExit('this is another version')\n")
    target.chmod(0o755)
    return target
