"""The listening socket: new clients as they come, or later where the process has no descriptor for one."""

from __future__ import annotations

import errno
import selectors
import socket
from collections.abc import Callable

PAUSE_SECONDS = 0.2
"""Seconds for which no connection is accepted when no descriptor is left for one."""

ACCEPTED_AT_ONCE = 64
"""The most new clients that are accepted before others are served."""

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}


class Acceptor:
    """The listening socket among those that a selector waits for.

    Args:
        listener: the socket.
        selector: it reports the listener when a client comes.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self, listener: socket.socket, selector: selectors.BaseSelector, monotonic: Callable[[], float]
    ) -> None:
        self.listener = listener
        self.is_accepting = False
        self._selector = selector
        self._monotonic = monotonic
        self._accept_at = 0.0

    def begin(self) -> None:
        """Report clients from now on."""
        self._selector.register(self.listener, selectors.EVENT_READ, None)
        self.is_accepting = True

    def begin_if_due(self) -> None:
        """Report clients again, once the pause is over."""
        if not self.is_accepting and self._monotonic() >= self._accept_at:
            self.begin()

    def accepted(self, welcome: Callable[[socket.socket, str], None]) -> bool:
        """Accept clients, and hand each to `welcome` with its address.

        Return whether there are descriptors for more; without one, clients wait for a moment.

        Raises:
            OSError: the socket cannot be used any more.
        """
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, address = self.listener.accept()
            except (BlockingIOError, InterruptedError):
                return True
            except ConnectionError:
                continue  # that client is gone already
            except OSError as trouble:
                if trouble.errno not in _SHORTAGES:
                    raise
                self._pause()
                return False
            welcome(sock, str(address[0]))
        return True

    def _pause(self) -> None:
        self._accept_at = self._monotonic() + PAUSE_SECONDS
        if self.is_accepting:
            self._selector.unregister(self.listener)
            self.is_accepting = False
