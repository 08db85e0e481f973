"""Uploading wheel and sdist to a package index: TestPyPI unless told otherwise, and only after a question."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fproc import __version__
from release.build import Build
from release.checksums import NAME, wrong_files
from release.package import check_distributions, distributions

INDEXES = {"testpypi": "TestPyPI", "pypi": "PyPI"}
"""The package indexes by the name that twine knows them by."""


def publish(
    build: Build,
    folder: Path,
    index: str,
    *,
    is_rehearsal: bool,
    ask: Callable[[str], str] = input,
    run: Callable[[Sequence[str]], object] = lambda command: subprocess.run(command, check=True),
) -> str:
    """Upload what `make package` has made, and return a sentence about what was done.

    Args:
        build: the commit that is checked out.
        folder: where the packages are.
        index: a name in `INDEXES`.
        is_rehearsal: whether everything is done but the upload.
        ask: puts a question to the user, and returns the answer.
        run: runs a command.

    Raises:
        ValueError: the packages are not fit to be uploaded; it says why.
    """
    if not (folder / NAME).exists():
        raise ValueError(f"there is no {folder / NAME}; make package makes what is uploaded")
    if wrong := wrong_files(folder):
        raise ValueError(f"{', '.join(wrong)}: not what make package made; make package again")
    check_distributions(folder)
    paths = distributions(folder)
    names = " and ".join(path.name for path in paths)
    if is_rehearsal:
        return f"dry run: {names} would go to {INDEXES[index]}; --upload uploads them"
    if not build.is_committed:
        raise ValueError("there are changes that are not committed; what is uploaded should have a commit")
    answer = ask(f"Upload {names} to {INDEXES[index]}? It cannot be taken back. Type the version to go on: ")
    if answer.strip() != __version__:
        return "nothing was uploaded"
    run([sys.executable, "-m", "twine", "upload", "--repository", index, *map(str, paths)])
    return f"{names} uploaded to {INDEXES[index]}"
