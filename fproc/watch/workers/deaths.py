"""How a worker's process ended, in words."""

from __future__ import annotations

import signal

from fproc.base.own_code import REPLACED, REPLACED_STATUS


def how_it_ended(status: int) -> str:
    """Return how a process ended, in words."""
    if status == REPLACED_STATUS:
        return f"found that {REPLACED}"
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = "; perhaps memory ran out" if -status == signal.SIGKILL else ""
    return f"was killed by {name}{hint}"
