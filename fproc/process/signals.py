"""Signals to a loop: the first SIGTERM or SIGINT asks it to stop, a second one ends it; SIGHUP reloads."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from fproc.base.errors import EXIT_INTERRUPTED
from fproc.process.waiting import wait_readable

Wait = Callable[[float, Sequence[int]], None]
"""A call that waits for these seconds, or until a descriptor of these is readable, or a signal arrives."""


@contextmanager
def handled(stop: Callable[[], None], reload: Callable[[], None] | None = None) -> Iterator[Wait]:
    """Have SIGTERM and SIGINT call `stop` in this context, and a second one exit; yield the wait to use.

    SIGHUP calls `reload`, if there is one. But if it comes because the terminal was closed, it is as a
    SIGTERM, or means nothing under nohup(1).

    The wait ends early when a signal arrives: Python writes a byte to the pipe (`signal.set_wakeup_fd`).
    """
    is_stopping = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopping
        if is_stopping:
            os._exit(EXIT_INTERRUPTED)  # nothing is lost: the next start takes up what was running
        is_stopping = True
        stop()

    has_terminal = _has_terminal()
    is_immune = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    def hang_up(number: int, frame: FrameType | None) -> None:
        if reload is not None and not (has_terminal and not _has_terminal()):
            reload()
        elif not is_immune:
            handle(number, frame)

    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    os.set_blocking(read_end, False)
    earlier_wakeup = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    earlier = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    if reload is not None:
        earlier[signal.SIGHUP] = signal.signal(signal.SIGHUP, hang_up)

    def wait(seconds: float, descriptors: Sequence[int]) -> None:
        wait_readable([read_end, *descriptors], seconds)
        with suppress(BlockingIOError):
            os.read(read_end, 4096)

    try:
        yield wait
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(earlier_wakeup)
        os.close(read_end)
        os.close(write_end)


def _has_terminal() -> bool:
    """Return whether this process has a controlling terminal that was not closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def expect_signals() -> None:
    """Restore SIGCHLD, so that exits of processes are reported, and unblock it and SIGTERM.

    The parent of this process may have had SIGCHLD ignored (`trap '' CHLD`), and then the system forgets how
    processes exited; or it may have had signals blocked. Both are inherited.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, signal.SIGTERM})
