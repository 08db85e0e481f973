"""`kill -9` in the middle of a file, again and again: the result is that of an undisturbed run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import wait_until
from tests.support.project import PROJECT
from tests.support.spool.crashes import look

pytestmark = pytest.mark.sweep

SAMPLES = PROJECT / "tests" / "samples"
LINES = 30_000
KILLS = 10

CONFIG: dict[str, Any] = {
    "plugins_dir": str(SAMPLES),
    "intake": {"ready": "rename", "poll_seconds": 0.01},
    "nodes": [
        {
            "tag": "start",
            "type": "user_processors.by_length",
            "next": {"t0": "end", "*": ["number", "paired"]},
        },
        {"tag": "number", "type": "user_processors.Numbered", "next": "numbered"},
        {"tag": "numbered", "type": "write", "config": {"file": "{stem}.numbered"}},
        {"tag": "paired", "type": "user_processors.pairs", "stream": True, "next": "pairs"},
        {"tag": "pairs", "type": "write", "config": {"file": "{stem}.{tag}.pairs"}},
    ],
}


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "fproc", "--watch", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stderr=log)


def set_up(folder: Path) -> Path:
    folder.mkdir()
    (folder / "pipeline.json").write_text(json.dumps(CONFIG))
    (folder / "watch_dir" / "unprocessed").mkdir(parents=True)
    given = folder / "watch_dir" / "unprocessed" / "big.log"
    given.write_text("".join(f"line {number} {'x' * (number % 7)}\n" for number in range(LINES)))
    return folder


def drain(folder: Path) -> None:
    process = start(folder, "--drain")
    assert process.wait(timeout=60) == 0, (folder / "log").read_text()


@pytest.mark.parametrize("kills", [KILLS, pytest.param(100, marks=pytest.mark.long)])
def test_ten_kills_at_random_moments_change_nothing(tmp_path: Path, kills: int) -> None:
    calm = set_up(tmp_path / "calm")
    begin = time.monotonic()
    drain(calm)
    whole_seconds = time.monotonic() - begin
    killed = set_up(tmp_path / "killed")
    chance = random.Random(kills)
    caught_in_the_middle = 0
    for number in range(kills):
        stage = killed / "watch_dir" / "results" / ".stage"
        done = killed / "watch_dir" / "processed" / "big.log"
        old_parts = set(stage.glob("*/*"))
        process = start(killed, "--no-dashboard")
        wait_until(lambda: set(stage.glob("*/*")) - old_parts or done.exists())  # noqa: B023 - called at once
        time.sleep(chance.uniform(0, 0.3) * whole_seconds)
        caught_in_the_middle += bool(set(stage.glob("*/*")) - old_parts)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        if done.exists():  # it was quicker, this time
            drain(killed)
            check_undisturbed(calm, killed)
            killed = set_up(tmp_path / f"killed-{number}")
    drain(killed)
    assert caught_in_the_middle >= kills // 3, "the kills came too late to show anything"
    check_undisturbed(calm, killed)


def check_undisturbed(calm: Path, killed: Path) -> None:
    undisturbed, disturbed = look(str(calm / "watch_dir")), look(str(killed / "watch_dir"))
    assert disturbed == undisturbed
    assert disturbed["litter"] == []
    assert len(disturbed["results"]) > 2
