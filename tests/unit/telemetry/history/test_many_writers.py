"""Threads and processes that record and ask at once, and a kill in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.support.histories import Opener, asked_aside, event, jobs
from tests.support.project import PROJECT

WRITER = """
import itertools, sys
from fproc.config.retention import Retention
from fproc.run.outcome import FileEvent
from fproc.telemetry.events import Failure
from fproc.telemetry.history.history import History

def refuse(path):
    raise OSError("not in this test")

name, path, count = sys.argv[1:]
history = History(path, retention=Retention(history_days=None), set_aside=refuse)
for number in range(int(count)) if int(count) else itertools.count():
    pair = [FileEvent(f"{name}-{number}-{half}", "a.log", "processed", 1.0, lines_in=1) for half in "ab"]
    history.record(pair)
    print(number, flush=True)
history.close()
"""
"""A program that records events in pairs, and says so after each pair; with a count of 0 it does not end."""


def test_queries_in_many_threads_and_recording_do_not_disturb_each_other(
    opened: Opener, warnings: Callable[[], list[str]]
) -> None:
    history = opened()

    def look(_: int) -> bool:
        rows = history.recent(limit=10)
        numbers = [row.id for row in rows]
        return numbers == sorted(numbers, reverse=True) and history.totals()["files_processed"] >= len(rows)

    with ThreadPoolExecutor(4) as pool:
        looks = pool.map(look, range(100))
        for number in range(100):
            history.record([event(str(number))])
        assert all(looks)
    assert history.totals()["files_processed"] == 100
    assert warnings() == []


def test_two_histories_in_one_process_lose_nothing(opened: Opener, warnings: Callable[[], list[str]]) -> None:
    histories = [opened(), opened()]

    def write(which: int) -> None:
        for number in range(100):
            histories[which].record([event(f"{which}-{number}")])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    assert histories[0].totals()["files_processed"] == len(jobs(histories[1], limit=1000)) == 200
    assert warnings() == []


def started(path: str, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, name, path, str(count)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_start_and_write_at_once_lose_nothing(opened: Opener, path: str) -> None:
    processes = [started(path, str(number), 50) for number in range(4)]
    for process in processes:
        _, complaints = process.communicate()
        assert (process.returncode, complaints) == (0, "")
    history = opened()
    assert history.totals()["files_processed"] == len(jobs(history, limit=1000)) == 4 * 50 * 2


def test_a_kill_in_the_middle_of_recording_leaves_what_was_recorded(
    opened: Opener, path: str, warnings: Callable[[], list[str]]
) -> None:
    said = ""
    for turn in range(3):
        with started(path, str(turn), 0) as process:
            assert process.stdout is not None
            for _ in range(20):
                said = process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
            said = (said + process.stdout.read()).splitlines()[-1]
        assert process.returncode == -signal.SIGKILL
        history = opened()
        found = jobs(history, limit=1_000_000)
        pairs = int(said) + 1
        assert {f"{turn}-{number}-{half}" for number in range(pairs) for half in "ab"} <= set(found)
        assert len(found) % 2 == 0
        assert history.totals()["files_processed"] == history.totals()["lines_in"] == len(found)
        assert asked_aside(path, "PRAGMA integrity_check") == "ok"
        history.close()
    assert warnings() == []
