"""Leases of real processes: a processor that lets nothing else of its process run meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs.running import configure, environment, wait_until

pytestmark = pytest.mark.sweep

RUN = """
import sys
from fproc.spool.locks import leases
leases.LEASE_SECONDS, leases.BEAT_SECONDS = 2.0, 0.3
from fproc.cli.main import main
sys.exit(main())
"""

PLUGIN = """
import ctypes
def step(line):
    ctypes.PyDLL(None).usleep(6_000_000)  # a PyDLL keeps the interpreter while it calls
    return line
"""


def test_a_processor_that_keeps_the_interpreter_longer_than_a_lease_keeps_its_file(memory_path: Path) -> None:
    nodes = [{"tag": "start", "type": "plugin.step", "next": "end"}]
    configure(memory_path, nodes, recovery={"check_interval": 0.2})
    (memory_path / "plugin.py").write_text(PLUGIN)
    spool = memory_path / "watch_dir"
    (spool / "unprocessed").mkdir(parents=True)
    (spool / ".fproc").mkdir()
    (spool / ".fproc/shared").touch()
    (spool / "unprocessed/x.log").write_text("a\n")
    command = [sys.executable, "-c", RUN, "--watch", "--no-dashboard", "--workers", "1"]
    running: list[subprocess.Popen[bytes]] = []
    logs = [memory_path / f"log-{number}" for number in (1, 2)]
    try:
        for log in logs:
            with log.open("wb") as file:
                running.append(
                    subprocess.Popen(command, cwd=memory_path, env=environment(), stdout=file, stderr=file)
                )
            wait_until(lambda: list(spool.glob("underprocess/*")))
        wait_until(lambda: all(b"watching" in log.read_bytes() for log in logs))
        wait_until((spool / "processed/x.log").exists)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    said = "".join(log.read_text() for log in logs)
    assert said.count("x.log: 1 line in") == 1, said
    assert "taken up again" not in said, said
    assert "given up" not in said, said
    assert (spool / "results/x.log").read_text() == "a\n"
