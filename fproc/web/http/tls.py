"""TLS for the dashboard's connections, each one wrapped after it was accepted; slow to import."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from fproc.base.errors import ConfigError, Problem, reason_of
from fproc.config.model import Dashboard


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
        return data

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
