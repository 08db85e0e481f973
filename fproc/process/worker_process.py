"""A worker from its parent's side: its process, the socket to it, and the memory that both share."""

from __future__ import annotations

from collections.abc import Callable

from fproc.base.values import dataclass
from fproc.process import children
from fproc.process.mark import CurrentTask


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A worker that was just started."""

    child: children.Child
    mark: CurrentTask

    @classmethod
    def started(cls, main: str) -> WorkerProcess:
        """Start a new one, which calls the function at the import path `main`.

        Raises:
            OSError: the system refuses.
        """
        with CurrentTask.file() as marked:
            return cls(children.start_process(main, marked), CurrentTask(marked))

    @classmethod
    def forked(cls, main: Callable[[int, int, int], None]) -> WorkerProcess:
        """Start one as a copy of this process, which must have no threads; it calls `main`.

        Raises:
            OSError: the system refuses.
        """
        with CurrentTask.file() as marked:
            return cls(children.fork_process(main, marked), CurrentTask(marked))

    def end(self) -> None:
        """Kill it, if it has not exited."""
        self.child.end()
        self.mark.close()
