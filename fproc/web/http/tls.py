"""TLS for the dashboard's connections, each one wrapped after it was accepted; slow to import."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

from fproc.base.errors import ConfigError, Problem, reason_of
from fproc.config.model import Dashboard

PLAIN_REASONS = {"HTTP_REQUEST", "HTTPS_PROXY_REQUEST"}
"""OpenSSL's names for a client that speaks HTTP without TLS."""

HINT = b"this port speaks TLS: ask for https:// instead of http://\n"

PLAIN_ANSWER = b"\r\n".join(
    (
        b"HTTP/1.1 400 Bad Request",
        b"Content-Type: text/plain; charset=utf-8",
        b"Content-Length: %d" % len(HINT),
        b"Cache-Control: no-store",
        b"Connection: close",
        b"",
        HINT,
    )
)
"""The answer to such a client, without TLS."""

UNREAD_BYTES = 64 * 1024


class TlsSocket(ssl.SSLSocket):
    """One that raises BlockingIOError as other sockets do. Its handshake comes with the first read."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive as any socket, with all that was decrypted already, as no poll reports that."""
        try:
            data = super().recv(buflen, flags)
            while data and (left_bytes := self.pending()):
                data += super().recv(left_bytes, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wait:
            raise BlockingIOError(wait.errno, wait.strerror) from wait
        except ssl.SSLError as error:
            if error.reason in PLAIN_REASONS:
                self._answer_plainly()
            raise
        return data

    def shutdown(self, how: int) -> None:
        """Say that nothing follows (close_notify), so that nobody can cut an answer unnoticed; read on."""
        if how == socket.SHUT_RD:
            socket.socket.shutdown(self, how)
            return
        self._say_goodbye()
        socket.socket.shutdown(self, how)

    def close(self) -> None:
        """Close it, and say so."""
        self._say_goodbye()
        super().close()

    def _say_goodbye(self) -> None:
        """Send a close_notify, and wait for none; there is none to send before the handshake, or twice."""
        blocks = self.gettimeout()
        with suppress(
            OSError, ValueError
        ):  # ssl.SSLError is an OSError: the client has gone, or is yet to come
            self.setblocking(False)
            try:
                self.unwrap()
            finally:
                self.settimeout(blocks)

    def _answer_plainly(self) -> None:
        """Tell a client without TLS what to do; what it has sent is read, lest it miss the answer."""
        with suppress(OSError):
            socket.socket.send(self, PLAIN_ANSWER)
            socket.socket.shutdown(self, socket.SHUT_WR)
            while socket.socket.recv(self, UNREAD_BYTES):
                pass

    def send(self, data: Any, flags: int = 0) -> int:
        """Send as any socket."""
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wait:
            raise BlockingIOError(wait.errno, wait.strerror) from wait


class Tls:
    """The certificate, and connections that are encrypted with it.

    Raises:
        ConfigError: it cannot be used.
    """

    def __init__(self, dashboard: Dashboard) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.sslsocket_class = TlsSocket
        try:
            # Without a password, OpenSSL would ask for one on the terminal.
            self._context.load_cert_chain(dashboard.tls_cert or "", dashboard.tls_key, password="")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            what = f"cannot be used, or does not go with its key: {reason_of(error)}"
            raise ConfigError(
                [Problem("$.dashboard.tls_cert", what, "name PEM files, the key without a password")]
            ) from error

    def wrap(self, sock: socket.socket) -> socket.socket:
        """Return an accepted connection wrapped in TLS; the handshake comes later."""
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
