"""Processes that are looked at, killed and stopped, at chosen or random times."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.support.programs.running import DEADLINE_SECONDS


def seeded_chance() -> random.Random:
    """Chance, which says how to have it again as far as that depends on it."""
    seed = os.environ.get("FPROC_STORM_SEED") or str(random.randrange(10**6))
    print(f"FPROC_STORM_SEED={seed}")
    return random.Random(seed)


def wait_while_it_gets_on(
    done: Callable[[], object], progress: Callable[[], object], what: Callable[[], str]
) -> None:
    """Wait for a condition, for as long as something changes from time to time."""
    seen, deadline = progress(), time.monotonic() + DEADLINE_SECONDS
    while not done():
        now = progress()
        if now != seen:
            seen, deadline = now, time.monotonic() + DEADLINE_SECONDS
        assert time.monotonic() < deadline, f"nothing has changed for {DEADLINE_SECONDS} s\n{what()}"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, and that are there now."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def memory_mb(pid: int) -> float:
    """What a process holds in memory, its share of files included."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 10**6


def open_child(pid: int, parent: int) -> int | None:
    """A descriptor of a child of `parent`, which can be no other process's however ids are used again."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        if pid in children_of(parent):
            return descriptor
        os.close(descriptor)
    return None


def send(descriptor: int, number: signal.Signals) -> None:
    """Send a signal to the process of a descriptor, if it is still there."""
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, number)
