"""A worker as its parent has it: its process, the socket to it, and the memory that both share."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fproc import memory, processes

NONE = -1
"""The mark of a worker that runs no file: it claims, or commits."""

_MARK_BYTES = 4


class Mark:
    """Which of its tasks a worker is running, told through memory that both sides share: that costs nothing.

    What a worker wrote there stays, however it dies.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _MARK_BYTES)

    @staticmethod
    @contextmanager
    def file() -> Iterator[int]:
        """A file for a mark, without a name, for as long as it takes to open the mark on both sides."""
        with memory.unnamed_file() as file:
            file.write(NONE.to_bytes(_MARK_BYTES, "little", signed=True))
            file.flush()
            yield file.fileno()

    def set(self, index: int) -> None:
        """From now on it is this task, or `NONE`."""
        self._memory[:] = index.to_bytes(_MARK_BYTES, "little", signed=True)

    def get(self) -> int:
        """The index of the task that is run, or `NONE`."""
        return int.from_bytes(self._memory[:], "little", signed=True)

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A worker that was just started."""

    child: processes.Child
    mark: Mark

    @classmethod
    def started(cls) -> WorkerProcess:
        """A new one.

        Raises:
            OSError: the system refuses.
        """
        with Mark.file() as marked:
            return cls(processes.start("fproc.worker.main", marked), Mark(marked))

    @classmethod
    def forked(cls, main: Callable[[int, int, int], None]) -> WorkerProcess:
        """One that is a copy of this process, which must have no threads; it calls `fproc.worker.main`.

        Raises:
            OSError: the system refuses.
        """
        with Mark.file() as marked:
            return cls(processes.fork(main, marked), Mark(marked))

    def end(self) -> None:
        """End it now, if it has not ended."""
        self.child.end()
        self.mark.close()
