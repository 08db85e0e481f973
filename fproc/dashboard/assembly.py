"""The parts of the dashboard, put together once the first client asks."""

from __future__ import annotations

import socket
from collections.abc import Callable

from fproc.config import MEGABYTE
from fproc.dashboard.guard import Guard
from fproc.dashboard.reception import Reception
from fproc.dashboard.routes import table
from fproc.dashboard.site import Site
from fproc.dashboard.view import View
from fproc.spool.arrival import Arrivals

Secure = Callable[[socket.socket], socket.socket]


def reception(
    listener: socket.socket, view: View, arrivals: Arrivals, token: str | None, secure: Secure | None
) -> Reception:
    """What answers on a listening socket."""
    config = view.config
    guard = Guard(token, config.dashboard.host, is_secure=secure is not None)
    site = Site(
        table(view, guard, arrivals),
        guard,
        most_upload_bytes=int(config.limits.max_upload_mb * MEGABYTE),
    )
    return Reception(listener, site, secure=secure)
