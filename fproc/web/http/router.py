"""The router: whether a request is admitted, and the route that answers it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from enum import Enum, auto

from fproc.base.errors import reason_of
from fproc.base.faults import trouble_of
from fproc.base.values import dataclass
from fproc.web.access.rates import Rate
from fproc.web.access.tokens import Scope
from fproc.web.http.auth import Authenticator
from fproc.web.http.executor import Lane
from fproc.web.http.messages import Refused, Request, Response, error

BODY_BYTES = 1 << 20
"""The most bytes in the body of a request, except for uploads; a route may take less."""

log = logging.getLogger("fproc.dashboard")

UPLOADS = 1200
UPLOADS_OF_ONE = 900
UPLOADS_SECONDS = 60
"""The most uploads that may begin within this many seconds, in all and from one address."""


class Body(Enum):
    """What a route does with the body of a request."""

    NONE = auto()
    SMALL = auto()
    STREAM = auto()


Read = Callable[[int], bytes]
"""A call that returns at most a number of bytes of a body, and none at its end."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    `answer` is for bodies that were read, `receive` for one that is still to be read. One that `is_open`
    needs no token, others need one that allows `scope`. `media_type` is the one that a body must have, or
    "", and `most_bytes` its most bytes, except for one that is still to be read. Threads of the `lane`
    answer, or none if it `is_immediate`, which takes no time at all. `log_in` turns the refusal of a stranger
    into what that client is answered with.
    """

    answer: Callable[[Request], Response] | None = None
    receive: Callable[[Request, Read], Response] | None = None
    is_open: bool = False
    scope: Scope = Scope.READ
    media_type: str = ""
    most_bytes: int = BODY_BYTES
    lane: Lane = Lane.USUAL
    is_immediate: bool = False
    log_in: Callable[[Request, Response], Response] | None = None

    @property
    def body(self) -> Body:
        """The treatment of a body."""
        if self.receive is not None:
            return Body.STREAM
        return Body.SMALL if self.media_type else Body.NONE


Routes = Mapping[str, Mapping[str, Route]]
"""Routes by path and method. A path that ends in `/` is that of any name behind it."""


@dataclass(frozen=True, slots=True)
class Routed:
    """A request, and the route that answers it, or its refusal; or the answer, if that takes no time."""

    request: Request
    route: Route
    refusal: Response | None = None

    @property
    def body(self) -> Body:
        """The treatment of the request's body."""
        return self.route.body


class Router:
    """The choice of the route that answers a request.

    Args:
        routes: all routes.
        auth: it refuses requests of strangers.
        most_upload_bytes: the most bytes in the body of an upload.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        routes: Routes,
        auth: Authenticator,
        *,
        most_upload_bytes: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._routes = routes
        self._auth = auth
        self._most_upload_bytes = most_upload_bytes
        self._uploads = Rate(UPLOADS_OF_ONE, UPLOADS, UPLOADS_SECONDS, monotonic=monotonic)

    def admit(self, request: Request) -> Routed:
        """Check the head of a request: that it is for this host, for an existing route, and allowed.

        Never raises.
        """
        try:
            return self._admitted(request)
        except Exception as bug:
            log.exception("a request could not be understood")
            return Routed(request, Route(), _bug(bug))

    def _admitted(self, request: Request) -> Routed:
        by_method = self._routes_of(request.path)
        route = by_method.get("GET" if request.method == "HEAD" else request.method)
        refusal = self._auth.misdirected(request)
        if route is None:
            return Routed(request, Route(), refusal or _no_route(request, by_method))
        if refusal is None and not route.is_open:
            refusal = self._auth.stranger(request, route.scope)
            refusal = route.log_in(request, refusal) if refusal and route.log_in else refusal
        refusal = refusal or self._refused_body(request, route)
        if refusal is None and route.is_immediate:
            assert route.answer is not None
            refusal = route.answer(request)
        return Routed(request, route, refusal)

    def answer(self, routed: Routed) -> Response:
        """Answer a request whose body was read. Never raises."""
        answer = routed.route.answer
        assert answer is not None
        return _safely(lambda: answer(routed.request))

    def receive(self, routed: Routed, read: Read) -> Response:
        """Answer a request whose body is still to be read. Never raises."""
        receive = routed.route.receive
        assert receive is not None
        return _safely(lambda: receive(routed.request, read))

    def _routes_of(self, path: str) -> Mapping[str, Route]:
        """Return the routes of a path, by method."""
        if path in self._routes:
            return self._routes[path]
        above, _, name = path.partition("/")[2].partition("/")
        return self._routes.get(f"/{above}/", {}) if name else {}

    def _refused_body(self, request: Request, route: Route) -> Response | None:
        """Refuse a body that the head shows to be invalid."""
        if route.body is Body.NONE:
            return None
        length_bytes = request.length_bytes
        most_bytes = self._most_upload_bytes if route.body is Body.STREAM else route.most_bytes
        if length_bytes is None:
            return error(411, "a body needs a Content-Length")
        if length_bytes > most_bytes:
            return error(413, f"{length_bytes} bytes are too many; {most_bytes} are taken at most")
        if route.media_type and request.media_type != route.media_type:
            return error(415, f"the body has to be {route.media_type}")
        return self._too_often(request.client) if route.body is Body.STREAM else None

    def _too_often(self, client: str) -> Response | None:
        """Refuse an upload, if too many have begun lately."""
        wait_seconds = self._uploads.wait_seconds(client)
        if wait_seconds:
            return error(429, "too many uploads; wait", {"Retry-After": str(wait_seconds)})
        self._uploads.add(client)
        return None


def _no_route(request: Request, by_method: Mapping[str, Route]) -> Response:
    if not by_method:
        return error(404, f"there is no {request.path}; /openapi.json says what there is")
    methods = ["HEAD", *by_method] if "GET" in by_method else [*by_method]
    allow = ", ".join(sorted(methods))
    return error(405, f"{request.path} does not take {request.method}", {"Allow": allow})


def _safely(answer: Callable[[], Response]) -> Response:
    """Return an answer, even if making it raises."""
    try:
        return answer()
    except Refused as refused:
        return refused.response
    except OSError as disk_error:
        return error(503, trouble_of(disk_error), {"Retry-After": "5"})
    except Exception as bug:
        log.exception("a request could not be answered")
        return _bug(bug)


def _bug(bug: Exception) -> Response:
    """Return the answer to a request that has shown a bug."""
    return error(500, f"{reason_of(bug)} (this is a bug in fproc; its log says more)")
