"""Memory of a process that begins with long work, and memory that several processes share."""

from __future__ import annotations

import gc
import os
from typing import BinaryIO, cast

KEPT_BYTES = 4 * 1024 * 1024
"""More than any piece of a block's work, and than what is made and freed with each."""


def freeze_heap() -> None:
    """Let what is there now stay, and memory that is freed from now on be used again.

    Objects that are there need not be looked through by the garbage collector again. And glibc gives freed
    memory at the end of the heap back to the system, a block's worth each time, and the next block has it
    faulted in anew; it does so only above twice the size of the largest piece that was mapped and freed, up
    to 32 MiB (mallopt(3), M_MMAP_THRESHOLD). The piece that is freed here is never touched: it costs nothing.
    """
    gc.freeze()
    bytes(KEPT_BYTES)


_NO_EXECUTION = 0x0008
"""`MFD_NOEXEC_SEAL` (Linux 6.3): some systems refuse files in memory that could be executed."""


def unnamed_file() -> BinaryIO:
    """Open a new file without a name: in memory (Linux), else in the folder for temporary files.

    Raises:
        OSError: there is neither.
    """
    for flags in (_NO_EXECUTION, 0):
        try:
            return open(os.memfd_create("fproc", os.MFD_CLOEXEC | flags), "w+b")
        except (AttributeError, OSError):
            continue  # not this system, or not with this flag
    import tempfile  # noqa: PLC0415 - slow to import

    return cast(BinaryIO, tempfile.TemporaryFile())
