"""A host works on a folder of its own disk, and another one begins to use that: real processes."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.programs.running import command, configure, environment, wait_until

pytestmark = pytest.mark.sweep

PLUGIN = """
import time
def step(line):
    time.sleep(0.02)
    return line
"""
LINES = 200


def test_a_file_that_is_held_by_a_lock_is_not_taken_by_an_instance_with_leases(memory_path: Path) -> None:
    configure(memory_path, [{"tag": "start", "type": "plugin.step", "next": "end"}])
    (memory_path / "plugin.py").write_text(PLUGIN)
    spool = memory_path / "watch_dir"
    running: list[subprocess.Popen[bytes]] = []
    logs = [memory_path / f"log-{number}" for number in (1, 2)]

    def start(log: Path) -> None:
        with log.open("wb") as file:
            arguments = command("--watch", "--no-dashboard", "--workers", "2")
            running.append(
                subprocess.Popen(arguments, cwd=memory_path, env=environment(), stdout=file, stderr=file)
            )

    try:
        start(logs[0])
        wait_until(lambda: os.path.isdir(spool / ".fproc/lockers"))
        for number in range(6):
            (spool / f"unprocessed/f{number}.log").write_text(f"line of {number}\n" * LINES)
        wait_until(lambda: list(spool.glob("underprocess/*")))
        (spool / ".fproc/shared").touch()  # as an instance of another host does
        start(logs[1])
        wait_until(
            lambda: len(list(spool.glob("processed/*"))) == 6,
            lambda: "".join(log.read_text() for log in logs),
        )
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    said = "".join(log.read_text() for log in logs)
    assert [process.returncode for process in running] == [0, 0], said
    assert "jobs are held by leases from now on" in said, said
    assert "given up" not in said, said
    found = {path.name: path.read_text() for path in spool.glob("results/*.log")}
    assert found == {f"f{number}.log": f"line of {number}\n" * LINES for number in range(6)}
    assert {path.name for path in spool.glob("processed/*")} == set(found)
    assert not list(spool.glob("failed/*"))
