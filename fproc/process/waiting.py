"""Waiting for descriptors, whatever their numbers are: `select.select` takes none above 1,023."""

from __future__ import annotations

import select
from collections.abc import Iterable


def wait_readable(descriptors: Iterable[int], seconds: float | None) -> set[int]:
    """Return which of these descriptors are readable or closed, after waiting for the first of them.

    Args:
        descriptors: those to wait for.
        seconds: how long to wait at most, to the millisecond; None: without end.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)}
