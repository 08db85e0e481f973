"""The parts of the dashboard, put together once the first client asks."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence

from fproc.config.model import MEGABYTE
from fproc.spool.intake.uploads import UploadArea
from fproc.web.access.bug_log import first_tracebacks
from fproc.web.access.keyring import Keyring
from fproc.web.access.tokens import Token
from fproc.web.api.routes import build_routes
from fproc.web.api.state import DashboardState
from fproc.web.http.auth import Authenticator
from fproc.web.http.connections import Connections
from fproc.web.http.router import Router

Secure = Callable[[socket.socket], socket.socket]


def build_router(
    view: DashboardState, upload_area: UploadArea, tokens: Sequence[Token], port: int, *, is_secure: bool
) -> Router:
    """Return what answers requests, on a port."""
    config = view.config
    auth = Authenticator(Keyring(tokens), config.dashboard.host, port, is_secure=is_secure)
    return Router(
        build_routes(view, auth, upload_area),
        auth,
        most_upload_bytes=int(config.limits.max_upload_mb * MEGABYTE),
    )


def connections(listener: socket.socket, router: Router, secure: Secure | None) -> Connections:
    """Return the connections of a listening socket."""
    logging.getLogger("fproc.dashboard").addFilter(first_tracebacks)
    return Connections(listener, router, secure=secure)
