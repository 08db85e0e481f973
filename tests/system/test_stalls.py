"""Lines that a processor does not get done with: named everywhere, with their number and node."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import (
    DEADLINE_SECONDS,
    Watching,
    command,
    configure,
    drop,
    environment,
    report,
    run,
    spooled,
    wait_until,
)

SOON = {"stall_seconds": 1}
ENDED = {"timeout_seconds": 2}
ONCE = {"max_attempts": 1}

HANGS = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"
PATTERN: list[dict[str, Any]] = [
    {"tag": "start", "type": "trim", "next": "pairs"},
    {"tag": "pairs", "type": "rewrite",
     "config": {"pattern": "^(?P<k>([a-z]+)*)=(?P<v>.*)$", "template": "{k}: {v}"}, "next": "end"},
]  # fmt: skip

OWN = """
import os, socket, time

def sleeps(line):
    while line == "hang" and not os.path.exists("go"):
        time.sleep(1000 if os.path.exists("never") else 0.01)
    return line

def loops(line):
    while line == "hang" and not os.path.exists("go"):
        pass
    return line

def listens(line):
    if line == "hang":
        ours, theirs = socket.socketpair()
        ours.settimeout(0.02)
        while not os.path.exists("go"):
            try:
                ours.recv(1)
            except TimeoutError:
                pass
    return line

def stream(records):
    for tag, line in records:
        loops(line)
        yield tag, line

class ends:
    def __init__(self):
        self.last = ""
    def process(self, line):
        self.last = line
        return line
    def finish(self):
        sleeps(self.last)
        return ()
"""


def count_stalls(log: str, file: str, where: str) -> int:
    """How often it was said that a file stalls there; a slow host says so later."""
    return len(re.findall(rf"WARNING {re.escape(file)}: no progress for \d+ s: {re.escape(where)}\n", log))


def own(folder: Path, name: str, **node: Any) -> list[dict[str, Any]]:
    (folder / "own.py").write_text(OWN)
    return [
        {"tag": "start", "type": "trim", "next": "slow"},
        {"tag": "slow", "type": f"own.{name}", "next": "end", **node},
    ]


KINDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a processor that sleeps": ("sleeps", {}, "line 2, node 'slow'"),
    "an endless loop": ("loops", {}, "line 2, node 'slow'"),
    "a wait for a socket": ("listens", {}, "line 2, node 'slow'"),
    "a stream": ("stream", {"stream": True}, "line 2, node 'slow'"),
    "the end of the file": ("ends", {}, "at the end of the file, node 'slow'"),
    "a graph that is interpreted": ("sleeps", {"next": {"no": "slow", "*": "end"}}, "line 2, node 'slow'"),
}


@pytest.mark.parametrize(("name", "node", "where"), KINDS.values(), ids=KINDS.keys())
@pytest.mark.sweep
def test_a_worker_that_gets_nothing_done_is_named_and_goes_on_by_itself(
    tmp_path: Path, name: str, node: dict[str, Any], where: str
) -> None:
    configure(tmp_path, own(tmp_path, name, **node), limits=SOON, workers=2)
    with Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "x.log", b"one\nhang\n" if name == "ends" else b"one\nhang\nthree\n")
        watching.wait_until(lambda: count_stalls(watching.log, "x.log", where))
        status, health = watching.get("/health")
        assert (status, health["status"]) == (503, "degraded")
        check = health["checks"]["workers"]
        assert not check["ok"]
        assert re.fullmatch(rf"x\.log: no progress since \S+Z: {where}", check["message"])
        [current] = watching.get("/files")[1]["current"]
        assert current["stalled"] == check["message"].removeprefix("x.log: ")
        told = f"; {current['stalled']}"
        watching.wait_until(lambda: told in run(tmp_path, "--why", "x.log").out.decode())
        assert run(tmp_path, "--status").status == 1
        drop(tmp_path, "y.log", b"others go on\n")
        watching.wait_for("processed/y.log")
        (tmp_path / "go").touch()
        watching.wait_for("processed/x.log")
        watching.wait_until(lambda: "WARNING x.log: goes on, after " in watching.log)
        watching.wait_until(lambda: watching.get("/health")[1]["status"] == "ok")
        assert count_stalls(watching.log, "x.log", where) == 1


@pytest.mark.sweep
def test_a_pattern_that_never_ends_is_named_and_goes_on_being_stuck(tmp_path: Path) -> None:
    configure(tmp_path, PATTERN, limits=SOON)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "kv.log", f"abc=1\n{HANGS}\nok=2\n".encode())
        watching.wait_until(lambda: count_stalls(watching.log, "kv.log", "line 2, node 'pairs'"))
        assert list(spooled(tmp_path)) == ["underprocess/kv.log"]


def test_a_worker_that_takes_too_long_is_ended_and_the_report_names_the_line(tmp_path: Path) -> None:
    configure(tmp_path, PATTERN, limits=ENDED, retry=ONCE)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "kv.log", f"abc=1\n{HANGS}\nok=2\n".encode())
        watching.wait_for("failed/kv.log.error.json")
        about = report(tmp_path, "kv.log")
        reason = (
            "took longer than limits.timeout_seconds (2 s), so its worker was killed (line 2, node 'pairs')"
        )
        assert (about["node"], about["line_no"], about["line"]) == ("pairs", 2, HANGS)
        assert about["reason"] == reason
        assert f"ERROR kv.log: {reason}\n" in watching.log
        assert watching.stop() == 0
    said = run(tmp_path, "--why", "kv.log").out.decode()
    assert f"failed, attempt 1: {reason}" in said
    assert f"died: {reason}" in said


def test_an_adopted_file_that_takes_too_long_is_ended_as_well(tmp_path: Path) -> None:
    configure(tmp_path, PATTERN, limits=ENDED, retry=ONCE)
    drop(tmp_path, "kv.log", b"later=1\n")
    (tmp_path / "watch_dir/underprocess").mkdir()
    (tmp_path / "watch_dir/underprocess/kv.log").write_text(f"{HANGS}\n")
    with Watching(tmp_path) as watching:
        watching.wait_for("failed/kv.log.error.json", "processed/kv.log")
        assert report(tmp_path, "kv.log")["line_no"] == 1


DEADLOCK = """
import ctypes
def step(line):
    if line == "hang":
        lock = ctypes.create_string_buffer(256)
        for _ in range(2):
            ctypes.PyDLL(None).pthread_mutex_lock(lock)
    return line
