"""Pools for versions of a pipeline: the newest gets new work, earlier ones finish what they have."""

from __future__ import annotations

from fproc.run.figures import Progress
from fproc.watch.workers.messages import Report, Task
from fproc.watch.workers.pool import Pool
from fproc.watch.workers.slot import WorkerLost


class Generations:
    """All workers of an instance, for the loop.

    Args:
        pool: the first one.
    """

    def __init__(self, pool: Pool) -> None:
        self._current = pool
        self._earlier: list[Pool] = []

    def renew(self, pool: Pool) -> None:
        """Give new work to this pool; the workers of the one before leave when they have nothing to do."""
        self._current.retire()
        self._earlier.append(self._current)
        self._current = pool

    @property
    def size(self) -> int:
        """How many files can be worked on at a time."""
        return self._current.size

    def has_room(self) -> bool:
        """Return whether a task can be submitted."""
        return self.count_free() > 0

    def count_free(self) -> int:
        """Return how many files could be begun now; there are never more workers at work than the size."""
        busy = sum(pool.count_busy() for pool in self._earlier)
        return max(0, min(self._current.count_free(), self._current.size - busy))

    def submit(self, *tasks: Task) -> None:
        """Have a task done, or several that concern new inputs."""
        self._current.submit(*tasks)

    def collect(self) -> list[Report | WorkerLost]:
        """Return the reports, and the workers that have died."""
        events = [event for pool in (*self._earlier, self._current) for event in pool.collect()]
        self._earlier = [pool for pool in self._earlier if pool.sockets()]
        return events

    def sockets(self) -> list[int]:
        """Return descriptors that become readable when there is something to collect."""
        return [socket for pool in (*self._earlier, self._current) for socket in pool.sockets()]

    def look_seconds(self) -> float:
        """Return how long to wait at most before the next `collect`."""
        return min(pool.look_seconds() for pool in (*self._earlier, self._current))

    def running(self) -> dict[str, Progress]:
        """Return how far each file in work is; may be called from any thread."""
        return {
            name: progress
            for pool in (*self._earlier, self._current)
            for name, progress in pool.running().items()
        }

    def stop(self) -> list[Report | WorkerLost]:
        """End all work without losing any, and return the last reports."""
        for pool in self._earlier:
            pool.ask_to_leave()
        return [event for pool in (self._current, *self._earlier) for event in pool.stop()]
