"""Inputs that fproc's user may not take, read or finish: whoever asks hears the same of them, and the truth.

Two real users are needed: root owns what is dropped, and fproc runs as nobody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import NOBODY, QUICK, Ended, Watching, configure, drop, open_folder, run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for two users")

EPERM, EACCES = "Operation not permitted", "Permission denied"


@contextmanager
def two_users(ready: str = "rename") -> Iterator[Path]:
    """A folder with a spool of nobody's."""
    with open_folder() as folder:
        configure(folder, workers=1, intake={**QUICK, "ready": ready})
        spool = folder / "watch_dir"
        for path in (spool, spool / "unprocessed", spool / "results"):
            path.mkdir()
            os.chown(path, NOBODY, NOBODY)
        yield folder


def make_sticky(folder: Path) -> None:
    """Make the drop folder one such as /tmp, or an FTP server's incoming."""
    unprocessed = folder / "watch_dir/unprocessed"
    os.chown(unprocessed, 0, 0)
    unprocessed.chmod(0o1777)


def dropped_by_root(folder: Path, name: str, mode: int = 0o644) -> Path:
    path = drop(folder, name, b"fine\n")
    path.chmod(mode)
    return path


def asked(folder: Path, *arguments: str) -> Ended:
    return run(folder, *arguments, as_nobody=True)


def why(folder: Path, name: str) -> str:
    """What is said of a name where it is now, without its history."""
    lines = asked(folder, "--why", name).out.decode().splitlines()
    return "\n".join(line for line in lines if not line.startswith("  "))


def problems(folder: Path) -> list[str]:
    """What the doctor calls a problem."""
    return [
        line for line in asked(folder, "--doctor").out.decode().splitlines() if line.startswith("problem")
    ]


def health(watching: Watching) -> tuple[int, str, str]:
    """The status of `/health` as a number and a word, and all that it says is wrong."""
    number, value = watching.get("/health")
    said = [check["message"] for check in value["checks"].values() if not check["ok"]]
    return number, value["status"], "; ".join(said)


def told(folder: Path) -> tuple[int, dict[str, Any]]:
    """The exit status of `--status`, and its health."""
    ended = asked(folder, "--status", "--json")
    return ended.status, json.loads(ended.out)["health"]


def test_a_file_that_a_sticky_folder_holds_back_is_named_by_all_and_taken_once_it_may_be() -> None:
    with two_users() as folder:
        make_sticky(folder)
        dropped_by_root(folder, "a.log")
        with Watching(folder, dashboard=True, as_nobody=True) as watching:
            drop(folder, "mine.log", b"fine\n").chmod(0o644)
            os.chown(folder / "watch_dir/unprocessed/mine.log", NOBODY, NOBODY)
            watching.wait_for("processed/mine.log")  # it costs the others nothing
            watching.wait_until(lambda: "a.log: cannot be worked with" in watching.log)
            watching.wait_until(lambda: EPERM in why(folder, "a.log"))
            assert (
                f"a.log: cannot be worked with, and is skipped until this is fixed: {EPERM}" in watching.log
            )
            skipped = f"it cannot be worked with, and is skipped until this is fixed: {EPERM}"
            expected = f"unprocessed/a.log: ready, but {skipped}"
            assert why(folder, "a.log").startswith(expected)
            assert why(folder, "watch_dir/unprocessed/a.log").startswith(expected)
            number, word, said = health(watching)
            assert (number, word, f"a.log: {EPERM}" in said) == (503, "degraded", True)
            exit_status, found = told(folder)
            assert (exit_status, found["status"], "; ".join(found["troubles"])) == (1, "degraded", said)
            assert f"  a.log: {EPERM}" in asked(folder, "--status").out.decode()
            sticky, waiting = problems(folder)
            assert "unprocessed: has the sticky bit" in sticky
            assert "chmod -t" in sticky
            assert f"waiting inputs: a.log: {EPERM}" in waiting
            (folder / "watch_dir/unprocessed").chmod(0o777)
            watching.wait_for("processed/a.log")
            watching.wait_until(lambda: health(watching)[0] == 200)
            watching.wait_until(lambda: told(folder)[0] == 0)
            assert problems(folder) == []


