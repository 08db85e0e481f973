"""Positions in the lists of `/files`, as clients give them back: `after`."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

MOST_NUMBER = 2**63 - 1
"""The largest number that SQLite knows."""


def cursor(state: str, position: Any) -> str:
    """Return a position in a list as the value of `after`."""
    return base64.urlsafe_b64encode(json.dumps([state, position]).encode()).decode()


def position_in(after: str, state: str, kind: Callable[[Any], Any]) -> Any:
    """Return the position in `after` for a list of this state, or None; `kind` checks it.

    Raises:
        ValueError: it is invalid.
    """
    if not after:
        return None
    try:
        of_state, position = json.loads(base64.urlsafe_b64decode(after.encode()))
        if of_state == state:
            return kind(position)
    except (ValueError, TypeError, RecursionError):
        pass
    raise ValueError("after must be as the answer before gave it, for the same state")


def timed_name(position: Any) -> tuple[int, str]:
    """Return a time and a name, the position in a list of inputs in a folder.

    Raises:
        ValueError, TypeError: it is none.
    """
    time_ns, name = position
    return whole_number(time_ns), str(name)


def whole_number(value: Any) -> int:
    """Return a number as SQLite can have one.

    Raises:
        ValueError: it is none.
    """
    if type(value) is int and 0 <= value <= MOST_NUMBER:
        return value
    raise ValueError(f"{value!r:.20} is no position")


def sorted_place(value: Any) -> tuple[str | float, int]:
    """Return what a sorted list is sorted by and a row's id, the position in such a list.

    Raises:
        ValueError, TypeError: it is none.
    """
    key, row_id = value
    if type(key) is int:
        whole_number(key)
    elif not (type(key) is str or (type(key) is float and math.isfinite(key))):
        raise ValueError(f"{key!r:.20} is nothing that a list is sorted by")
    return key, whole_number(row_id)


def list_and_position(after: str, state: str, lists: Sequence[str]) -> tuple[str, str]:
    """Return in which of several lists to go on, and its own `after`.

    Raises:
        ValueError: it is invalid.
    """

    def checked(value: Any) -> tuple[str, str]:
        name, inner = value
        if name not in lists:
            raise ValueError(f"{name!r:.20} is none of the lists")
        return str(name), str(inner)

    found: tuple[str, str] | None = position_in(after, state, checked)
    return found or (lists[0], "")
