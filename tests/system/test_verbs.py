"""Every verb of the Makefile and of run.sh, tried in a fresh clone as a new user would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from fproc.cli.design.sample import FIRST
from tests.support.clones import clone_of_project, user_environment
from tests.support.programs.running import SAMPLE_RESULT, Watching
from tests.support.project import PROJECT

VERBS = re.findall(r"^([a-z-]+):.* ## ", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
"""What `make help` lists."""

EXPECTED = """
help run run-file sample test coverage pythons sweeps test-long check pyz generate package
build-package publish publish-package
docker-build build-docker docker-run run-docker bench bench-guard screenshots
clean clean-data
"""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that no test changes, with fproc compiled."""
    clone = clone_of_project(tmp_path_factory.mktemp("pristine"), link_environment=True)
    tried([sys.executable, "-m", "compileall", "-q", "fproc"], clone)
    return clone


@pytest.fixture
def clone(pristine: Path, tmp_path: Path) -> Path:
    """Files under other names; verbs make and remove files, but change none."""
    return Path(shutil.copytree(pristine, tmp_path / "clone", symlinks=True, copy_function=os.link))


def tried(
    command: Sequence[str | Path], folder: Path, answer: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a verb, with what the user types."""
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=user_environment(PYTHON=sys.executable, **variables),
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_help_lists_all_verbs_and_run_sh_has_the_same() -> None:
    assert EXPECTED.split() == VERBS
    for command in (["make"], ["make", "help"], ["./run.sh"], ["./run.sh", "help"]):
        done = tried(command, PROJECT)
        assert re.findall(r"^make ([a-z-]+) ", done.stdout, re.MULTILINE) == VERBS


@pytest.mark.parametrize("verb", ["no-such-verb", ".*", "--watch", "run "])
def test_run_sh_refuses_what_is_no_verb(verb: str) -> None:
    done = tried(["./run.sh", verb], PROJECT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"run.sh: no verb '{verb}'; ./run.sh help lists what there is\n"


@pytest.mark.parametrize("command", [["make", "run", "ARGS=--drain"], ["./run.sh", "run", "--drain"]])
def test_samples_are_written_into_the_watched_folder_and_run_processes_them(
    clone: Path, command: list[str]
) -> None:
    assert tried([command[0], "sample", "COUNT=2"], clone).returncode == 0
    assert (clone / "watch_dir/unprocessed/sample.txt").read_text() == FIRST
    done = tried(command, clone)
    assert done.returncode == 0, done.stderr
    assert (clone / "watch_dir/results/sample.txt").read_bytes() == SAMPLE_RESULT
    assert (clone / "watch_dir/processed/sample-2.txt").exists()


def test_samples_have_the_shape_seed_and_place_that_are_asked_for(clone: Path) -> None:
    done = tried(["make", "sample", "COUNT=1", "SHAPE=csv", "SEED=x y", "DIR=build/in"], clone)
    assert done.returncode == 0, done.stderr
    (path,) = (clone / "build/in").iterdir()
    assert (path.name, path.read_text()[:6]) == ("sample.csv", "order,")


def test_run_file_takes_a_file_relative_to_the_folder_of_the_caller(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/fproc.py").write_text("raise SystemExit('not this one')\n")
    (tmp_path / "elsewhere/a.txt").write_text("INFO: fine\n")
    (tmp_path / "verbs").symlink_to(clone / "run.sh")
    for script in (clone / "run.sh", tmp_path / "verbs"):
        done = tried([script, "run-file", "a.txt", "--output", "-"], tmp_path / "elsewhere")
        assert (done.returncode, done.stdout) == (0, "[INFO] fine\n"), done.stderr
    done = tried([clone / "run.sh", "run-file", "a.txt"], tmp_path / "elsewhere")
    assert (done.returncode, (clone / "watch_dir/results/a.txt").read_text()) == (0, "[INFO] fine\n")
    done = tried(["make", "run-file", f"FILE={tmp_path}/elsewhere/a.txt", "ARGS=--output -"], clone)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[INFO] fine")


@pytest.mark.parametrize("command", ["./run.sh", "make"])
def test_run_file_without_a_file_says_that_it_needs_one(clone: Path, command: str) -> None:
    done = tried([command, "run-file"], clone)
    assert done.returncode == 2
    assert "run-file needs a file" in done.stderr


def test_clean_removes_what_was_built_and_no_input_or_result(clone: Path) -> None:
    for name in ("build/x", "dist/x", "fproc.pyz", "watch_dir/unprocessed/in", "watch_dir/results/out"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    assert tried(["make", "clean"], clone).returncode == 0
    left = {path.name for path in clone.iterdir()}
    assert left & {"build", "dist", "fproc.pyz", ".venv"} == set()
    assert (Path(sys.prefix) / "bin").is_dir()
    assert (clone / "watch_dir/unprocessed/in").exists()
    assert (clone / "watch_dir/results/out").exists()


@pytest.mark.parametrize(("answer", "are_removed"), [("yes\n", True), ("n\n", False), ("", False)])
def test_clean_data_asks_before_it_removes_inputs_and_results(
    clone: Path, answer: str, *, are_removed: bool
) -> None:
    for folder in ("processed", "results/2026", ".fproc"):
        (clone / "watch_dir" / folder).mkdir(parents=True)
    (clone / "watch_dir/processed/sample.txt").touch()
    done = tried(["./run.sh", "clean-data"], clone, answer)
    assert done.returncode == 0, done.stderr
    assert "Remove all inputs, results and history in watch_dir? [y/N]" in done.stdout
    left = sorted(path.name for path in (clone / "watch_dir").iterdir())
    assert (left == [".gitkeep"]) == are_removed
    assert are_removed or (clone / "watch_dir/processed/sample.txt").exists()


def test_clean_data_touches_nothing_while_an_fproc_runs_there(clone: Path) -> None:
    with Watching(clone):
        done = tried(["make", "clean-data"], clone, "y\n")
    assert done.returncode != 0
    assert "an fproc runs on watch_dir; stop it first" in done.stderr
    assert (clone / "watch_dir/processed").is_dir()


@pytest.mark.parametrize("verb", ["docker-build", "build-docker", "docker-run", "run-docker"])
def test_what_needs_a_container_engine_says_so_when_there_is_none(clone: Path, verb: str) -> None:
    dead = clone / "dead"
    dead.write_text("#!/bin/sh\nexit 1\n")
    dead.chmod(0o755)
    done = tried(["./run.sh", verb, f"ENGINE=no-such-engine {dead}"], clone)
    assert (done.returncode, done.stdout) == (2, "")
    name = verb if verb.startswith("docker") else "-".join(reversed(verb.split("-")))
    assert done.stderr.splitlines()[0] == (
        f"make {name} needs docker or podman; no-such-engine is not installed; "
        f"{dead} does not answer: does its service run, and may you use it?"
    )


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("docker-build", ["build", "--format", "docker", "--tag", "mine", "."]),
        ("docker-run", ["run", "--rm", "--read-only", "--cap-drop=ALL"]),
    ],
)
def test_an_engine_that_answers_is_asked_to_build_and_run_the_image(
    clone: Path, verb: str, expected: list[str]
) -> None:
    engine = clone / "podman"
    engine.write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    engine.chmod(0o755)
    done = tried(["make", verb, f"ENGINE={engine}", "IMAGE=mine"], clone)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    words = said[said.index(expected[0]) :]
    assert words[: len(expected)] == expected
    assert "mine" in words


def test_what_needs_make_says_so_when_there_is_none(clone: Path, tmp_path: Path) -> None:
    for name in ("sh", "dirname", "readlink", "sed", "grep", "python3"):
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    done = tried([clone / "run.sh", "test"], clone, PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (2, "run.sh test needs make, which is not installed\n")
    (clone / "a.txt").write_text("INFO: fine\n")
    done = tried([clone / "run.sh", "run-file", "a.txt", "--output", "-"], clone, PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "[INFO] fine\n")


def test_hadolint_finds_nothing_doubtful_in_the_dockerfile() -> None:
    done = tried([Path(sysconfig.get_path("scripts"), "hadolint"), "Dockerfile"], PROJECT)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


BRIEF: dict[str, list[str]] = {
    "test": ["make", "test", "ARGS=tests/unit/base/test_errors.py"],
    "coverage": ["make", "coverage", "ARGS=tests/unit/base/test_errors.py"],
    "pythons": ["make", "pythons", "ARGS=-- -q tests/unit/base/test_errors.py"],
    "sweeps": ["make", "sweeps", "ARGS=tests/unit/base --collect-only -q"],
    "test-long": ["make", "test-long", "ARGS=tests/unit/base/test_errors.py -q"],
    "check": ["make", "check", "ARGS=tests/unit/base/test_errors.py"],
    "generate": ["make", "generate"],
    "pyz": ["make", "pyz"],
    "bench": ["make", "bench", "ARGS=--help"],
    "package": ["./run.sh", "build-package"],
    "publish": ["./run.sh", "publish-package"],
    "clean": ["./run.sh", "clean"],
}
"""How the verbs that take long are tried here: with little to do, in the environment of the clone."""


@pytest.mark.long
def test_in_a_fresh_clone_the_verbs_that_build_something_work(tmp_path: Path) -> None:
    clone = clone_of_project(tmp_path / "clone")
    failed = {}
    for verb, command in BRIEF.items():
        done = tried(command, clone)
        nothing_to_do = verb == "sweeps" and "tests collected" in done.stdout + done.stderr
        if done.returncode and not nothing_to_do:
            failed[verb] = done.stdout[-2000:] + done.stderr[-2000:]
    assert failed == {}
    assert not (clone / ".venv").exists()
