"""The backlog: the names of inputs that are ready, in their order; there may be a million of them.

So they are held packed, a page at a time, and take some ten bytes each instead of two hundred. They come in
sorted runs while the folder is still being looked at, and what is taken is always the first of all that have
come so far.
"""

from __future__ import annotations

import heapq
import os
import zlib
from collections import deque
from collections.abc import Iterator
from itertools import chain

PAGE_NAMES = 1000
"""So many names of a run are unpacked at a time."""

_QUICKLY = 1
_BETWEEN_KEY_AND_NAME = "/"
_BETWEEN_ENTRIES = "\0"
"""Neither can be in a name."""

RunOfNames = list[str]
"""Names of inputs behind the keys that they are sorted by (`entry_of`), in order, each once."""


def entry_of(key: str, name: str) -> str:
    """Return a name as it is in a run. All keys in a backlog have the same length."""
    return key + _BETWEEN_KEY_AND_NAME + name


def name_in(entry: str) -> str:
    """Return the name of an entry of a run."""
    return entry.partition(_BETWEEN_KEY_AND_NAME)[2]


class Backlog:
    """Names in order. Of a name that comes in several runs with one key, only the first is given."""

    def __init__(self) -> None:
        self._heads: list[tuple[str, int, Iterator[str]]] = []
        self._runs = 0
        self._left = 0

    def __len__(self) -> int:
        """Return how many names are left, at most."""
        return self._left

    def add(self, run: RunOfNames) -> None:
        """Add a run."""
        pages = deque(_packed(run[at : at + PAGE_NAMES]) for at in range(PAGE_NAMES, len(run), PAGE_NAMES))
        entries = chain(run[:PAGE_NAMES], _unpacked(pages))
        for first in entries:
            self._runs += 1
            self._left += len(run)
            heapq.heappush(self._heads, (first, self._runs, entries))
            return

    def first(self) -> str | None:
        """Return the name that comes next; None if none is left."""
        return name_in(self._heads[0][0]) if self._heads else None

    def pop(self) -> None:
        """Remove the name that comes next."""
        entry = self._heads[0][0]
        while self._heads and self._heads[0][0] == entry:
            self._drop_first()

    def _drop_first(self) -> None:
        _, number, entries = self._heads[0]
        self._left -= 1
        following = next(entries, None)
        if following is None:
            heapq.heappop(self._heads)
        else:
            heapq.heapreplace(self._heads, (following, number, entries))


def _packed(entries: RunOfNames) -> bytes:
    return zlib.compress(os.fsencode(_BETWEEN_ENTRIES.join(entries)), _QUICKLY)


def _unpacked(pages: deque[bytes]) -> Iterator[str]:
    """Yield the entries of the pages, and free each page before it does."""
    while pages:
        yield from os.fsdecode(zlib.decompress(pages.popleft())).split(_BETWEEN_ENTRIES)
