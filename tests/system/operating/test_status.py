"""`--status`, beside a running fproc and without one."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.support.programs.operating import TIME, counts, history, process, status, told, why
from tests.support.programs.running import (
    Watching,
    configure,
    drop,
    own_processor,
    run,
    tree,
)

WAITING = """
import os, time
def step(line):
    with open("starting", "w") as file:
        file.write(str(os.getpid()))
    os.replace("starting", "started")
    while not os.path.exists("go"):
        time.sleep(0.01)
    return line
"""


AWAY = "import fproc\ndef step(line):\n    raise fproc.Retry('the database is away')\n"


def health(folder: Path) -> tuple[str, list[str]]:
    found = status(folder)["health"]
    return found["status"], found["troubles"]


@pytest.mark.parametrize("arguments", [("--status",), ("--why", "x"), ("--retry", "x"), ("--retry", "--all")])
def test_without_a_watched_folder_that_is_said_and_none_is_made(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = run(tmp_path, *arguments)
    assert (ended.status, ended.out, len(ended.lines)) == (1, b"", 1)
    assert f"there is no folder {tmp_path}/watch_dir; --watch makes it" in ended.err
    assert tree(tmp_path) == {}


def test_an_empty_spool_is_stopped_and_well(tmp_path: Path) -> None:
    assert process(tmp_path).status == 0
    before = tree(tmp_path)
    expected = f"{tmp_path}/watch_dir: stopped\nunprocessed 0  underprocess 0  processed 0  failed 0"
    assert told(tmp_path, exit_status=1) == expected
    assert tree(tmp_path) == before


def test_a_watched_folder_with_nothing_in_it_may_be_a_mount_point_and_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "watch_dir").mkdir()
    state, (trouble,) = health(tmp_path)
    assert (state, trouble.startswith("no .fproc/id in ")) == ("stopped", True)
    assert os.listdir(tmp_path / "watch_dir") == []


def test_a_running_fproc_is_told_with_its_files_and_after_a_kill_it_is_not(tmp_path: Path) -> None:
    own_processor(tmp_path, WAITING, workers=1)
    drop(tmp_path, "a.log", b"one\ntwo\n")
    with Watching(tmp_path) as watching:
        watching.wait_until((tmp_path / "started").exists)
        drop(tmp_path, "b.log", b"three\n")
        watching.wait_until(lambda: status(tmp_path)["current"])
        found = status(tmp_path)
        worker = int((tmp_path / "started").read_text())
        [current], [instance] = found["current"], found["instances"]
        assert re.fullmatch(TIME, current.pop("started"))
        figures = {"lines": 0, "bytes": 0, "total_bytes": 8, "rejected": 0, "skipped": 0}
        assert current == {"file": "a.log", **figures, "worker": worker}
        assert re.fullmatch(TIME, instance.pop("started"))
        assert instance == {"host": socket.gethostname(), "pid": watching.process.pid}
        assert {"counts", "current", "waiting", "health", "instances"} <= found.keys()
        assert (found["counts"], found["waiting"]) == (counts(1, 1, 0, 0), [])
        assert (found["health"]["status"], found["health"]["troubles"]) == ("ok", [])
        lines = told(tmp_path, exit_status=0).splitlines()
        assert lines[0].endswith(": ok")
        assert lines[2].startswith("  a.log: 0 lines, since ")
        assert lines[3].startswith(f"running: {socket.gethostname()} pid {watching.process.pid}, since ")
        assert why(tmp_path, "a.log").startswith(
            f"underprocess/a.log: held by {socket.gethostname()} pid {worker}"
        )
        assert why(tmp_path, "b.log") == "unprocessed/b.log: ready; it is taken as soon as a worker is free"
        watching.signal(signal.SIGKILL)
        watching.wait()
    found = status(tmp_path)
    assert (found["current"], found["instances"], found["waiting"]) == ([], [], [])
    assert (found["health"]["status"], found["counts"]) == ("stopped", counts(1, 1, 0, 0))
    assert why(tmp_path, "a.log").endswith("nobody holds it, but no fproc is running on this folder")
    assert why(tmp_path, "b.log").endswith("ready, but no fproc is running on this folder")
    (tmp_path / "go").touch()
    assert process(tmp_path).status == 0
    assert status(tmp_path)["counts"] == counts(0, 0, 2, 0)


def test_a_file_in_place_of_the_results_folder_pauses_and_is_told(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path) as watching:
        results = watching.spool / "results"
        results.rename(tmp_path / "aside")
        results.touch()
        drop(tmp_path, "x.log", b"a\n")
        watching.wait_until(lambda: status(tmp_path)["health"]["status"] == "degraded")
        assert status(tmp_path)["counts"] == counts(1, 0, 0, 0)
        assert f"the folder of results has vanished: {results}" in told(tmp_path, exit_status=1)
        results.unlink()
        (tmp_path / "aside").rename(results)
        watching.wait_for("processed/x.log")
        watching.wait_until(lambda: status(tmp_path)["health"]["status"] == "ok")


def test_a_file_that_is_tried_again_is_told_with_its_time(tmp_path: Path) -> None:
    own_processor(
        tmp_path, AWAY, retry={"max_attempts": 5, "backoff_seconds": 3600, "backoff_max_seconds": 3600}
    )
    drop(tmp_path, "x.log", b"a\n")
    with Watching(tmp_path) as watching:
        watching.wait_until(lambda: "tried again in" in watching.log)
        [waiting] = status(tmp_path)["waiting"]
        assert (waiting["file"], waiting["attempts"], len(waiting)) == ("x.log", 1, 3)
        assert re.fullmatch(TIME, waiting["not_before"])
        expected = f"underprocess/x.log: retry at {waiting['not_before']}, after 1 failed attempt"
        assert why(tmp_path, "x.log") == expected
        assert f"  x.log: tried again at {waiting['not_before']}" in told(tmp_path, exit_status=0)


def test_all_of_fproc_s_own_folder_may_go_and_is_made_anew_by_the_next_start_alone(tmp_path: Path) -> None:
    configure(tmp_path, workers=1)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "a.log", b"a\n")
        watching.wait_for("processed/a.log")
        watching.wait_until(lambda: status(tmp_path)["instances"])
        own = watching.spool / ".fproc"
        own.rename(tmp_path / "removed")
        drop(tmp_path, "b.log", b"b\n")
        watching.wait_until(lambda: "intake is paused" in watching.log)
        assert watching.stop() == 0
        assert not own.exists()
    with Watching(tmp_path) as watching:
        watching.wait_for("processed/b.log")
        watching.wait_until(lambda: status(tmp_path)["instances"])
        watching.wait_until(lambda: "b.log" in history(tmp_path))
        assert "ERROR" not in watching.log
    assert status(tmp_path)["counts"] == counts(0, 0, 2, 0)