@pytest.mark.parametrize("ready", ["rename", "auto"])
def test_without_a_running_fproc_a_look_finds_what_a_sticky_folder_holds_back(ready: str) -> None:
    with two_users(ready) as folder:
        make_sticky(folder)
        dropped_by_root(folder, "a.log")
        said = why(folder, "a.log")
        assert f"{EPERM}: {folder}/watch_dir/unprocessed has the sticky bit" in said
        assert f"the user with id {NOBODY}" in said
        assert EPERM not in run(folder, "--why", "a.log").out.decode()  # root may take it


def test_a_sticky_folder_of_fproc_s_own_user_holds_nothing_back() -> None:
    with two_users() as folder:
        (folder / "watch_dir/unprocessed").chmod(0o1777)
        dropped_by_root(folder, "a.log")
        assert problems(folder) == []
        assert EPERM not in why(folder, "a.log")
        assert asked(folder, "--watch", "--drain").status == 0
        assert (folder / "watch_dir/processed/a.log").exists()


@pytest.mark.parametrize("later", ["underprocess", "processed", "failed"])
def test_a_sticky_folder_further_on_the_way_is_found_by_the_doctor(later: str) -> None:
    with two_users() as folder:
        path = folder / "watch_dir" / later
        path.mkdir()
        path.chmod(0o1777)
        [problem] = problems(folder)
        assert f"{path}: has the sticky bit" in problem


def test_results_that_cannot_be_written_are_named_by_all() -> None:
    with two_users() as folder, Watching(folder, dashboard=True, as_nobody=True) as watching:
        results = folder / "watch_dir/results"
        os.chown(results, 0, 0)
        results.chmod(0o755)
        dropped_by_root(folder, "a.log")
        watching.wait_until(lambda: EACCES in health(watching)[2])
        number, word, said = health(watching)
        assert (number, word) == (503, "degraded")
        assert f"cannot write to {results}" in said
        watching.wait_until(lambda: EACCES in why(folder, "a.log"))
        exit_status, found = told(folder)
        assert (exit_status, found["status"]) == (1, "degraded")
        assert "; ".join(found["troubles"]) == said
        assert EACCES in watching.log
        assert str(results) in asked(folder, "--doctor").err + "".join(problems(folder))
        os.chown(results, NOBODY, NOBODY)
        watching.wait_for("processed/a.log", "results/a.log")
        watching.wait_until(lambda: health(watching)[0] == 200)
        watching.wait_until(lambda: told(folder)[0] == 0)


def test_without_a_running_fproc_a_look_finds_that_results_cannot_be_written() -> None:
    with two_users() as folder:
        assert asked(folder, "--watch", "--drain").status == 0
        results = folder / "watch_dir/results"
        os.chown(results, 0, 0)
        dropped_by_root(folder, "a.log")
        assert f"no fproc is running on this folder; and cannot write to {results}" in why(folder, "a.log")
        assert told(folder)[1]["troubles"] == [f"cannot write to {results}"]
        ended = asked(folder, "--doctor")
        assert (ended.status, f"cannot write to the folder {results}" in ended.err) == (78, True)


@pytest.mark.parametrize("ready", ["rename", "auto"])
@pytest.mark.sweep
def test_a_file_that_cannot_be_read_yet_is_named_by_all_while_it_waits(ready: str) -> None:
    with two_users(ready) as folder:
        path = dropped_by_root(folder, "a.log", mode=0o600)
        reason = f"cannot be read yet: {EACCES}"
        with Watching(folder, dashboard=True, as_nobody=True) as watching:
            dropped_by_root(folder, "b.log")
            watching.wait_for("processed/b.log")  # it costs the others nothing
            watching.wait_until(lambda: health(watching) == (503, "degraded", f"a.log: {reason}"))
            watching.wait_until(lambda: told(folder)[0] == 1)
            exit_status, found = told(folder)
            assert (exit_status, found["status"]) == (1, "degraded")
            assert found["troubles"] == [f"a.log: {reason}"]
            assert why(folder, "a.log").startswith(f"unprocessed/a.log: {reason}")
            assert watching.log.count(f"a.log: {reason}; it waits until it can be") == 1
            path.chmod(0o644)
            watching.wait_for("processed/a.log")
            watching.wait_until(lambda: health(watching)[0] == 200)
            watching.wait_until(lambda: told(folder)[0] == 0)


def test_without_a_running_fproc_a_look_finds_what_cannot_be_read() -> None:
    with two_users() as folder:
        dropped_by_root(folder, "a.log", mode=0o600)
        assert f"cannot be read: {EACCES}" in why(folder, "a.log")
        [problem] = problems(folder)
        assert f"waiting inputs: a.log: cannot be read: {EACCES}" in problem
