"""CPU and memory of a process and all its descendants, from /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

_KIB = 1024
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """MB of memory in total: `pss` counts what processes share once, `rss` each time."""

    pss_mb: float
    rss_mb: float


def members(roots: Iterable[int]) -> list[int]:
    """Return the processes and their descendants, without those that have ended."""
    children = defaultdict(list)
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                children[int(_stat(int(name))[1])].append(int(name))
    pids: list[int] = []
    queue = list(roots)
    while queue:
        pid = queue.pop()
        pids.append(pid)
        queue += children[pid]
    return pids


def memory(pids: Iterable[int]) -> Memory:
    """Return the memory of processes, now."""
    kib = {"Pss:": 0, "Rss:": 0}
    for pid in pids:
        with suppress(OSError), open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as file:
            for line in file:
                name, *rest = line.split()
                if name in kib:
                    kib[name] += int(rest[0])
    return Memory(kib["Pss:"] * _KIB / 1e6, kib["Rss:"] * _KIB / 1e6)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU seconds that processes, and children that they waited for, have used so far."""
    seconds = 0.0
    for pid in pids:
        with suppress(OSError):
            stat = _stat(pid)
            waited_for = (int(stat[13]) + int(stat[14])) / _TICKS_PER_SECOND
            own = (int(stat[11]) + int(stat[12])) / _TICKS_PER_SECOND
            seconds += waited_for + _exact(pid, own)
    return seconds


def busy_seconds() -> float:
    """Return the seconds that all processors together have been busy since the machine was started.

    What a hypervisor gave to others (`steal`) is in it, what they idled or waited for a disk is not; see
    proc(5).
    """
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(int, file.readline().split()[1:])
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_SECOND


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on: the second may contain anything."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def _exact(pid: int, otherwise: float) -> float:
    """Return the CPU seconds of the present threads, to the nanosecond where Linux reports that.

    `otherwise` is the figure of /proc/PID/stat, in ticks; it is also the better one once threads have ended.
    """
    nanoseconds = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                nanoseconds += int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return otherwise
    return max(nanoseconds / 1e9, otherwise)
