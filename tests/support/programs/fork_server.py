"""The program that starts runs of fproc by forking, so that what they import is there already.

A run is what `python -m fproc` is, but for the time that its imports take. Requests come on standard input, a
socket. Four descriptors come with each: the run's standard input, output and error, and a socket on which its
process id is answered, and once it has ended its wait status. Like any child it is there until it is waited
for: until that socket is closed.

Nothing of the tests is imported here: this file is run by its path.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import socket
import sys
from typing import Any

import fproc.cli
from fproc.cli.main import main

MOST_REQUEST_BYTES = 100_000

FEWER_MODULES = ("difflib", "encodings.ascii", "inspect")
"""What runs import late, and could not any more once they have given up root."""


def load() -> None:
    """Import all that runs need."""
    commands = [module.name for module in pkgutil.iter_modules(fproc.cli.__path__, "fproc.cli.")]
    for name in (*commands, *FEWER_MODULES):
        importlib.import_module(name)
    with contextlib.redirect_stdout(io.StringIO()):
        main([])


class Server:
    """The runs that were forked and are not waited for yet."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._running: dict[int, tuple[int, socket.socket]] = {}
        self._ended: dict[socket.socket, int] = {}

    def serve(self) -> dict[str, Any] | None:
        """Fork for each request until there are no more; return None then, and in each child its request."""
        while True:
            watched: list[Any] = [self._requests, *self._running, *self._ended]
            ready, _, _ = select.select(watched, [], [])
            for one in ready:
                if isinstance(one, int):
                    self._tell_end(one)
                elif one in self._ended:
                    one.close()
                    os.waitpid(self._ended.pop(one), 0)
                else:
                    data, descriptors, _, _ = socket.recv_fds(self._requests, MOST_REQUEST_BYTES, 4)
                    if not data:
                        return None
                    if self._fork(*descriptors):
                        request: dict[str, Any] = json.loads(data)
                        return request

    def _tell_end(self, watched: int) -> None:
        pid, answers = self._running.pop(watched)
        os.close(watched)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended
        status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        with contextlib.suppress(BrokenPipeError):  # nobody waits for it; so the socket is closed
            answers.sendall(b"%d" % status)
        self._ended[answers] = pid

    def _fork(self, *descriptors: int) -> bool:
        """Fork a run; return whether this is the child."""
        *standard, answering = descriptors
        pid = os.fork()
        if pid == 0:
            self._requests.close()
            for watched, (_, answers) in self._running.items():
                os.close(watched)
                answers.close()
            for answers in self._ended:
                answers.close()
            os.close(answering)
            for target, descriptor in enumerate(standard):
                os.dup2(descriptor, target)
        else:
            answers = socket.socket(fileno=answering)
            answers.sendall(b"%d" % pid)
            self._running[os.pidfd_open(pid)] = pid, answers
        for descriptor in standard:
            os.close(descriptor)
        return pid == 0


def become(user: int, *, keeps_lease: bool) -> None:
    """Give up root, but maybe for the capability to hold leases."""
    library = ctypes.CDLL(None)
    os.setgroups([])
    os.setgid(user)
    library.prctl(8, int(keeps_lease), 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setuid(user)
    if keeps_lease:
        header, lease = (ctypes.c_uint32 * 2)(0x20080522, 0), 1 << 28
        assert library.capset(header, (ctypes.c_uint32 * 6)(lease, lease, 0, 0, 0, 0)) == 0


def begin(request: dict[str, Any]) -> None:
    """Be the process that the request is for."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if request["is_session"]:
        os.setsid()
    if request["user"] is not None and os.geteuid() == 0:
        become(request["user"], keeps_lease="KEEP_CAP_LEASE" in os.environ)
    sys.argv[1:] = request["arguments"]
    sys.path[0] = os.getcwd() if request["user"] is None else ""


if __name__ == "__main__":
    load()
    # The socket moves away from standard input, which will be the run's own.
    request = Server(socket.socket(fileno=os.dup(0))).serve()
    if request is not None:
        begin(request)
        if request["user"] is None:
            runpy.run_module("fproc", run_name="__main__", alter_sys=True)
        sys.exit(main())
