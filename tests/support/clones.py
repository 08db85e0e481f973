"""Fresh clones of the project, as a new user has them, of what lies in the working tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from fproc import __version__
from tests.support.project import PROJECT

COMMIT_DATE = "2026-02-03T04:05:06+00:00"
"""When the one commit of a clone was made."""


def clone_of_project(folder: Path, *, version: str = __version__, link_environment: bool = False) -> Path:
    """Copy all that is tracked, or would be, into a repository with one commit.

    With `link_environment`, the clone has this project's `.venv`, by a link, instead of building its own.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT / name).exists():  # not if it is about to be removed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    origin = folder / "fproc/__init__.py"
    origin.write_text(origin.read_text(encoding="utf-8").replace(__version__, version), encoding="utf-8")
    person = ["-c", "user.name=a user", "-c", "user.email=user@example.org"]
    dated = {**os.environ, "GIT_AUTHOR_DATE": COMMIT_DATE, "GIT_COMMITTER_DATE": COMMIT_DATE}
    for command in (["init", "-q"], ["add", "-A"], [*person, "commit", "-q", "-m", "All of it"]):
        subprocess.run(["git", *command], cwd=folder, env=dated, check=True)
    if link_environment:
        (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


def packages_of(clone: Path, *, umask: int = 0o022) -> Path:
    """Make all packages of a clone, as `make package` does, and return their folder."""
    done = subprocess.run(
        [sys.executable, "-m", "release", "package"],
        cwd=clone,
        env=user_environment(),
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr.lower()
    return clone / "dist"


def user_environment(**variables: str) -> dict[str, str]:
    """The environment of a person at a shell, without what pytest, make and this project's tests add."""
    names = ("PATH", "HOME", "LANG", "PIP_CERT", "PIP_FIND_LINKS", "PIP_DEFAULT_TIMEOUT", "TERM")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
