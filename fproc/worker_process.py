"""A worker as its parent has it: its process, the socket to it, and the memory that both share."""

from __future__ import annotations

from collections.abc import Callable

from fproc import processes
from fproc.mark import Mark
from fproc.values import dataclass


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
