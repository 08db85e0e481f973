"""Processes of this same Python with this same fproc, and the socket between each and its parent.

All processes are started here. They are started afresh, because this process may have threads; one that has
none yet may fork, which is a tenth of a second faster, with all modules imported.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from fproc.base import own_code, stdout
from fproc.base.values import dataclass
from fproc.process.ipc import die_with_parent
from fproc.process.signals import expect_signals

_START = """\
import sys
sys.path[:] = {path!a}
try:
    {archive}
    from fproc.base.own_code import enter
except BaseException:
    sys.exit({replaced})
enter(*sys.argv[1:])
"""
"""The code of a process that is started afresh.

Python has put the current folder first on `sys.path`, where a file such as `json.py` would be taken for the
standard library's: nothing may be imported from there before the path is this process's own, and `sys` is
built in.
"""

_START_FROM_ARCHIVE = (
    "from zipimport import zipimporter; boot = dict(__name__='boot'); "
    "exec(zipimporter({copy!a}).get_code('__main__'), boot); "
    "boot['use']({copy!a}, {descriptor}, {build!a}, {cache!a})"
)

_INTERRUPT = {signal.SIGINT}

UNKNOWN_STATUS = 255
"""The exit status of a process for which someone else has waited."""

LOOK_SECONDS = 0.005
"""Seconds between checks whether a process has exited."""


class Process(Protocol):
    """A process that was started here; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """Its id."""

    def poll(self) -> int | None:
        """Return its exit status, or minus the signal that killed it; None while it runs."""

    def wait(self) -> int:
        """Return its exit status once it has exited."""

    def terminate(self) -> None:
        """Ask it to exit."""

    def kill(self) -> None:
        """Kill it."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started here, and this end of the socket to it."""

    process: Process
    channel: socket.socket

    def end(self) -> None:
        """Kill it, if it has not exited."""
        self.channel.close()
        self.process.kill()
        self.process.wait()


def status_within(process: Process, seconds: float) -> int | None:
    """Return the exit status of a process once it has exited; None if it does not, within these seconds."""
    deadline = time.monotonic() + seconds
    while (status := process.poll()) is None and time.monotonic() <= deadline:
        time.sleep(LOOK_SECONDS)
    return status


def start_process(function: str, *descriptors: int) -> Child:
    """Start a process that calls a function, by its import path.

    The function is called with the arguments of `begin_process`, and then these descriptors, which the
    process inherits, as it does standard output and standard error. Its standard input is empty.

    Raises:
        OSError: the system refuses.
    """
    import subprocess  # noqa: PLC0415 - slow to import, and one forked worker is enough for few files

    ours, theirs = socket.socketpair()
    numbers = [theirs.fileno(), os.getpid(), *descriptors]
    archive = own_code.archive
    copy = [archive.descriptor] if archive and archive.descriptor is not None else []
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)
    try:
        with theirs, open(os.devnull, "rb") as nothing:
            process = subprocess.Popen(  # noqa: S603 - this Python, with these modules
                [sys.executable, "-c", _start_code(), own_code.build_id(), function, *map(str, numbers)],
                stdin=nothing,
                stdout=stdout.standard_output() if stdout.is_open() else nothing,
                pass_fds=[theirs.fileno(), *descriptors, *copy],
            )
    except BaseException:
        ours.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return Child(process, ours)


def _start_code() -> str:
    """Return the code that a new process runs to have this one's modules: from the same archive, if any."""
    archive = own_code.archive
    values = {name: getattr(archive, name) for name in ("copy", "descriptor", "build", "cache") if archive}
    first = _START_FROM_ARCHIVE.format(**values) if archive else ""
    return _START.format(path=sys.path, archive=first, replaced=own_code.REPLACED_STATUS)


def fork_process(function: Callable[..., None], *descriptors: int) -> Child:
    """Start a process that is a copy of this one and calls a function as `start_process` does.

    In the copy, this exits once the function has returned. It raises `SystemExit` for that if users' code has
    run there, which its callers must let pass.

    Raises:
        OSError: the system refuses.
    """
    parent = os.getpid()
    ours, theirs = socket.socketpair()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)
    try:
        with theirs:
            pid = os.fork()
            if pid == 0:
                ours.close()
                with open(os.devnull, "rb") as nothing:
                    os.dup2(nothing.fileno(), 0)
                function(theirs.detach(), parent, *map(os.dup, descriptors))
                own_code.leave(0)
    except BaseException:
        ours.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return Child(_Forked(pid), ours)


class _Forked:
    """A process that was forked, with the needed part of `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None

    def poll(self) -> int | None:
        self._look(os.WNOHANG)
        return self._status

    def wait(self) -> int:
        self._look(0)
        assert self._status is not None
        return self._status

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:  # else its id may be another's by now
            os.kill(self.pid, number)

    def _look(self, options: int) -> None:
        if self._status is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # a user's module has waited for it, or has SIGCHLD ignored
                self._status = UNKNOWN_STATUS
                return
            if pid:
                self._status = os.waitstatus_to_exitcode(status)


def begin_process(channel_number: int, parent: int) -> socket.socket:
    """Set up a process that was started here; return its end of the socket.

    It exits with its parent. Ctrl-C reaches all processes, and the parent decides what to do: it is blocked
    from the very start, lest it kill the process before that is ready, and ignored from here on.
    """
    channel = socket.socket(fileno=channel_number)
    channel.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whatever handler its parent has
    signal.signal(signal.SIGHUP, _leave_to_parent)
    expect_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)
    die_with_parent(channel, parent)
    stdout.keep_for_results()
    return channel


def _leave_to_parent(_number: int, _frame: FrameType | None) -> None:
    """Do nothing at SIGHUP, which may be sent to all processes at once: the parent reloads, and tells them.

    Unlike an ignored signal, this is not inherited by programs that users' processors start.
    """
