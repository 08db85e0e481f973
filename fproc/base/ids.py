"""Chance: names that nobody else has, and how long to wait.

The modules `secrets` and `random` give the same, and take a tenth of a worker's start to import.
"""

from __future__ import annotations

import os


def new_id(size_bytes: int = 8) -> str:
    """So many bytes by chance, in hexadecimal; eight are enough for a million events to differ."""
    return os.urandom(size_bytes).hex()


def fraction() -> float:
    """A number by chance, from 0 to below 1."""
    return int.from_bytes(os.urandom(4), "big") / 2**32