"""


def test_in_a_call_that_hears_no_signal_it_is_said_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(DEADLOCK)
    configure(
        tmp_path, [{"tag": "start", "type": "own.step", "next": "end"}], limits=SOON | ENDED, retry=ONCE
    )
    with Watching(tmp_path) as watching:
        drop(tmp_path, "x.log", b"one\ntwo\nhang\nfour\nfive\nsix\n")
        watching.wait_for("failed/x.log.error.json")
        about = report(tmp_path, "x.log")
        assert (about["node"], about["line_no"]) == (None, None)
        assert about["reason"].endswith("so its worker was killed (somewhere in lines 2 to 5)")


REPLACES = """
import signal, time
for number in range(1, signal.NSIG):
    if number not in {signal.SIGTERM, signal.SIGCHLD}:
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            pass
def step(line):
    for number in range(signal.SIGRTMIN, signal.SIGRTMAX):
        signal.signal(number, signal.SIG_DFL)
    time.sleep(1000)
"""


@pytest.mark.sweep
def test_a_processor_that_takes_all_signals_over_is_not_harmed(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(REPLACES)
    configure(tmp_path, [{"tag": "start", "type": "own.step", "next": "end"}], limits=SOON)
    with Watching(tmp_path) as watching:
        drop(tmp_path, "x.log", b"one\n")
        watching.wait_until(lambda: count_stalls(watching.log, "x.log", "line 1"))
        assert "killed" not in watching.log


BIG_LINES = 34 * 2**20 // 32
BIG_HANGS = 700_000
BIG = """
import os, time
def step(line):
    while line.startswith("hang") and not os.path.exists("go"):
        time.sleep(0.01)
    return line
"""


def test_a_helper_of_a_big_file_that_gets_nothing_done_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(BIG)
    configure(
        tmp_path,
        [{"tag": "start", "type": "own.step", "next": "end"}],
        limits={"stall_seconds": 1},
        workers=3,
    )
    lines = [b"%031d\n" % number for number in range(1, BIG_LINES + 1)]
    lines[BIG_HANGS - 1] = b"hang".ljust(31) + b"\n"
    with Watching(tmp_path) as watching:
        drop(tmp_path, "big.log", b"".join(lines))
        watching.wait_until(lambda: count_stalls(watching.log, "big.log", f"line {BIG_HANGS}, node 'start'"))
        (tmp_path / "go").touch()
        watching.wait_for("processed/big.log")
    assert (tmp_path / "watch_dir/results/big.log").read_bytes() == b"".join(lines)


@pytest.mark.parametrize("nodes", [PATTERN, None], ids=["a pattern that never ends", "a sleep"])
def test_without_a_parent_a_stall_is_said_on_standard_error(
    tmp_path: Path, nodes: list[dict[str, Any]] | None
) -> None:
    configure(tmp_path, nodes or own(tmp_path, "sleeps"), limits=SOON)
    (tmp_path / "x.log").write_text(f"a=b\n{HANGS if nodes else 'hang'}\n")
    node = "pairs" if nodes else "slow"
    with open(tmp_path / "said", "w+b") as said:
        process = subprocess.Popen(
            command("--input", "x.log"), cwd=tmp_path, env=environment(), stdout=said, stderr=said
        )
        try:
            where = f"line 2, node '{node}'"
            wait_until(lambda: count_stalls((tmp_path / "said").read_text(), "x.log", where))
        finally:
            process.kill()
            process.wait(DEADLINE_SECONDS)
