"""Runs of fproc that a server forks: a process's start, most of what a short run takes, is made but once."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from tests.support.project import PROJECT

SERVER = Path(__file__).with_name("fork_server.py")


class Process(Protocol):
    """The part of `subprocess.Popen` that tests need."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int, /) -> None: ...

    def kill(self) -> None: ...


class ForkedRun:
    """A run in a child of the server; its id is its own until its end was asked for, as a child's is."""

    def __init__(self, answers: socket.socket) -> None:
        self.returncode: int | None = None
        self._answers = answers
        self.pid = int(answers.recv(100))

    def poll(self) -> int | None:
        """Look for the exit status; a negative one is a signal's number, and None says that it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status."""
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                self.returncode = int(self._answers.recv(100))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("fproc", timeout or 0) from None
            self._answers.shutdown(socket.SHUT_WR)
            self._answers.settimeout(None)
            assert self._answers.recv(1) == b"", "the server has waited for it, and closes"
            self._answers.close()
        return self.returncode

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, if its end is not known yet."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The server's process, under some Python."""

    def __init__(self, python: str, environment: Mapping[str, str]) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [python, SERVER],
                cwd=PROJECT,
                env={**environment},
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),  # as those of runs are: no terminal, and nothing to seek in
                start_new_session=True,
            )

    def fork(
        self,
        folder: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: Sequence[int],
        *,
        user: int | None,
        is_session: bool,
    ) -> ForkedRun:
        """Begin a run in a folder, as another user if root may; it may begin a session."""
        request = {
            "folder": str(folder),
            "arguments": arguments,
            "environment": environment,
            "user": user,
            "is_session": is_session,
        }
        answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._requests, [json.dumps(request).encode()], [*streams, theirs.fileno()])
        return ForkedRun(answers)

    def end(self) -> None:
        """Tell it that there are no more requests, and wait for its end."""
        self._requests.close()
        self._process.wait()


@cache
def server(python: str, environment: frozenset[tuple[str, str]]) -> ForkServer:
    """The server of this process for that Python; it ends with this process."""
    found = ForkServer(python, dict(environment))
    atexit.register(found.end)
    return found
