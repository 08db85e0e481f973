"""The routes of a dashboard as functions, over what a fproc would show of itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fproc.run import attempt
from fproc.spool.intake.uploads import UploadArea
from fproc.spool.locks.instance import Facts
from fproc.spool.spool import Spool
from fproc.telemetry.history.history import History
from fproc.telemetry.metrics import Metrics
from fproc.telemetry.traces import Traces
from fproc.web.access.keyring import Keyring
from fproc.web.access.tokens import Token
from fproc.web.api.queries import Queries
from fproc.web.api.routes import build_routes
from fproc.web.api.state import DashboardState
from fproc.web.http.auth import Authenticator
from fproc.web.http.messages import Request, Response
from fproc.web.http.router import Body, Router
from tests.support.helpers import plan_of, user

GIVEN = [
    "/health",
    "/livez",
    "/readyz",
    "/stats",
    "/series",
    "/files",
    "/errors",
    "/trace",
    "/graph",
    "/metrics",
]


KNOWN = ["/", *GIVEN, "/openapi.json"]


TAKEN = {"/upload": "POST", "/upload/x": "PUT", "/retry": "POST", "/login": "POST", "/logout": "POST"}


class Place:
    """A spool, its figures, and a loop that is as well as the test says."""

    def __init__(self, folder: Path, token: str | None = None) -> None:
        self.folder = folder
        nodes = [{"tag": "start", "type": user("fail_on_bad"), "next": ["end", "drop"]}]
        self.plan = plan_of(
            nodes, watch_dir=str(folder), intake={"ready": "rename"}, durability="process", on_error="reject"
        )
        self.spool = Spool(self.plan.config)
        self.metrics = Metrics()
        self.loop = Facts(paused="", stopping=False)
        self.began = time.monotonic()
        self.token = token
        self.history: History | None = None

    def view(self) -> DashboardState:
        return DashboardState(
            config=self.plan.config,
            graph=self.plan.graph,
            spool=self.spool,
            metrics=self.metrics,
            listing=Queries(self.plan.config, self.history, list, Traces()),
            health=lambda: self.loop,
            workers=lambda: (2, 1),
            began=self.began,
        )

    def get(self, path: str, method: str = "GET", data: bytes = b"", **headers: str) -> Response:
        """What a request is answered with that comes from this host, with its body, if it has one."""
        keys = [] if self.token is None else [Token(self.token)]
        auth = Authenticator(Keyring(keys), "127.0.0.1")
        upload_area = UploadArea(self.plan.config, home=self.spool.home)
        site = Router(build_routes(self.view(), auth, upload_area), auth, most_upload_bytes=1000)
        target = path
        path, _, query = path.partition("?")
        given = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        fields = dict(part.split("=") for part in query.split("&") if part)
        length = len(data) if method in {"POST", "PUT"} else None
        visit = site.admit(Request(method, path, fields, given, "127.0.0.1", length, data, target=target))
        if visit.refusal is not None:
            return visit.refusal
        if visit.body is Body.STREAM:
            parts: Iterator[bytes] = iter([data])
            return site.receive(visit, lambda _: next(parts, b""))
        return site.answer(visit)

    def process(self, name: str, text: str) -> None:
        Path(self.spool.folders.unprocessed, name).write_text(text)
        self.run(name)

    def run(self, name: str) -> None:
        claim = self.spool.claim(name)
        assert claim is not None
        self.metrics.add(attempt.process_claim(claim, self.plan))


def value(response: Response) -> dict[str, Any]:
    """What a client reads."""
    read: dict[str, Any] = json.loads(response.body)
    return read


OPEN = {"/health", "/livez", "/readyz", "/login", "/logout"}
