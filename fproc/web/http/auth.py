"""Authentication: Host and Origin of a request, its token, the cookie of a log-in, and too many wrong tries.

Without a token, the dashboard listens on loopback alone, and is protected from pages of other sites in the
user's browser because their requests name another host or origin. With tokens, a request needs one that
allows it, or the cookie that a log-in with such a one has set. Browsers send a cookie to all ports of a host,
so its name has the port: several dashboards on one host do not log each other out.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes, urlsplit

from fproc.base.values import replace
from fproc.web.access.keyring import Keyring
from fproc.web.access.rates import Rate
from fproc.web.access.tokens import NO_SCOPE, Scope
from fproc.web.http.messages import Request, Response, error

log = logging.getLogger("fproc.audit")

SESSION_SECONDS = 12 * 3600

TRIES = 10
TRIES_IN_ALL = 100
TRIES_SECONDS = 60
"""The most wrong tokens that an address may try, and all of them together, within this many seconds."""

FORM_FIELDS = 8
"""The most fields of a log-in that are looked at."""

TOKEN_NEEDED = "a token is needed"  # noqa: S105 - a message
"""What a client without a token is told."""

PATH_CHARACTERS = 2000
"""The most characters of a path that a log-in leads back to."""

NAMES = {Scope.READ: "look", Scope.UPLOAD: "upload", Scope.OPERATE: "change anything"}
"""What a token may not allow, in messages."""

DELAY_SECONDS = 1.0
"""Seconds that the answer to a wrong token is held back, where there have been too many."""


class Authenticator:
    """The checks that a request has to pass before anything is done for it.

    Args:
        keyring: the tokens.
        host: the address of the listening socket.
        port: its port.
        is_secure: clients use TLS, so the cookie is for TLS only.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        keyring: Keyring,
        host: str,
        port: int = 0,
        *,
        is_secure: bool = False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cookie = f"fproc-{port}"
        self._keyring = keyring
        self._own_names = {"localhost", host.lower()}
        self._is_secure = is_secure
        self._clock = clock
        self._wrong = Rate(TRIES, TRIES_IN_ALL, TRIES_SECONDS, monotonic=monotonic)
        self._lock = threading.Lock()

    @property
    def has_token(self) -> bool:
        """Whether a token is needed."""
        return not self._keyring.is_empty()

    def misdirected(self, request: Request) -> Response | None:
        """Refuse a request that was made for another host, or by a page of another site."""
        host = request.headers.get("host", "")
        if not self.has_token and not self._is_own(host):
            return error(400, f"Host {host!r} is not this one: say localhost, or set a token")
        if request.method in {"GET", "HEAD"}:
            return None
        origin = request.headers.get("origin")
        if origin is not None and _netloc(origin) != host.lower():
            return error(400, "the request comes from a page of another site")
        if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return error(400, "the request comes from a page of another site")
        return None

    def stranger(self, request: Request, wanted: Scope = Scope.READ) -> Response | None:
        """Refuse a request without a token (401), or with one that does not allow it (403)."""
        if not self.has_token:
            return None
        scope = self._scope_of_session(request)
        if wanted in scope:
            return None
        token = _bearer(request)
        if token:
            return self._try(token, request.client, wanted)
        if scope:
            return _forbidden(wanted)
        return error(401, TOKEN_NEEDED, {"WWW-Authenticate": 'Bearer realm="fproc"'})

    def may_look(self, request: Request) -> bool:
        """Return whether a request that needs no token has one that allows to look."""
        if not self.has_token or Scope.READ in self._scope_of_session(request):
            return True
        token = _bearer(request)
        return bool(token) and Scope.READ in self._keyring.scope_of(token)

    def log_in(self, form: bytes, client: str, back: str = "/") -> Response:
        """Answer a log-in by a form: the cookie and the way back to a page of this site, or a refusal."""
        token = _token_in(form)
        refusal = self._try(token, client, Scope.READ)
        if refusal is not None:
            return refusal
        log.info("log-in from %s", client)
        session = self._keyring.begin_session(token, int(self._clock()) + SESSION_SECONDS)
        return self._redirect(session, SESSION_SECONDS, back if is_path(back) else "/")

    def log_out(self) -> Response:
        """Take the cookie back."""
        return self._redirect("", 0, "/")

    def _redirect(self, value: str, seconds: int, to: str) -> Response:
        secure = "; Secure" if self._is_secure else ""
        cookie = f"{self.cookie}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        return Response(303, headers={"Location": to, "Set-Cookie": cookie})

    def _try(self, token: str, client: str, wanted: Scope) -> Response | None:
        """Refuse a wrong token; of those that come too often, nothing more is said or logged.

        The right one is let in even then: who shares an address with others, a proxy's say, cannot be locked
        out by them.
        """
        scope = self._keyring.scope_of(token)
        if scope:
            return None if wanted in scope else _forbidden(wanted)
        with self._lock:
            wait_seconds = self._wrong.wait_seconds(client)
            if not wait_seconds:
                self._wrong.add(client)
        if wait_seconds:
            headers = {"Retry-After": str(wait_seconds)}
            return replace(error(429, "too many wrong tokens; wait", headers), delay_seconds=DELAY_SECONDS)
        log.warning("a wrong token from %s", client)
        return error(401, "the token is wrong", {"WWW-Authenticate": 'Bearer realm="fproc"'})

    def _scope_of_session(self, request: Request) -> Scope:
        cookies = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
        value = next((value for name, _, value in cookies if name == self.cookie), "")
        return self._keyring.scope_of_session(value, self._clock()) if value else NO_SCOPE

    def _is_own(self, host: str) -> bool:
        """Return whether a Host header names this host; an address does, as it takes no forged lookup."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._own_names or name.endswith(".localhost") or _is_address(name)


def _token_in(form: bytes) -> str:
    """Return the token in the body of a log-in, the only field that counts; "" where there is none."""
    fields = (part.partition(b"=") for part in form.split(b"&", FORM_FIELDS))
    text = next((value for name, _, value in fields if name == b"token"), b"")
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "surrogateescape")


def _bearer(request: Request) -> str:
    """Return the token in a header, or ""."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _netloc(origin: str) -> str | None:
    """Return the host and port of an origin in lower case; None where it has none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except (OSError, ValueError):
            continue
        return True
    return False


def is_path(text: str) -> bool:
    """Return whether a text is a path on this site, and nothing that a browser takes for another site's."""
    is_plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
    return is_plain and text.startswith("/") and not text.startswith("//") and len(text) <= PATH_CHARACTERS


def _forbidden(wanted: Scope) -> Response:
    return error(403, f"this token does not allow to {NAMES[wanted]}")
