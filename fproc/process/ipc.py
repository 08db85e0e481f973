"""Messages between fproc's own processes over a socket, and the exit of one with the other."""

from __future__ import annotations

import errno
import os
import pickle
import select
import signal
import socket
import threading
from contextlib import suppress

_PR_SET_PDEATHSIG = 1


def send(channel: socket.socket, message: object) -> None:
    """Send a message whole."""
    data = pickle.dumps(message)
    channel.sendall(len(data).to_bytes(4, "big") + data)


class Receiver:
    """A parser of messages from a channel, as they come in."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> list[object]:
        """Return the messages that are complete with these bytes."""
        self._data += data
        messages = []
        while len(self._data) >= 4:  # noqa: PLR2004 - the length of a length
            end = 4 + int.from_bytes(self._data[:4], "big")
            if len(self._data) < end:
                break
            messages.append(pickle.loads(self._data[4:end]))  # noqa: S301 - from our own process
            del self._data[:end]
        return messages


def die_with_parent(channel: socket.socket, parent: int) -> None:
    """Have this process exit with its parent, which holds the other end of the channel.

    The kernel is asked to kill it (Linux), and a thread waits for the other end to be closed.
    """
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - missing in some builds of Python; then the thread has to do

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it died before the kernel was asked
    threading.Thread(target=_watch_over, args=(channel.fileno(),), daemon=True).start()


def _watch_over(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # only hang-up and error, which are always reported
    with suppress(OSError):
        poll.poll()
    os._exit(errno.EPIPE)
