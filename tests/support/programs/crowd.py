"""Many clients at once that say little, or slowly, or fetch little of what they are told."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from itertools import cycle, islice

from tests.support.programs.running import DEADLINE_SECONDS
from tests.support.programs.talking import request

SLOW_SECONDS = 2.0
"""How long a slow client waits between two bytes, or two looks at what has come for it."""

BATCHES = 20
"""How many groups of clients take turns, so that the crowd itself needs next to no processor time."""

MANY = request("GET", "/") * 50
"""More answers than the buffers of a connection hold."""


class Client:
    """One client. It comes back when it is turned out."""

    def __init__(self, address: tuple[str, int], kind: str) -> None:
        self.kind = kind
        self.visits = 0
        self.sock = self._connect(address)
        self._bytes = cycle(request("GET", "/health"))

    def _connect(self, address: tuple[str, int]) -> socket.socket:
        self.visits += 1
        sock = socket.socket()
        if self.kind == "fetches slowly":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(DEADLINE_SECONDS)
        sock.connect(address)
        if self.kind == "fetches slowly":
            sock.sendall(MANY)
        elif self.kind == "asked once":
            sock.sendall(request("GET", "/livez"))
        sock.setblocking(False)
        return sock

    def act(self, address: tuple[str, int]) -> None:
        """Say or fetch a little."""
        try:
            if self.kind == "asks slowly":
                self.sock.send(bytes([next(self._bytes)]))
            if self.kind == "fetches slowly":
                is_open = bool(self.sock.recv(512))
            else:
                is_open = bool(self.sock.recv(65536))
        except BlockingIOError:
            return
        except OSError:
            is_open = False
        if not is_open:
            self.sock.close()
            self._bytes = cycle(request("GET", "/health"))
            self.sock = self._connect(address)


class Crowd:
    """Clients, a number of each kind, on a thread of their own, until the end of the block."""

    def __init__(self, address: tuple[str, int], kinds: dict[str, int]) -> None:
        self._address = address
        self._clients = [Client(address, kind) for kind, count in kinds.items() for _ in range(count)]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Crowd:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join(DEADLINE_SECONDS)
        for client in self._clients:
            client.sock.close()

    def visits(self) -> Counter[str]:
        """How many connections each kind has had."""
        found: Counter[str] = Counter()
        for client in self._clients:
            found[client.kind] += client.visits
        return found

    def _run(self) -> None:
        clients = cycle(self._clients)
        while not self._is_over.wait(SLOW_SECONDS / BATCHES):
            for client in islice(clients, len(self._clients) // BATCHES):
                client.act(self._address)
