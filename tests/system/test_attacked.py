"""Strangers that ask as often as they can hold up neither the work nor those who watch it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bench.workloads import small_files
from tests.support.programs.asking import Asking
from tests.support.programs.attacking import Attack
from tests.support.programs.disturbing import memory_mb
from tests.support.programs.running import Watching, configure
from tests.support.programs.talking import address, ask

pytestmark = [pytest.mark.sweep, pytest.mark.timeout(400)]

FILES = int(os.environ.get("FPROC_ATTACKED_FILES", "400"))
TOKEN = "0123456789abcdef"
SENT = {"Authorization": f"Bearer {TOKEN}"}
VITAL = ("/livez", "/health", "/metrics")


def process(running: Watching, number: int) -> float:
    """Have small files processed; gives how long that took."""
    aside, unprocessed = running.folder / f"aside-{number}", running.spool / "unprocessed"
    aside.mkdir()
    for name, data in small_files(FILES):
        (aside / f"{number}-{name}").write_bytes(data)
    began = time.monotonic()
    for path in aside.iterdir():
        path.rename(unprocessed / path.name)
    processed = running.spool / "processed"
    for share in range(1, 11):
        wanted = FILES * number + FILES * share // 10
        running.wait_until(lambda wanted=wanted: len(os.listdir(processed)) >= wanted)  # type: ignore[misc]
    return time.monotonic() - began


def complaints(running: Watching) -> int:
    """How many bytes of its log are not about the work."""
    return sum(len(line) for line in running.log.splitlines() if " INFO " not in line)


def test_an_attack_by_strangers_holds_up_neither_work_nor_what_supervisors_ask_for(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": TOKEN}) as running:
        process(running, 0)  # so that all workers are there, and the history has something to search
        begin_mb = memory_mb(running.process.pid)
        with Asking(running, VITAL, SENT) as calm:
            alone = process(running, 1)
            running.wait_until(lambda: len(calm.seconds["/metrics"]) > 50)
        before_mb, log_before = memory_mb(running.process.pid), complaints(running)
        with Attack(address(running), SENT) as attack, Asking(running, VITAL, SENT) as disturbed:
            attacked = process(running, 2)
            running.wait_until(lambda: len(disturbed.seconds["/metrics"]) > 50)
            right = ask(running, "GET", "/stats", headers=SENT).status
        with (
            Attack(address(running), SENT, searching=4) as searches,
            Asking(running, VITAL, SENT) as searched,
        ):
            running.wait_until(lambda: len(searched.seconds["/metrics"]) > 50)
        more_mb, log_bytes = memory_mb(running.process.pid) - before_mb, complaints(running) - log_before
        assert "Traceback" not in running.log
    for path in VITAL:
        print(
            f"{path}: 95 % within {calm.at_95_percent(path) * 1000:.0f} ms,"
            f" with the attack {disturbed.at_95_percent(path) * 1000:.0f} ms,"
            f" with searches as well {searched.at_95_percent(path) * 1000:.0f} ms"
        )
    print(f"{FILES} files: {alone:.2f} s, with the attack {attacked:.2f} s ({attacked / alone - 1:+.0%})")
    print(
        f"memory: {begin_mb:.1f} MB,"
        f" without the attack {before_mb - begin_mb:+.1f} MB, with it {more_mb:+.1f} MB"
    )
    print(f"log: {log_bytes} bytes; answers: {dict(attack.statuses)}, to searches {dict(searches.statuses)}")
    assert right == 200
    assert calm.statuses | disturbed.statuses | searched.statuses == {200}
    assert not {status for status in (*attack.statuses, *searches.statuses) if status.startswith(b"5")} - {
        b"503"
    }
    assert more_mb < 30
    assert log_bytes < 200_000
    assert attacked < alone * 4 + 5  # loosely: the attackers take the same processors
    for path in VITAL:
        slowest = max(disturbed.at_95_percent(path), searched.at_95_percent(path))
        assert slowest < 0.5  # loosely, for the same reason; 0.1 on an idle host
