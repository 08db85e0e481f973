"""Processors that do next to nothing, so that what is measured is how they are called."""

from __future__ import annotations

from collections.abc import Iterator


def flow(records: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Yield each line."""
    for _, line in records:
        yield line


def listed(line: str) -> list[str]:
    """Return a list of one line."""
    return [line]


def yielded(line: str) -> Iterator[str]:
    """Yield the line."""
    yield line
