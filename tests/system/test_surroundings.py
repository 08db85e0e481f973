"""What fproc is started with and in: closed descriptors, ignored signals, odd files in the current folder."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.helpers import thinned
from tests.support.programs.running import (
    COPY,
    DEADLINE_SECONDS,
    ROOT,
    Watching,
    can_make_namespaces,
    command,
    configure,
    drop,
    environment,
    own_processor,
    run,
    run_in_shell,
    spooled,
    wait_until,
)

TOGETHER = """
import os, time
def step(line):
    open(f"at-{line}-{os.getpid()}", "w").close()
    until = time.monotonic() + 15
    while len([name for name in os.listdir() if name.startswith("at-")]) < 2:
        if time.monotonic() > until:
            raise ValueError("there is no second worker")
        time.sleep(0.01)
    return line
"""
"""Two files wait for each other: one is done by the worker that was forked, one by another that was not."""

CLOSED = [
    " ".join(some) for count in range(4) for some in itertools.combinations(("<&-", ">&-", "2>&-"), count)
]

STANDARD_MODULES = (
    "json",
    "types",
    "socket",
    "subprocess",
    "importlib",
    "pickle",
    "enum",
    "logging",
    "select",
)

LINE_COUNT = 33 * 2**20 // 32
"""Enough for helpers."""


def drop_two(folder: Path) -> dict[str, bytes]:
    """Drop two files for two workers; gives what is to become of them."""
    own_processor(folder, TOGETHER, workers=2)
    drop(folder, "a.log", b"a")
    drop(folder, "b.log", b"b")
    return {
        "processed/a.log": b"a",
        "processed/b.log": b"b",
        "results/a.log": b"a\n",
        "results/b.log": b"b\n",
    }


@pytest.mark.parametrize("closed", thinned(dict(zip(CLOSED, CLOSED, strict=True)), "", CLOSED[-1]))
def test_files_are_processed_whichever_standard_descriptors_are_closed(tmp_path: Path, closed: str) -> None:
    expected = drop_two(tmp_path)
    ended = run_in_shell(tmp_path, f'"$0" "$@" --watch --drain {closed}')
    assert (ended.status, spooled(tmp_path)) == (0, expected), ended.err


@pytest.mark.sweep
@pytest.mark.parametrize("closed", CLOSED)
@pytest.mark.parametrize("action", ["--watch --drain", "--input in.log --output out/"])
def test_helpers_work_whichever_standard_descriptors_are_closed(
    tmp_path: Path, closed: str, action: str
) -> None:
    configure(tmp_path, workers=3)
    lines = b"".join(b"%031d\n" % number for number in range(LINE_COUNT))
    (tmp_path / "in.log").write_bytes(lines)
    drop(tmp_path, "in.log", lines)
    ended = run_in_shell(tmp_path, f'"$0" "$@" {action} {closed}')
    result = tmp_path / ("out/in.log" if "--input" in action else "watch_dir/results/in.log")
    assert (ended.status, result.read_bytes() == lines) == (0, True), ended.err
    assert "a helper" not in ended.err


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_lines_for_a_closed_standard_output_are_not_lost_unseen(tmp_path: Path, closed: str) -> None:
    drop_two(tmp_path)
    nodes: list[dict[str, Any]] = [
        {"tag": "start", "type": "own.step", "next": "shown"},
        {"tag": "shown", "type": "stdout"},
    ]
    configure(tmp_path, nodes, workers=2)
    ended = run_in_shell(tmp_path, f'"$0" "$@" --watch --drain --log-file log {closed}')
    assert ended.status == 1
    assert spooled(tmp_path) == {"underprocess/a.log": b"a", "underprocess/b.log": b"b"}
    assert "standard output is closed" in (tmp_path / "log").read_text()


def test_a_parent_that_ignores_the_ends_of_its_children_is_no_matter(tmp_path: Path) -> None:
    expected = drop_two(tmp_path)
    ended = run_in_shell(tmp_path, 'trap \'\' CHLD; exec "$0" "$@" --watch --drain')
    assert (ended.status, spooled(tmp_path)) == (0, expected), ended.err


def test_how_a_worker_has_died_is_known_where_such_signals_were_ignored(tmp_path: Path) -> None:
    own_processor(tmp_path, "import os\ndef step(line):\n    os._exit(7)\n", retry={"max_attempts": 1})
    drop(tmp_path, "a.log", b"a")
    ended = run_in_shell(tmp_path, 'trap \'\' CHLD; exec "$0" "$@" --watch --drain')
    assert ended.status == 1
    assert "a.log: the worker that processed it ended with exit status 7" in ended.err


def test_modules_of_users_may_ignore_the_ends_of_children(tmp_path: Path) -> None:
    source = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    own_processor(tmp_path, f"{source}def step(line):\n    return line\n", workers=2)
    for number in range(20):
        drop(tmp_path, f"{number}.log", b"a")
    with Watching(tmp_path) as watching:
        watching.wait_for(*(f"processed/{number}.log" for number in range(20)))
        assert watching.stop() == 0
        assert "Traceback" not in watching.log


@pytest.mark.parametrize("folder", ["the current one", "the configuration's"])
def test_files_named_like_standard_modules_neither_run_nor_break_workers(tmp_path: Path, folder: str) -> None:
    project, current = tmp_path / "project", tmp_path / "current"
    project.mkdir()
    current.mkdir()
    expected = drop_two(project)
    (project / "own.py").write_text(TOGETHER.replace("os.listdir()", f"os.listdir({str(current)!r})"))
    odd = current if folder == "the current one" else project
    for name in STANDARD_MODULES:
        (odd / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit(9)\n")
    # The project's own modules are not beside `python -m`, which looks in the current folder by nature.
    start = f"import sys; sys.path[0] = {ROOT!r}; from fproc.cli.main import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", start, "--watch", "--drain", "--config", str(project / "pipeline.json")],
        cwd=current,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (ended.returncode, spooled(project)) == (0, expected), ended.stderr
    assert not (tmp_path / "ran").exists()


def test_no_folder_for_temporary_files_is_needed(tmp_path: Path) -> None:
    expected = drop_two(tmp_path)
    start = "from fproc.cli.main import main; sys.exit(main())"
    script = f"import sys, tempfile; tempfile.tempdir = '/nowhere'; {start}"
    ended = subprocess.run(
        [sys.executable, "-c", script, "--watch", "--drain"],
        cwd=tmp_path,
        env=environment({"TMPDIR": "/nowhere"}),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (ended.returncode, spooled(tmp_path)) == (0, expected), ended.stderr


HANDLES_SIGTERM = """
import os, signal, time
seen = []
signal.set_wakeup_fd(-1)
signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
def step(line):
    return line
