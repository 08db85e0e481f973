"""fproc among very many open files: no descriptor of its own has a number below 1,024."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pytest

from tests.support.programs.running import Watching, configure, drop, own_processor, run, spooled

TAKEN = 1100
"""How many descriptors are taken before fproc starts; `select.select` takes none above 1,023."""

TAKES_MANY = f"""
import os, resource, sys
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
for number in range({TAKEN}):
    os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)
os.execv(sys.argv[1], sys.argv[1:])
"""
THROUGH = [sys.executable, "-c", TAKES_MANY]

pytestmark = pytest.mark.skipif(
    0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2 * TAKEN, reason="the limit of open files is low"
)


def test_the_loop_its_workers_and_the_dashboard_work(tmp_path: Path) -> None:
    own_processor(tmp_path, "def step(line):\n    return line.upper()\n", workers=2)
    with Watching(tmp_path, dashboard=True, through=THROUGH) as watching:
        numbers = [int(number) for number in os.listdir(f"/proc/{watching.process.pid}/fd")]
        assert len([number for number in numbers if number >= TAKEN]) > 5
        drop(tmp_path, "a.log", b"a\n")
        drop(tmp_path, "b.log", b"b\n")
        watching.wait_for("processed/a.log", "processed/b.log")
        status, health = watching.get("/health")
        assert (status, health["status"]) == (200, "ok")
        assert watching.stop() == 0
        assert "Traceback" not in watching.log
    found = spooled(tmp_path)
    assert (found["results/a.log"], found["results/b.log"]) == (b"A\n", b"B\n")


def test_helpers_of_a_big_file_work(tmp_path: Path) -> None:
    lines = 34 * 2**20 // 32
    (tmp_path / "in.log").write_bytes(b"".join(b"%031d\n" % number for number in range(lines)))
    configure(tmp_path)
    ended = run(tmp_path, "--input", "in.log", "--output", "out/", "--workers", "3", through=THROUGH)
    assert (ended.status, ended.out) == (0, b""), ended.err
    assert "Traceback" not in ended.err
    assert (tmp_path / "out/in.log").read_bytes() == (tmp_path / "in.log").read_bytes()
