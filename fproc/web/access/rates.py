"""Rates: how often something may happen, for each client and for all of them together."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from fproc.web.access.addresses import client_key

CLIENTS = 1024
"""The number of clients whose events are remembered, the latest ones."""


class Rate:
    """The events of the last `seconds`, for each client and in all.

    Not safe to use from several threads at a time.

    Args:
        most: the most events of one client.
        most_in_all: the most events of all clients.
        seconds: the time within which they are counted.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        most: int,
        most_in_all: int,
        seconds: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._most_in_all = most_in_all
        self._seconds = seconds
        self._monotonic = monotonic
        self._all: deque[float] = deque()
        self._by_client: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_seconds(self, client: str) -> int:
        """Return after how many seconds a client may go on; 0 if it may at once."""
        since = self._monotonic() - self._seconds
        own = self._by_client.get(client_key(client), deque())
        waits = [
            int(events[0] - since) + 1
            for events, most in ((own, self._most), (self._all, self._most_in_all))
            if len(_recent(events, since)) >= most
        ]
        return max(waits, default=0)

    def add(self, client: str) -> None:
        """Count an event of a client; no more than can matter is remembered."""
        now, key = self._monotonic(), client_key(client)
        own = self._by_client.setdefault(key, deque(maxlen=self._most))
        own.append(now)
        self._by_client.move_to_end(key)
        if len(self._by_client) > CLIENTS:
            self._by_client.popitem(last=False)
        self._all.append(now)
        if len(self._all) > self._most_in_all:
            self._all.popleft()

    def count_clients(self) -> int:
        """Return how many clients are remembered."""
        return len(self._by_client)


def _recent(events: deque[float], since: float) -> deque[float]:
    """Drop the events that are over, and return the others."""
    while events and events[0] <= since:
        events.popleft()
    return events
