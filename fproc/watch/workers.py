"""Who does the work, as the loop sees it."""

from __future__ import annotations

from typing import Protocol

from fproc.run.figures import Progress
from fproc.watch.messages import Report, Task
from fproc.watch.pool import WorkerLost


class Workers(Protocol):
    """Who does the work; see `fproc.pool.Pool`."""

    size: int
    """How many files can be worked on at a time."""

    def has_room(self) -> bool:
        """Whether a task can be submitted."""

    def count_free(self) -> int:
        """How many files could be begun now."""

    def submit(self, *tasks: Task) -> None:
        """Let a task be done, or several that concern new inputs."""

    def collect(self) -> list[Report | WorkerLost]:
        """What has been reported, and who has died."""

    def sockets(self) -> list[int]:
        """Descriptors that become readable when there is something to collect."""

    def look_seconds(self) -> float:
        """How long to wait at most before the next collecting."""

    def running(self) -> dict[str, Progress]:
        """How far each file is that is worked on."""

    def stop(self) -> list[Report | WorkerLost]:
        """End all work; nothing is lost by it."""
