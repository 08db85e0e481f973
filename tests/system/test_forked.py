"""Runs that tests fork from a server, which spares them the start of Python, are as those that it starts."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import Watching, configure, own_processor, run

LOOK = """
import json, os, signal, sys
def step(line):
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGCHLD
    return json.dumps({
        "arguments": sys.argv, "path": sys.path, "folder": os.getcwd(), "flags": str(sys.flags),
        "environment": dict(os.environ), "main": sys.modules["__main__"].__file__,
        "standard": [(file.isatty(), file.line_buffering, file.encoding) for file in (sys.stdin, sys.stderr)],
        "open": sorted(os.listdir("/proc/self/fd")),
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "handlers": [str(signal.getsignal(number)) for number in numbers],
        "children": open(f"/proc/self/task/{os.getpid()}/children").read(),
        "users": os.getresuid(), "groups": os.getgroups(),
    })
"""
"""What a process can see of how it was started."""


def seen(folder: Path, *through: str) -> dict[str, Any]:
    """What a run sees that is started through a command, or forked."""
    ended = run(folder, "--input", "-", "--output", "-", "--quiet", given=b"one\n", through=through)
    assert (ended.status, ended.err) == (0, "")
    value: dict[str, Any] = json.loads(ended.out)
    return value


def test_a_forked_run_sees_what_one_sees_that_was_started(tmp_path: Path) -> None:
    own_processor(tmp_path, LOOK)
    assert seen(tmp_path) == seen(tmp_path, "env")


def test_a_forked_run_gives_its_status_and_both_its_outputs(tmp_path: Path) -> None:
    for through in ((), ("env",)):
        ended = run(tmp_path, "--input", "none", through=through)
        assert (ended.status, ended.out) == (1, b"")
        assert "none" in ended.err


def test_a_forked_run_is_there_until_it_was_waited_for(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path) as watching:
        process = watching.process
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(signal.SIGKILL)
        assert (process.wait(), process.poll(), process.returncode) == (-9, -9, -9)
        process.kill()  # its id may be another's by now
