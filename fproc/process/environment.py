"""The environment of this process, and what the kernel shows of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress

_START_FIELD, _END_FIELD = 50, 51
"""The fields of `/proc/PID/stat` that say where the environment that a process was started with lies."""

_FIRST_FIELD = 3
"""The field that follows the name of the program, which may hold anything."""


def forget_variables(names: Iterable[str]) -> None:
    """Remove variables from what child processes inherit, and from `/proc/PID/environ`, here and in forks.

    That file shows the memory that the program was started with, whatever has been unset since. Where the
    system does not let a process write there, they stay in it.
    """
    found = {os.fsencode(name) for name in names if os.environ.pop(name, None) is not None}
    if found:
        with suppress(OSError):
            _erase(found)


def _erase(names: Collection[bytes]) -> None:
    """Overwrite variables, which no longer are in use, in the memory that this program was started with."""
    with open("/proc/self/stat", "rb") as stat:
        fields = stat.read().rpartition(b")")[2].split()
    start, end = (int(fields[number - _FIRST_FIELD]) for number in (_START_FIELD, _END_FIELD))
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        place = start
        for entry in memory.read(end - start).split(b"\0"):
            if entry.partition(b"=")[0] in names:
                memory.seek(place)
                memory.write(bytes(len(entry)))
            place += len(entry) + 1
