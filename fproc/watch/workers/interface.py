"""The interface of the workers, as the loop uses them."""

from __future__ import annotations

from typing import Protocol

from fproc.run.figures import Progress
from fproc.watch.workers.messages import Report, Task
from fproc.watch.workers.slot import WorkerLost


class Workers(Protocol):
    """The workers; see `fproc.watch.workers.pool.Pool`."""

    @property
    def size(self) -> int:
        """How many files can be worked on at a time."""

    def has_room(self) -> bool:
        """Return whether a task can be submitted."""

    def count_free(self) -> int:
        """Return how many files could be begun now."""

    def submit(self, *tasks: Task) -> None:
        """Have a task done, or several that concern new inputs."""

    def collect(self) -> list[Report | WorkerLost]:
        """Return the reports, and the workers that have died."""

    def sockets(self) -> list[int]:
        """Return descriptors that become readable when there is something to collect."""

    def look_seconds(self) -> float:
        """Return how long to wait at most before the next `collect`."""

    def running(self) -> dict[str, Progress]:
        """Return how far each file in work is."""

    def stop(self) -> list[Report | WorkerLost]:
        """End all work without losing any, and return the last reports."""
