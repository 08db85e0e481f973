"""Random ids and fractions, and SHA-256 without OpenSSL.

The modules `secrets` and `random` have the same, and take a tenth of a worker's start to import.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

SHOWN_DIGITS = 12
"""How many digits of a fingerprint people are shown."""


def new_id(size_bytes: int = 8) -> str:
    """Return random bytes in hexadecimal; eight are enough for a million events to differ."""
    return os.urandom(size_bytes).hex()


def short_fingerprint(fingerprint: str) -> str:
    """Return the fingerprint of a pipeline as people see it."""
    return fingerprint[:SHOWN_DIGITS]


def fraction() -> float:
    """Return a random number from 0 to below 1."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


def _own_sha256() -> Callable[..., _Hash]:
    """Return the SHA-256 that Python itself has; `hashlib` would load OpenSSL, 5 ms of each start."""
    for name in ("_sha2", "_sha256"):
        with suppress(ImportError):
            own: Callable[..., _Hash] = import_module(name).sha256
            return own
    from hashlib import sha256  # noqa: PLC0415 - slow to import

    return sha256


sha256 = _own_sha256()
"""Make a hash object as `hashlib.sha256` does."""
