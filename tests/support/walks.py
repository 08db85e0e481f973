"""The walks of docs/CONTRIBUTING.md: the changes that its blocks of code make, and a copy to make them in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.project import PROJECT

_NOT_COPIED = shutil.ignore_patterns(
    *(".*", "__pycache__", "build", "dist", "watch_dir", "*.pyz", "bench", "data")
)


def walk(title: str) -> list[str]:
    """Return the blocks of code of a section."""
    text = (PROJECT / "docs" / "CONTRIBUTING.md").read_text("utf-8")
    section = text.partition(f"\n### {title}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    blocks: list[str] = re.findall(r"^```(?:diff|python)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert blocks, f"docs/CONTRIBUTING.md has no walk {title!r}"
    return blocks


def take_step(block: str, folder: Path) -> Path:
    """Make the change of one block in a copy of the project; return the file."""
    first, _, rest = block.partition("\n")
    path = folder / first.removeprefix("+++ ").removeprefix("# ")
    if first.startswith("# "):
        path.write_text(rest, "utf-8")
        return path
    text = path.read_text("utf-8")
    for hunk in rest.removesuffix("\n").split("\n@@\n"):
        lines = hunk.split("\n")
        old = "\n".join(line[1:] for line in lines if line[:1] in {" ", "-"})
        new = "\n".join(line[1:] for line in lines if line[:1] in {" ", "+"})
        assert text.count(old) == 1, f"{first} has this {text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


class Copy:
    """A copy of the project, to change it."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(shutil.copytree(PROJECT, folder, ignore=_NOT_COPIED))
        self.changed: list[str] = []

    def follow(self, title: str) -> None:
        """Take all steps of a walk, and write the documents anew."""
        for block in walk(title):
            self.changed.append(str(take_step(block, self.folder).relative_to(self.folder)))
        self.run("-m", "tests.support.generated")

    def run(self, *arguments: str, cwd: Path | None = None, **variables: str) -> str:
        """Run Python on the copy; return what it prints.

        Raises:
            AssertionError: it failed.
        """
        environment = {**os.environ, "PYTHONPATH": str(self.folder), **variables}
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=cwd or self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def check(self, *tests: str) -> None:
        """Check types and style of what was changed, and run tests of the copy."""
        python = [name for name in self.changed if name.endswith(".py")]
        self.run("-m", "ruff", "check", *python)
        self.run("-m", "ruff", "format", "--check", *python)
        self.run("-m", "mypy", *python)
        temporary = f"--basetemp={self.folder}.tests"
        self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", temporary, *tests)

    def text(self, name: str) -> str:
        """Return a file of the copy."""
        return (self.folder / name).read_text("utf-8")
