"""Memory of a process that begins with long work, and memory that several processes share."""

from __future__ import annotations

import gc
import os
from typing import BinaryIO, cast

KEPT_BYTES = 4 * 1024 * 1024
"""More than is allocated at once, or allocated and freed, for a block."""


def freeze_heap() -> None:
    """Freeze objects out of the collector, and stop glibc from trimming the heap.

    The garbage collector need not scan the present objects again. And glibc returns freed memory at the end
    of the heap to the system, a block's worth each time, and the next block has it faulted in anew; it does
    so only above twice the size of the largest piece that was mapped and freed, up to 32 MiB (mallopt(3),
    M_MMAP_THRESHOLD). The piece that is freed here is never touched: it costs nothing.
    """
    gc.freeze()
    bytes(KEPT_BYTES)


_NO_EXECUTION = 0x0008
"""`MFD_NOEXEC_SEAL` (Linux 6.3): some systems refuse executable files in memory."""


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
