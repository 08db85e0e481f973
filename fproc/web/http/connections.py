"""Connections: one thread serves all of them, so those that are idle or slow cost next to nothing.

    accepted --> READING --a whole request--> ANSWERING by a thread --> WRITING --+--> READING ...
                    |                         (a body that is streamed            |
                    |                          is read by a thread of its own)    +--> LINGERING --> closed
                    +------- too slow, too large, no HTTP: WRITING an error ------+
                             wrong tokens, too often: WAITING before that

Every state but ANSWERING has a deadline. When there are too many connections, the one that has waited for
its client for longest is closed; so every proper request gets an answer, whatever other clients do.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from fproc.base.values import replace
from fproc.web.access.budget import Budget
from fproc.web.http import wire
from fproc.web.http.acceptor import Acceptor
from fproc.web.http.connection import BodyReader, Connection, ConnectionState, most_connections
from fproc.web.http.executor import Executor, Overloaded
from fproc.web.http.messages import Request, Response, error
from fproc.web.http.router import Body, Routed, Router

log = logging.getLogger("fproc.dashboard")

REQUEST_SECONDS = 10.0
IDLE_SECONDS = 60.0
WRITE_SECONDS = 20.0
LINGER_SECONDS = 2.0
UNREAD_SECONDS = 30.0
"""The longest times for a request to arrive or a long body to stall, for a connection to be idle between two
requests, for an answer to be fetched, and for a client that sends on regardless to pause, and in all."""

LOOK_SECONDS = 0.5
"""Seconds between checks of deadlines."""

CHUNK_BYTES = 64 * 1024

HELD_BYTES = 8 << 20
"""The most bytes of bodies, other than uploads, that are waited for or held at a time."""

_WAITING = (BlockingIOError, InterruptedError)


class Connections:
    """All connections of one listening socket.

    Args:
        listener: the socket.
        router: it answers requests; it may be replaced from any thread.
        secure: wraps a connection in TLS, unless None; it may be replaced, too.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        listener: socket.socket,
        router: Router,
        *,
        secure: Callable[[socket.socket], socket.socket] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.router = router
        self.secure = secure
        self._monotonic = monotonic
        self._selector = selectors.DefaultSelector()
        self._acceptor = Acceptor(listener, self._selector, monotonic)
        self._budget = Budget(HELD_BYTES)
        self._connections: set[Connection] = set()
        self._executor = Executor()
        self._pending: deque[Connection] = deque()
        self._answered: deque[tuple[Connection, Response | None, bool]] = deque()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._is_stopping = threading.Event()
        self._most = most_connections()

    def run(self) -> None:
        """Serve connections until stopped; then close them."""
        self._acceptor.listener.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._acceptor.begin()
        try:
            while not self._is_stopping.is_set():
                self._turn()
        finally:
            self._close_all()

    def stop(self) -> None:
        """Let `run` return; may be called from any thread."""
        self._is_stopping.set()
        self._wake()

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience_seconds()):
            if key.fileobj is self._acceptor.listener:
                self._accept()
            elif key.fileobj is self._woken:
                with suppress(BlockingIOError):
                    while self._woken.recv(4096):
                        pass
            elif key.data in self._connections:
                self._guarded(key.data, self._serve)
        for connection in [self._pending.popleft() for _ in range(len(self._pending))]:
            if connection in self._connections:
                self._guarded(connection, self._read_requests)
        while self._answered:
            connection, response, is_whole = self._answered.popleft()
            if connection in self._connections:
                connection.is_last = connection.is_last or not is_whole
                self._guarded(connection, partial(self._begin_answer, response=response))
        self._expire()

    def _patience_seconds(self) -> float | None:
        """Return the longest time to wait for an event."""
        if self._pending:
            return 0.0
        return LOOK_SECONDS if self._connections or not self._acceptor.is_accepting else None

    def _guarded(self, connection: Connection, act: Callable[[Connection], None]) -> None:
        """Do something for a connection; close it if its client is gone."""
        try:
            act(connection)
        except _WAITING:
            pass
        except OSError as error:
            log.debug("%s hung up: %s", connection.client, error)
            self._close(connection)
        except Exception:
            log.exception("a request from %s cannot be answered; this is a bug in fproc", connection.client)
            self._close(connection)

    def _accept(self) -> None:
        try:
            if not self._acceptor.accepted(self._admit_client):
                self._make_room()
        except OSError:
            if not self._is_stopping.is_set():
                raise

    def _admit_client(self, sock: socket.socket, client: str) -> None:
        if len(self._connections) < self._most or self._make_room():
            self._welcome(sock, client)
        else:
            sock.close()

    def _welcome(self, sock: socket.socket, client: str) -> None:
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = self.secure(sock) if self.secure else sock
        except OSError:  # that client is gone already
            sock.close()
            return
        now = self._monotonic()
        connection = Connection(sock, client, now, now + REQUEST_SECONDS)
        self._connections.add(connection)
        self._want(connection, selectors.EVENT_READ)

    def _make_room(self) -> bool:
        """Close the connection that has waited for longest; return whether there was one."""
        waiting = [one for one in self._connections if one.state is not ConnectionState.ANSWERING]
        if not waiting:
            return False
        self._close(min(waiting, key=lambda one: one.since))
        return True

    def _serve(self, connection: Connection) -> None:
        """Go on with a connection that can be read from, or written to."""
        if connection.state is ConnectionState.WRITING:
            self._write(connection)
        elif connection.state is ConnectionState.LINGERING:
            if not self._receive(connection):
                self._close(connection)
            connection.received.clear()
            connection.deadline = min(self._monotonic() + LINGER_SECONDS, connection.since + UNREAD_SECONDS)
        elif not self._receive(connection):
            self._ended_early(connection)
        else:
            if not connection.has_asked:
                connection.has_asked = True
                connection.deadline = self._monotonic() + REQUEST_SECONDS
            self._read_requests(connection)

    def _receive(self, connection: Connection) -> bool:
        """Receive data; return whether more may come."""
        data = connection.sock.recv(CHUNK_BYTES)
        connection.received += data
        return bool(data)

    def _ended_early(self, connection: Connection) -> None:
        if connection.received or connection.routed is not None:
            self._refuse(connection, error(400, "the request ends in the middle"))
        else:
            self._close(connection)

    def _read_requests(self, connection: Connection) -> None:
        """Begin the next request once it is complete: its head, then its body if it is a small one."""
        if connection.state is not ConnectionState.READING:
            return
        if connection.routed is None:
            request = connection.take_request()
            if request is None:
                self._want(connection, selectors.EVENT_READ)
                return
            if isinstance(request, Response):
                self._refuse(connection, request)
                return
            self._admit(connection, request)
        routed = connection.routed
        if routed is None or connection.state is not ConnectionState.READING:
            return  # of several requests that came together, the next one is begun once this one is answered
        length = 0 if routed.body is Body.NONE else routed.request.length_bytes or 0
        if len(connection.received) >= length:
            body = bytes(connection.received[:length])
            del connection.received[:length]
            connection.routed = replace(routed, request=replace(routed.request, body=body))
            self._hand_over(connection)
        else:
            self._want(connection, selectors.EVENT_READ)

    def _admit(self, connection: Connection, request: Request) -> None:
        """Ask the router whether to go on, before anything of a body is read."""
        routed = self.router.admit(request)
        connection.routed = routed
        connection.is_last = request.is_last
        is_wanted = routed.body is not Body.NONE
        has_body = is_wanted if request.length_bytes is None else request.length_bytes > 0
        if has_body and (routed.refusal is not None or not is_wanted):
            connection.is_last = True  # the body stays unread, so what follows is not a request
        if routed.refusal is not None:
            self._begin_answer(connection, routed.refusal)
        elif routed.body is Body.NONE or routed.body is Body.STREAM:
            self._hand_over(connection)
        elif not self._hold(connection, request.length_bytes or 0):
            connection.is_last = True
            full = error(503, "too many bodies are held at the moment", {"Retry-After": "1"})
            self._begin_answer(connection, full)
        elif request.expects_continue and len(connection.received) < (request.length_bytes or 0):
            connection.sock.send(wire.CONTINUE)

    def _hold(self, connection: Connection, size_bytes: int) -> bool:
        """Return whether there is room for a request's body, and keep it until `_let_go`."""
        is_held = self._budget.take(size_bytes)
        connection.held_bytes = size_bytes if is_held else 0
        return is_held

    def _let_go(self, connection: Connection) -> None:
        self._budget.give_back(connection.held_bytes)
        connection.held_bytes = 0

    def _refuse(self, connection: Connection, response: Response) -> None:
        connection.is_last = True
        self._begin_answer(connection, response)

    def _hand_over(self, connection: Connection) -> None:
        """Have a thread answer."""
        routed = connection.routed
        assert routed is not None
        connection.state = ConnectionState.ANSWERING
        self._want(connection, 0)
        try:
            if routed.body is Body.STREAM:
                reader = BodyReader(connection.sock, connection.received, routed.request)
                self._executor.stream(lambda: self._stream(connection, routed, reader), reader)
            else:
                self._executor.answer(
                    lambda: self._done(connection, self.router.answer(routed), is_whole=True),
                    routed.route.lane,
                )
        except Overloaded as busy:
            connection.is_last = connection.is_last or routed.body is Body.STREAM
            self._begin_answer(connection, error(503, str(busy), {"Retry-After": "1"}))

    def _stream(self, connection: Connection, routed: Routed, reader: BodyReader) -> None:
        """Read a body as it comes, on a thread of its own."""
        response, is_whole = None, False
        try:
            connection.sock.settimeout(REQUEST_SECONDS)
            response = self.router.receive(routed, reader.read)
            is_whole = reader.left_bytes == 0
            connection.sock.setblocking(False)
        except OSError as trouble:
            log.debug("%s hung up: %s", connection.client, trouble)
        finally:
            self._done(connection, response, is_whole=is_whole)

    def _done(self, connection: Connection, response: Response | None, *, is_whole: bool) -> None:
        self._answered.append((connection, response, is_whole))
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError, OSError):
            self._waker.send(b"x")

    def _begin_answer(self, connection: Connection, response: Response | None) -> None:
        if response is None:
            self._close(connection)
            return
        if response.delay_seconds:
            connection.state = ConnectionState.WAITING
            connection.delayed = replace(response, delay_seconds=0.0)
            connection.deadline = self._monotonic() + response.delay_seconds
            self._want(connection, 0)
            return
        request = connection.routed.request if connection.routed else None
        connection.state = ConnectionState.WRITING
        connection.since = self._monotonic()
        connection.deadline = connection.since + WRITE_SECONDS
        is_secure = self.secure is not None
        parts = wire.render_response(response, request, is_last=connection.is_last, is_secure=is_secure)
        connection.hold(response, parts)
        self._write(connection)

    def _write(self, connection: Connection) -> None:
        if connection.send_some():
            self._after_answer(connection)
            return
        if connection.file is not None:  # a client that takes a file has this long for each chunk
            connection.deadline = self._monotonic() + WRITE_SECONDS
        self._want(connection, selectors.EVENT_WRITE)

    def _after_answer(self, connection: Connection) -> None:
        now = self._monotonic()
        self._let_go(connection)
        connection.routed = None
        connection.since = now
        if connection.is_last:
            connection.state = ConnectionState.LINGERING
            connection.deadline = now + LINGER_SECONDS
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_WR)  # what has not been read yet may still be on its way
            connection.received.clear()
            self._want(connection, selectors.EVENT_READ)
            return
        connection.state = ConnectionState.READING
        connection.has_asked = bool(connection.received)
        connection.deadline = now + (REQUEST_SECONDS if connection.has_asked else IDLE_SECONDS)
        self._want(connection, 0 if connection.has_asked else selectors.EVENT_READ)
        if connection.has_asked:
            self._pending.append(connection)  # not now: very many requests may have come together

    def _expire(self) -> None:
        """End connections that have taken too long."""
        now = self._monotonic()
        for connection in [one for one in self._connections if one.deadline <= now]:
            if connection.state is ConnectionState.READING and (connection.received or connection.routed):
                self._guarded(
                    connection, lambda it: self._refuse(it, error(408, "the request took too long"))
                )
            elif connection.state is ConnectionState.WAITING:
                self._guarded(connection, lambda it: self._begin_answer(it, it.delayed))
            elif connection.state is not ConnectionState.ANSWERING:
                self._close(connection)
        self._acceptor.begin_if_due()

    def _want(self, connection: Connection, events: int) -> None:
        """Wait for these events of a connection from now on."""
        if events == connection.events:
            return
        if not events:
            self._selector.unregister(connection.sock)
        elif connection.events:
            self._selector.modify(connection.sock, events, connection)
        else:
            self._selector.register(connection.sock, events, connection)
        connection.events = events

    def _close(self, connection: Connection) -> None:
        if connection in self._connections:
            self._want(connection, 0)
            self._connections.discard(connection)
            self._let_go(connection)
        connection.close_file()
        connection.sock.close()

    def _close_all(self) -> None:
        for connection in list(self._connections):
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads its body
        self._executor.close()
        for connection in list(self._connections):
            self._close(connection)
        self._selector.close()
        self._woken.close()
        self._waker.close()
