"""The traces of single lines that are kept for display: their paths through the graph, and their errors."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import count, islice

from fproc.pipeline.tracing.trace import USUAL, Trace

MOST_TRACES = 500
MOST_OF_FILE = 50
MOST_CHARACTERS = 4_000_000
"""How many traces of each kind are kept, how many of one file, and how many characters in all."""


class Traces:
    """The last traces of all files, in memory. Any thread may call any method.

    Traces of lines that failed or were left out are kept apart: the usual ones, which come every second,
    would push them out before anybody has looked.
    """

    def __init__(
        self,
        *,
        most: int = MOST_TRACES,
        most_of_file: int = MOST_OF_FILE,
        most_characters: int = MOST_CHARACTERS,
    ) -> None:
        self._lock = threading.Lock()
        self._usual, self._lost = (_Shelf(most, most_of_file, most_characters) for _ in range(2))
        self._running: dict[str, Sequence[Trace]] = {}
        self._numbers = count()

    def add(self, file: str, traces: Iterable[Trace]) -> None:
        """Add the traces of a file's run that has ended, in order."""
        with self._lock:
            self._running.pop(file, None)
            self._add(file, traces)

    def keep(self, file: str) -> None:
        """Keep what was traced of a file whose worker has died."""
        with self._lock:
            self._add(file, self._running.pop(file, ()))

    def set_running(self, running: dict[str, Sequence[Trace]]) -> None:
        """Replace the traces of the files in work."""
        with self._lock:
            self._running = {file: traces for file, traces in running.items() if traces}

    def find(self, *, file: str = "", limit: int) -> list[tuple[str, Trace]]:
        """Return the newest traces, newest first, with their files' names; of one file, if it is named."""
        with self._lock:
            running = [
                (name, trace)
                for name, traces in self._running.items()
                for trace in reversed(traces)
                if file in {"", name}
            ]
            kept = sorted(self._usual.newest(file, limit) + self._lost.newest(file, limit), reverse=True)
            newest = [*running, *((name, trace) for _, name, trace in kept)]
        return newest[: max(limit, 0)]

    def _add(self, file: str, traces: Iterable[Trace]) -> None:
        for trace in traces:
            shelf = self._usual if trace.outcome in USUAL else self._lost
            shelf.add(next(self._numbers), file, trace)


class _Shelf:
    """Traces by number; the oldest are dropped when there are too many or they are too long."""

    def __init__(self, most: int, most_of_file: int, most_characters: int) -> None:
        self._most = most
        self._most_of_file = most_of_file
        self._most_characters = most_characters
        self._kept: dict[int, tuple[str, Trace]] = {}
        self._of_file: dict[str, deque[int]] = {}
        self._characters = 0

    def add(self, number: int, file: str, trace: Trace) -> None:
        """Keep one more; its number is higher than all earlier ones."""
        self._kept[number] = file, trace
        of_file = self._of_file.setdefault(file, deque())
        of_file.append(number)
        self._characters += trace.characters
        if len(of_file) > self._most_of_file:
            self._remove(of_file[0])
        while len(self._kept) > self._most or self._characters > self._most_characters:
            self._remove(next(iter(self._kept)))

    def newest(self, file: str, limit: int) -> list[tuple[int, str, Trace]]:
        """Return the newest traces, newest first, with number and file; of one file, if it is named."""
        numbers = reversed(self._of_file.get(file, ())) if file else reversed(self._kept)
        return [(number, *self._kept[number]) for number in islice(numbers, max(limit, 0))]

    def _remove(self, number: int) -> None:
        file, trace = self._kept.pop(number)
        self._characters -= trace.characters
        of_file = self._of_file[file]
        of_file.popleft()  # the oldest of all is the oldest of its file
        if not of_file:
            del self._of_file[file]
