"""Pruning of old entries, on a thread of its own: however many there are, files are processed meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from fproc.base.errors import reason_of

log = logging.getLogger("fproc.watch")

PRUNE_SECONDS = 3600.0
"""How often old entries are searched for."""

AMOUNT_SECONDS = 60.0
"""The same where their number or size is limited, unless that takes long."""

REST = 50
"""From the start of one run to the next: this many times as long as it took, but an hour at most."""

END_SECONDS = 5.0
"""How long the end of fproc waits for the current step."""

LOOK_SECONDS = 0.1
"""How often the wait for a thread checks whether to stop."""

Chore = Callable[[Callable[[], bool]], object]
"""Removes old entries in small steps; before each step it asks whether to stop."""


class Pruning:
    """Does chores at the start and at intervals. All methods are for one thread.

    Args:
        chores: done one after the other; one that fails is logged, and the others are done.
        every_seconds: how often.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        *chores: Chore,
        every_seconds: float = PRUNE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chores = chores
        self._every_seconds = every_seconds
        self._monotonic = monotonic
        self._due_at = monotonic()
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def turn(self) -> None:
        """Begin if it is time and the last run has ended; called often, returns at once."""
        if self._monotonic() < self._due_at or (self._thread and self._thread.is_alive()):
            return
        self._due_at = self._monotonic() + self._every_seconds
        thread = threading.Thread(target=self._work, name="pruning", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads can be started; it is tried again the next time
            log.warning("nothing that is too old is removed for now: %s", reason_of(error))
        else:
            self._thread = thread

    def finish(self, is_stopping: Callable[[], bool]) -> None:
        """Wait until the run that was begun is done, or until told to stop."""
        while self._thread and self._thread.is_alive() and not is_stopping():
            self._thread.join(LOOK_SECONDS)

    def end(self, is_stopping: Callable[[], bool]) -> None:
        """End, once the run that was begun is done or `is_stopping` says so."""
        self.finish(is_stopping)
        self.close()

    def close(self) -> None:
        """Stop after the current step; the rest is removed another time."""
        self._is_stopping.set()
        if self._thread:
            self._thread.join(END_SECONDS)

    def _work(self) -> None:
        began = self._monotonic()
        for chore in self._chores:
            try:
                chore(self._is_stopping.is_set)
            except Exception as error:  # noqa: BLE001 - no error of one may keep the others from running
                log.warning("not all that is too old could be removed: %s", reason_of(error))
        rest_seconds = min(REST * (self._monotonic() - began), PRUNE_SECONDS)
        self._due_at = began + max(self._every_seconds, rest_seconds)
