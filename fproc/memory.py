"""Memory of a process that begins with long work."""

from __future__ import annotations

import gc

KEPT_BYTES = 4 * 1024 * 1024
"""More than any piece of a block's work, and than what is made and freed with each."""


def settle() -> None:
    """Let what is there now stay, and memory that is freed from now on be used again.

    Objects that are there need not be looked through by the garbage collector again. And glibc gives freed
    memory at the end of the heap back to the system, a block's worth each time, and the next block has it
    faulted in anew; it does so only above twice the size of the largest piece that was mapped and freed, up
    to 32 MiB (mallopt(3), M_MMAP_THRESHOLD). The piece that is freed here is never touched: it costs nothing.
    """
    gc.freeze()
    bytes(KEPT_BYTES)
