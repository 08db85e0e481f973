"""One big file that several processes work on, while any of them is killed or stopped at any time."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.disturbing import (
    children_of,
    open_child,
    seeded_chance,
    send,
    wait_while_it_gets_on,
)
from tests.support.programs.running import (
    DEADLINE_SECONDS,
    Watching,
    configure,
    drop,
    left_over,
    spooled,
    wait_until,
)

pytestmark = pytest.mark.sweep

PLUGIN = """
import time

def step(line, pause):
    if "00 " in line:
        time.sleep(pause)
    return line.upper()
"""
NODES: list[dict[str, Any]] = [
    {"tag": "level", "type": "tag_field", "config": {"field": 2, "tags": {"E": "bad"}, "default": "good"},
     "next": "sink"},
    {"tag": "sink", "type": "write", "config": {"file": "{stem}.{tag}"}},
]  # fmt: skip
LINE_COUNT = 700_000


def numbered_lines() -> list[str]:
    return [f"{number} {'iew'[number % 3]} {'x' * (number % 97)}" for number in range(LINE_COUNT)]


class Disturber:
    """Kills and stops processes of one instance, which is started again when it is killed itself."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.count = Counter[str]()
        self._folder = folder
        self._chance = chance
        self._stack = ExitStack()
        self._logs: list[str] = []
        self._start()

    def kill_instance(self) -> None:
        """Kill it; its workers and their helpers die with it."""
        self._watching.process.kill()
        self._end()
        self._start()
        self.count["instances"] += 1

    def kill_worker(self) -> None:
        """Kill the worker that has the file; its helpers die with it."""
        parent = self._watching.process.pid
        self._send_to(lambda: [(worker, parent) for worker in children_of(parent)], signal.SIGKILL, "workers")

    def kill_helper(self) -> None:
        """Kill a helper alone."""
        self._send_to(self._helpers, signal.SIGKILL, "helpers")

    def stop_helper(self) -> None:
        """Let a helper hang for a while."""
        self._send_to(self._helpers, signal.SIGSTOP, "stops")

    def end(self) -> int:
        """Stop it as an operator does; gives the exit status."""
        return self._watching.stop()

    def log(self) -> str:
        """What all of them have said."""
        return "".join([*self._logs, self._watching.log])

    def close(self) -> None:
        """Let nothing run on."""
        self._stack.close()

    def _start(self) -> None:
        self._watching = self._stack.enter_context(Watching(self._folder, "--workers", "2"))

    def _end(self) -> None:
        self._watching.process.wait(DEADLINE_SECONDS)
        self._logs.append(self._watching.log)
        self._stack.close()

    def _helpers(self) -> list[tuple[int, int]]:
        workers = children_of(self._watching.process.pid)
        return [(helper, worker) for worker in workers for helper in children_of(worker)]

    def _send_to(
        self, candidates: Callable[[], list[tuple[int, int]]], number: signal.Signals, what: str
    ) -> None:
        """Send a signal to one of the processes, if the file is not done by then."""
        found: list[tuple[int, int]] = []

        def has_any() -> bool:
            found[:] = candidates()
            return bool(found) or is_done(self._folder)

        wait_until(has_any, self.log)
        descriptor = open_child(*self._chance.choice(found)) if found else None
        if descriptor is None:
            return
        send(descriptor, number)
        if number == signal.SIGSTOP:
            time.sleep(self._chance.uniform(0.05, 0.3))
            send(descriptor, signal.SIGCONT)
        os.close(descriptor)
        self.count[what] += 1


def is_done(folder: Path) -> bool:
    """Whether the file has come to an end."""
    return os.path.lexists(folder / "watch_dir/processed/big.log")


def size_of_parts(folder: Path) -> int:
    """How much is written up to now."""
    size_bytes = 0
    for path in folder.glob("watch_dir/results/.stage/*/*"):
        with suppress(FileNotFoundError):
            size_bytes += path.stat().st_size
    return size_bytes


@pytest.mark.parametrize("rounds", [1, pytest.param(12, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_kills_of_anything_at_any_time_change_no_byte_of_a_big_file(memory_path: Path, rounds: int) -> None:
    (memory_path / "own.py").write_text(PLUGIN)
    slow = {"tag": "start", "type": "own.step", "config": {"pause": rounds * 0.0015}, "next": "level"}
    configure(
        memory_path,
        [slow, *NODES],
        retry={"max_attempts": 200, "backoff_seconds": 0.02, "backoff_max_seconds": 0.1},
        checkpoint={"seconds": 0.05},
        recovery={"check_interval": 0.5},
    )
    chance = seeded_chance()
    lines = numbered_lines()
    data = "".join(line + "\n" for line in lines).encode()
    drop(memory_path, "big.log", data)
    disturber = Disturber(memory_path, chance)
    with ExitStack() as stack:
        stack.callback(disturber.close)
        for end_all in [disturber.kill_worker, disturber.kill_instance] * rounds:
            for act in (disturber.stop_helper, disturber.kill_helper, end_all):
                time.sleep(chance.uniform(0.1, 0.5))
                act()
        wait_while_it_gets_on(
            lambda: is_done(memory_path) and not left_over(memory_path),
            lambda: size_of_parts(memory_path),
            disturber.log,
        )
        assert disturber.end() == 0
        print(f"{dict(disturber.count)}, {disturber.log().count('a helper has ended')} helpers were missed")
    ended = [line.upper() + "\n" for line in lines]
    assert spooled(memory_path) == {
        "processed/big.log": data,
        "results/big.bad": "".join(line for line in ended if " E " in line).encode(),
        "results/big.good": "".join(line for line in ended if " E " not in line).encode(),
    }
    assert disturber.count["helpers"] == 2 * rounds, "the file was done too soon to show anything"
