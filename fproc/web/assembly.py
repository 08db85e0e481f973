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


def connections(
    listener: socket.socket,
    view: DashboardState,
    upload_area: UploadArea,
    tokens: Sequence[Token],
    secure: Secure | None,
) -> Connections:
    """Return the connections of a listening socket."""
    config = view.config
    logging.getLogger("fproc.dashboard").addFilter(first_tracebacks)
    port = listener.getsockname()[1]
    auth = Authenticator(Keyring(tokens), config.dashboard.host, port, is_secure=secure is not None)
    router = Router(
        build_routes(view, auth, upload_area),
        auth,
        most_upload_bytes=int(config.limits.max_upload_mb * MEGABYTE),
    )
    return Connections(listener, router, secure=secure)
