"""Hundreds of clients that are idle or slow while files are processed: neither work nor `/health` suffers."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.workloads import small_files
from tests.support.programs.asking import Asking
from tests.support.programs.crowd import Crowd
from tests.support.programs.disturbing import children_of, memory_mb
from tests.support.programs.running import Watching, configure
from tests.support.programs.talking import address

pytestmark = pytest.mark.sweep

FILES = 1000
ROUNDS = int(os.environ.get("FPROC_LOAD_ROUNDS", "2"))
CROWD = {"says nothing": 100, "asked once": 100, "asks slowly": 100, "fetches slowly": 100}


@dataclass(frozen=True)
class Work:
    """What it took to process the files."""

    seconds: float
    cpu_seconds: float


def cpu_seconds(running: Watching) -> float:
    """The processor time that it and its workers have had; other programs do not change it by much."""
    found = 0
    for pid in (running.process.pid, *children_of(running.process.pid)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found += int(fields[11]) + int(fields[12])
    return found / os.sysconf("SC_CLK_TCK")


def is_calm(running: Watching) -> bool:
    """Whether it does next to nothing for a moment."""
    before = cpu_seconds(running)
    time.sleep(0.3)  # the span that is looked at
    return cpu_seconds(running) - before < 0.02


def process(running: Watching, number: int) -> Work:
    """Have the small files processed under names of this round's own."""
    aside, unprocessed = running.folder / "aside", running.spool / "unprocessed"
    aside.mkdir(exist_ok=True)
    names = []
    for name, data in small_files(FILES):
        names.append(f"{number}-{name}")
        (aside / names[-1]).write_bytes(data)
    folders = (unprocessed, running.spool / "underprocess")
    began, cpu_began = time.monotonic(), cpu_seconds(running)
    for name in names:
        (aside / name).rename(unprocessed / name)
    running.wait_until(lambda: not any(os.listdir(folder) for folder in folders))
    work = Work(time.monotonic() - began, cpu_seconds(running) - cpu_began)
    running.wait_until(lambda: running.get("/stats")[1]["totals"]["files_processed"] == FILES * (number + 1))
    return work


def test_hundreds_of_idle_and_slow_clients_hold_up_neither_work_nor_health(tmp_path: Path) -> None:
    configure(tmp_path)
    alone, crowded = [], []
    with Watching(tmp_path, dashboard=True) as running:
        process(running, 0)  # so that all workers are there
        for number in range(1, 2 * ROUNDS, 2):
            running.wait_until(lambda: is_calm(running))
            alone.append(process(running, number))
            with Crowd(address(running), CROWD) as crowd:
                running.wait_until(lambda: is_calm(running))
                crowded.append(process(running, number + 1))
        with Crowd(address(running), CROWD), Asking(running, ["/health"]) as doctor:
            running.wait_until(lambda: len(doctor.seconds["/health"]) > 10)
            process(running, 2 * ROUNDS + 1)
            running.wait_until(lambda: len(doctor.seconds["/health"]) > 100)
        assert len(list((running.spool / "results").glob("*.log"))) == FILES * (2 * ROUNDS + 2)
        assert not os.listdir(running.spool / "failed")
        assert "Traceback" not in running.log
    answers = doctor.seconds["/health"]
    at = statistics.quantiles(answers, n=20)
    print(f"{FILES} files alone:      {shown(alone)}")
    print(f"with {sum(CROWD.values())} clients: {shown(crowded)}; connections: {dict(crowd.visits())}")
    ratio, cpu_ratio = (
        statistics.median(getattr(work, name) for work in crowded)
        / statistics.median(getattr(work, name) for work in alone)
        for name in ("seconds", "cpu_seconds")
    )
    print(f"ratio of the medians: {ratio:.3f}, of processor time {cpu_ratio:.3f}")
    print(
        f"/health, {len(answers)} times: median {at[9] * 1000:.1f} ms, 95 % {at[18] * 1000:.1f} ms,"
        f" worst {max(answers) * 1000:.1f} ms"
    )
    assert doctor.statuses == {200}
    assert at[18] < 0.2
    assert cpu_ratio < 1.5  # loosely: it is about 1


def test_of_a_thousand_idle_and_slow_clients_some_give_way_to_who_asks_for_health(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, dashboard=True) as running:
        before_mb = memory_mb(running.process.pid)
        with Crowd(address(running), dict.fromkeys(CROWD, 250)) as crowd:
            process(running, 0)
            with Asking(running, ["/health"]) as doctor:
                running.wait_until(lambda: len(doctor.seconds["/health"]) > 100)
        more_mb = memory_mb(running.process.pid) - before_mb
        assert "Traceback" not in running.log
    at_95_percent = doctor.at_95_percent("/health")
    print(f"connections: {dict(crowd.visits())}; memory: {more_mb:+.1f} MB")
    print(f"/health: 95 % within {at_95_percent * 1000:.0f} ms")
    assert doctor.statuses == {200}
    assert at_95_percent < 0.5  # loosely, as the host is shared; less than 0.1 on an idle one
    assert more_mb < 30


def shown(works: list[Work]) -> str:
    return ", ".join(f"{work.seconds:.2f} s ({work.cpu_seconds:.2f} of processor)" for work in works)
