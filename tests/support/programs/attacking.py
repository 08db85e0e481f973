"""Clients without a token that ask as often as they can, and one with a token that asks for much."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable

from tests.support.programs.running import DEADLINE_SECONDS
from tests.support.programs.talking import request

LOGIN = {"Content-Type": "application/x-www-form-urlencoded"}
STRANGERS: tuple[bytes, ...] = (
    request("POST", "/login", b"token=" + b"x" * 4000, LOGIN),
    request("POST", "/login", b"&" * 4096, LOGIN),
    request("POST", "/login", b"", {**LOGIN, "Content-Length": str(10**6)}),
    request("GET", "/stats", headers={"Authorization": "Bearer wrong"}),
    request("POST", "/retry", b"[" * 4000, {"Content-Type": "application/json"}),
    request("GET", "/?" + "a=b&" * 30),
)


class Attack:
    """Threads that send requests, each again and again on a connection of its own."""

    def __init__(
        self, address: tuple[str, int], sent: dict[str, str], *, strangers: int = 8, searching: int = 0
    ) -> None:
        self._address = address
        self._is_over = threading.Event()
        searches = [f"/files?q=x{number}&limit=500" for number in range(3)] + [
            "/files?state=failed&q=y",
            "/trace",
        ]
        known = tuple(request("GET", path, headers=dict(sent)) for path in searches)
        self.statuses: Counter[bytes] = Counter()
        self._threads = [self._thread(STRANGERS, number) for number in range(strangers)]
        self._threads += [self._thread(known, number) for number in range(searching)]

    def __enter__(self) -> Attack:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _thread(self, requests: tuple[bytes, ...], number: int) -> threading.Thread:
        def data_of(turn: int) -> bytes:
            return requests[(turn + number) % len(requests)]

        return threading.Thread(target=self._run, args=(data_of,))

    def _run(self, data_of: Callable[[int], bytes]) -> None:
        turn = 0
        while not self._is_over.is_set():
            turn += 1
            try:
                with socket.create_connection(self._address, timeout=DEADLINE_SECONDS) as sock:
                    sock.sendall(data_of(turn))
                    self.statuses[sock.recv(1 << 16)[9:12]] += 1
            except OSError:
                self.statuses[b"cut"] += 1