"""
IGNORES_SIGTERM = """
import os, signal, time
def step(line):
    if not os.path.exists("go"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open("at-work", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return line
"""
ALARM = """
import signal
caught = []
signal.signal(signal.SIGALRM, lambda *_: caught.append(1))
def step(line):
    caught.clear()
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while not caught:
        pass
    return line
"""


def test_a_worker_stops_at_once_whose_processors_handle_sigterm_themselves(tmp_path: Path) -> None:
    own_processor(tmp_path, HANDLES_SIGTERM, workers=2)
    drop(tmp_path, "a.log", b"a")
    with Watching(tmp_path) as watching:
        watching.wait_for("processed/a.log")
        assert watching.stop() == 0
        assert "not done yet" not in watching.log  # which is said when workers are ended by force


@pytest.mark.sweep
def test_a_worker_whose_processor_takes_sigterm_away_is_ended_by_force_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    own_processor(tmp_path, IGNORES_SIGTERM, retry={"max_attempts": 1})
    drop(tmp_path, "a.log", b"a")
    with Watching(tmp_path) as watching:
        watching.wait_until((tmp_path / "at-work").exists)
        assert watching.stop() == 0
        assert "a file is not done yet" in watching.log
    assert spooled(tmp_path) == {"underprocess/a.log": b"a"}
    (tmp_path / "go").touch()
    assert run(tmp_path, "--watch", "--drain").status == 0
    assert spooled(tmp_path) == {"processed/a.log": b"a", "results/a.log": b"a\n"}


def test_processors_may_use_timers(tmp_path: Path) -> None:
    own_processor(tmp_path, ALARM, workers=2)
    drop(tmp_path, "a.log", b"a\nb\nc\n")
    assert run(tmp_path, "--watch", "--drain").status == 0
    assert spooled(tmp_path)["results/a.log"] == b"a\nb\nc\n"


NEVER_IMPORTED = """
import os, time
open("importing", "w").close()
while True:
    time.sleep(0.01)
"""


@pytest.mark.skipif(not can_make_namespaces(), reason="no namespace of processes can be made here")
@pytest.mark.parametrize(("action", "status"), [("--watch", 0), ("--check", 130)])
def test_the_first_process_of_a_container_can_be_stopped_early(
    tmp_path: Path, action: str, status: int
) -> None:
    own_processor(tmp_path, NEVER_IMPORTED)
    (tmp_path / "status").mkdir()
    child = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", *command(action)],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
    )
    with child:
        try:
            wait_until((tmp_path / "importing").exists)
            children = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGTERM)
            assert child.wait(DEADLINE_SECONDS) == status
        finally:
            child.kill()


def test_it_can_be_stopped_though_who_started_it_had_sigterm_blocked(tmp_path: Path) -> None:
    configure(tmp_path)
    log = tmp_path / "log"
    arguments = ["--watch", "--no-dashboard", "--log-file", str(log)]
    process = subprocess.Popen(
        ["env", "--block-signal=TERM", *command(*arguments)], cwd=tmp_path, env=environment()
    )
    with process:
        try:
            wait_until(lambda: log.exists() and "INFO watching" in log.read_text())
            process.terminate()
            assert process.wait(DEADLINE_SECONDS) == 0
        finally:
            process.kill()


def test_a_log_file_is_followed_when_it_is_renamed(tmp_path: Path) -> None:
    configure(tmp_path, COPY, workers=1)
    log = tmp_path / "fproc.log"
    process = subprocess.Popen(
        command("--watch", "--no-dashboard", "--log-file", str(log)), cwd=tmp_path, env=environment()
    )
    with process:
        try:
            wait_until(lambda: log.exists() and "INFO watching" in log.read_text())
            log.rename(tmp_path / "fproc.log.1")
            drop(tmp_path, "a.log", b"a")
            wait_until(lambda: log.exists() and "INFO a.log: " in log.read_text())
            log.unlink()
            drop(tmp_path, "b.log", b"b")
            wait_until(lambda: log.exists() and "INFO b.log: " in log.read_text())
        finally:
            process.terminate()
            assert process.wait(DEADLINE_SECONDS) == 0
    assert "a.log" not in (tmp_path / "fproc.log.1").read_text()
