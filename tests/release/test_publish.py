"""Publishing: a rehearsal unless told otherwise, and a question first. No test uploads anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest

import fproc
from release import publish as publishing
from release.build import Build
from release.checksums import write_checksums
from release.publish import publish

COMMITTED = Build(Path(), "0123456789ab", datetime(2026, 2, 3, tzinfo=timezone.utc))
CHANGED = Build(Path(), "0123456789ab-dirty", COMMITTED.time)
WHEEL, SDIST = "fproc-0.1.0-py3-none-any.whl", "fproc-0.1.0.tar.gz"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with packages, which need not be looked at."""
    for name in (WHEEL, SDIST, "fproc_0.1.0-1_all.deb"):
        (tmp_path / name).write_text(name)
    write_checksums(tmp_path)
    monkeypatch.setattr(publishing, "check_distributions", lambda _folder: None)
    return tmp_path


def asked(
    folder: Path, build: Build, index: str, answer: str, *, is_rehearsal: bool = False
) -> list[list[str]]:
    """Return the commands that a user who gives this answer has run."""
    commands: list[list[str]] = []

    def run(command: Sequence[str]) -> None:
        commands.append(list(command))

    publish(build, folder, index, is_rehearsal=is_rehearsal, ask=lambda _question: answer, run=run)
    return commands


def test_a_rehearsal_runs_nothing_and_says_what_would_go_where(made: Path) -> None:
    assert asked(made, CHANGED, "testpypi", fproc.__version__, is_rehearsal=True) == []
    said = publish(COMMITTED, made, "testpypi", is_rehearsal=True)
    assert said == f"dry run: {WHEEL} and {SDIST} would go to TestPyPI; --upload uploads them"


@pytest.mark.parametrize("index", ["testpypi", "pypi"])
def test_only_wheel_and_sdist_are_uploaded_once_the_version_was_typed(made: Path, index: str) -> None:
    (command,) = asked(made, COMMITTED, index, f"{fproc.__version__}\n")
    assert command[1:] == [
        "-m",
        "twine",
        "upload",
        "--repository",
        index,
        str(made / WHEEL),
        str(made / SDIST),
    ]


@pytest.mark.parametrize("answer", ["", "y", "yes", "0.0.1"])
def test_any_other_answer_uploads_nothing(made: Path, answer: str) -> None:
    assert asked(made, COMMITTED, "testpypi", answer) == []


def test_what_has_no_commit_is_not_uploaded(made: Path) -> None:
    with pytest.raises(ValueError, match="changes that are not committed"):
        asked(made, CHANGED, "testpypi", fproc.__version__)


def test_what_is_not_as_it_was_made_is_not_uploaded(made: Path) -> None:
    (made / SDIST).write_text("another")
    with pytest.raises(ValueError, match=f"^{SDIST}: not what make package made"):
        publish(COMMITTED, made, "testpypi", is_rehearsal=True)
    (made / SDIST).unlink()
    with pytest.raises(ValueError, match=f"^{SDIST}: "):
        publish(COMMITTED, made, "testpypi", is_rehearsal=True)


def test_where_nothing_was_made_the_verb_that_makes_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="make package makes"):
        publish(COMMITTED, tmp_path, "testpypi", is_rehearsal=True)
