"""One client's connection, and the body of a request that comes by it."""

from __future__ import annotations

import errno
import resource
import socket
import time
from collections import deque
from enum import Enum, auto
from typing import BinaryIO

from fproc.web.http import wire
from fproc.web.http.messages import Refused, Request, Response, error
from fproc.web.http.router import Routed

CONNECTIONS = 512
"""The most connections at a time; fewer where a process may have few files open."""

CHUNK_BYTES = 64 * 1024
"""The most bytes of a file that are held to be sent."""

GRACE_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 1000
"""The seconds for which a body may be of any speed, and its least average speed after that."""


def most_connections() -> int:
    """Return the most connections at a time: work needs open files, too."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if files == resource.RLIM_INFINITY else min(CONNECTIONS, files // 2)


class ConnectionState(Enum):
    """The states of a connection."""

    READING = auto()
    ANSWERING = auto()
    WAITING = auto()
    WRITING = auto()
    LINGERING = auto()


class Connection:
    """One client's connection."""

    def __init__(self, sock: socket.socket, client: str, now: float, deadline: float) -> None:
        self.sock = sock
        self.client = client
        self.state = ConnectionState.READING
        self.received = bytearray()
        self.to_send: deque[memoryview] = deque()
        self.file: BinaryIO | None = None
        self.file_left_bytes = 0
        self.routed: Routed | None = None
        self.held_bytes = 0
        self.delayed: Response | None = None
        self.is_last = False
        self.has_asked = False
        self.since = now
        self.deadline = deadline
        self.events = 0

    def hold(self, response: Response, parts: list[bytes]) -> None:
        """Hold what is to be sent; a file only where the client has asked for more than the head."""
        self.to_send.extend(memoryview(part) for part in parts if part)
        self.file, self.file_left_bytes = response.file, response.file_bytes
        if self.routed is None or self.routed.request.method == "HEAD":
            self.close_file()

    def send_some(self) -> bool:
        """Send what the client takes at once, one chunk of a file at most; return whether that was all.

        Raises:
            OSError: the client has gone, or the file is shorter than it was.
        """
        try:
            while self.to_send:
                part = self.to_send[0]
                part = part[self.sock.send(part) :]
                self.to_send[0] = part
                if not part:
                    self.to_send.popleft()
        except (BlockingIOError, InterruptedError):
            return False
        return not self._take_chunk()

    def _take_chunk(self) -> bool:
        """Hold the next chunk of the file, if there is one; return whether there was."""
        if self.file is None:
            return False
        chunk = self.file.read(min(CHUNK_BYTES, self.file_left_bytes))
        self.file_left_bytes -= len(chunk)
        if self.file_left_bytes and not chunk:
            raise OSError(errno.EIO, "a file was cut while it was being sent")
        if not self.file_left_bytes:
            self.close_file()
        if chunk:
            self.to_send.append(memoryview(chunk))
        return bool(chunk)

    def close_file(self) -> None:
        """Close the file that was being sent, if there is one."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def take_request(self) -> Request | Response | None:
        """Return the next request, without its body, once it has come; an error if it is invalid."""
        end = self.received.find(wire.HEAD_END)
        if end > wire.HEAD_BYTES or (end < 0 and len(self.received) > wire.HEAD_BYTES):
            is_line = self.received.find(b"\n") > 0
            return error(431 if is_line else 414, "the head of the request is too long")
        if wire.BARE_END.search(self.received, 0, len(self.received) if end < 0 else end + 1):
            return error(400, "a line ends with something other than CR LF")
        if end < 0:
            return None
        head = bytes(self.received[: end + len(wire.HEAD_END)])
        del self.received[: len(head)]
        return wire.parse_head(head, self.client)


class BodyReader:
    """The body of a request, read by a thread that may wait for it.

    `left_bytes` of it have not been read. A client that stalls, or is slower than `LEAST_BYTES_PER_SECOND`
    once it has had `GRACE_SECONDS`, is too slow. `client` is its address.
    """

    def __init__(self, sock: socket.socket, received: bytearray, request: Request) -> None:
        self.left_bytes = request.length_bytes or 0
        self.client = request.client
        self._gives_way = False
        self._sock = sock
        self._received = received
        self._is_awaited = request.expects_continue
        self._began = time.monotonic()
        self._got_bytes = 0

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes of it; none at its end, or where the client has hung up.

        Raises:
            Refused: the client is too slow, or slower than others that wait.
        """
        if self._gives_way:
            raise Refused(503, "slower than other uploads that wait; send it again", {"Retry-After": "60"})
        size = min(size, self.left_bytes)
        data = bytes(self._received[:size])
        del self._received[:size]
        try:
            if size and not data:
                if self._is_awaited:
                    self._sock.sendall(wire.CONTINUE)
                data = self._sock.recv(size)
                self._received += data[size:]  # TLS returns all it has decrypted, which may be more
                data = data[:size]
        except TimeoutError:
            raise Refused(408, "the body stalls") from None
        except OSError:
            return b""  # there is no client to answer
        self._is_awaited = False
        self.left_bytes -= len(data)
        self._got_bytes += len(data)
        seconds = time.monotonic() - self._began - GRACE_SECONDS
        if seconds > 0 and self._got_bytes < seconds * LEAST_BYTES_PER_SECOND:
            raise Refused(408, "the body comes too slowly")
        return data

    def age_seconds(self) -> float:
        """Return for how long it has been read."""
        return time.monotonic() - self._began

    def bytes_per_second(self) -> float:
        """Return its average speed."""
        return self._got_bytes / max(self.age_seconds(), 0.001)

    def give_way(self) -> None:
        """Let the next read refuse the rest of it; may be called from any thread."""
        self._gives_way = True
