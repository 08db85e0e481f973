"""Where workers spend their time is told by time: also a node that only waits, and is given few lines."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.running import Watching, configure, drop

OWN = """
import socket

def waits(line):
    if line.endswith("slow"):
        ours, theirs = socket.socketpair()
        ours.settimeout(1)
        try:
            ours.recv(1)
        except TimeoutError:
            pass
    return line

def quick(line):
    for _ in range(100):
        pass
    return line
"""

NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "own.quick", "next": "waiting"},
    {"tag": "waiting", "type": "own.waits", "next": "end"},
]
"""One does nearly nothing, the other waits for something without any processor time."""


def share(nodes: dict[str, dict[str, float]], key: str) -> float:
    return nodes["waiting"][key] / sum(node[key] for node in nodes.values())


@pytest.mark.sweep
def test_a_node_that_waits_has_the_time_and_one_that_does_nothing_has_none(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    configure(tmp_path, NODES, workers=2)
    with Watching(tmp_path, dashboard=True) as watching:
        drop(tmp_path, "x.log", b"quick\n" * 450 + b"slow\n" * 8)  # by count, only the first ones are timed
        watching.wait_until(lambda: "waiting" in watching.get("/stats")[1]["nodes"])  # while it is at it
        assert not (watching.spool / "processed/x.log").exists()
        watching.wait_until(lambda: watching.get("/stats")[1]["totals"]["files_processed"])
        nodes = watching.get("/stats")[1]["nodes"]
        with urllib.request.urlopen(watching.url + "/metrics") as answer:
            metrics = answer.read().decode()
    with Watching(tmp_path, dashboard=True) as again:
        points = again.get("/series?window=86400&node=waiting")[1]["node"]["points"]
    assert sum(point["sampled_seconds"] for point in points) == pytest.approx(
        nodes["waiting"]["sampled_seconds"], abs=0.01
    )
    assert share(nodes, "sampled_seconds") > 0.9
    assert 2 < nodes["waiting"]["sampled_seconds"] < 12
    assert share(nodes, "seconds") < 0.5
    assert re.search(r'^fproc_node_sampled_seconds_total\{node="waiting"\} \d', metrics, re.MULTILINE)
