"""Descriptors that are open in this process, for tests that nothing stays open.

Ask whether there are new ones, not how many there are: what an earlier test left to the garbage collector may
be closed at any time.
"""

from __future__ import annotations

import os

_FOLDER = "/proc/self/fd"


def open_descriptors() -> set[int]:
    """Return the numbers of all descriptors but the one that the list was read by."""
    return {int(number) for number in os.listdir(_FOLDER) if os.path.lexists(f"{_FOLDER}/{number}")}


def new_descriptors(before: set[int]) -> set[int]:
    """Return those that were not open before."""
    return open_descriptors() - before
