"""Calls that wait for the disk, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

_THREADS = 4
"""How many fsyncs are under way at once; the device takes their flushes together, and more gain nothing."""


def do_together(do: Callable[[int], None], numbers: Sequence[int]) -> None:
    """Call `do` with each number, in several threads."""

    def do_all(share: Sequence[int]) -> None:
        for number in share:
            do(number)

    threads = []
    for first in range(1, min(_THREADS, len(numbers))):
        share = numbers[first::_THREADS]
        thread = threading.Thread(target=do_all, args=(share,), name="fsync", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no thread to give
            do_all(share)
        else:
            threads.append(thread)
    do_all(numbers[::_THREADS])
    for thread in threads:
        thread.join()
