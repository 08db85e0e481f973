"""The stamp of a build, `COMMIT TIME`, for `--version`; a hook of hatchling puts it into wheel and sdist.

Both come from the commit, not from the clock, so that each build of a commit has the same bytes. An sdist
carries its stamp with it. Without a repository and without a stamp, `--version` says the version alone.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAMP_FILE = "fproc/pyz/built.txt"
"""Where the stamp is in a wheel, an sdist and the executable; `fproc.base.own_code` reads it."""

UNCOMMITTED = "-dirty"
"""How the commit ends if files were changed since."""


class StampHook(BuildHookInterface[Any]):
    """Adds the stamp, unless the sources have one already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the stamp to a temporary file, and tell hatchling where it belongs."""
        root = Path(self.root)
        if version == "editable" or (root / STAMP_FILE).exists() or not (root / ".git").exists():
            return
        try:
            text = stamp_of(root)
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"--version will not know its commit: {error}")
            return
        self._file = tempfile.NamedTemporaryFile("w", suffix=".txt")  # noqa: SIM115 - until `finalize`
        self._file.write(f"{text}\n")
        self._file.flush()
        os.chmod(self._file.name, 0o644)
        build_data["force_include"][self._file.name] = STAMP_FILE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the temporary file."""
        if hasattr(self, "_file"):
            self._file.close()


def stamp_of(repository: Path) -> str:
    """Return the commit that is checked out, and its time in UTC.

    Raises:
        OSError: there is no git.
        CalledProcessError: git cannot tell.
    """
    commit = _git(repository, "describe", "--always", "--abbrev=12", "--exclude=*", f"--dirty={UNCOMMITTED}")
    time = _git(repository, "show", "--no-patch", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ")
    return f"{commit} {time}"


def _git(repository: Path, *arguments: str) -> str:
    # The repository may be another user's, as for root in `sudo pip install .`; its code is run anyway.
    command = ["git", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(
        command, cwd=repository, env={**os.environ, "TZ": "UTC"}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
