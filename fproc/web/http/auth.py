"""Authentication: Host and Origin of a request, the token, the cookie of a log-in, and too many wrong tries.

Without a token, the dashboard listens on loopback alone, and is protected from pages of other sites in the
user's browser because their requests name another host or origin. With a token, a request needs it, or the
cookie that a log-in has set: `EXPIRY.NONCE.SIGNATURE`, signed with the token (HMAC-SHA256, RFC 2104), so that
log-ins survive a restart and end with the token.
"""

from __future__ import annotations

import hmac
import logging
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes, urlsplit

from fproc.base.ids import new_id
from fproc.base.values import replace
from fproc.web.access.rates import Rate
from fproc.web.http.messages import Request, Response, error

log = logging.getLogger("fproc.audit")

COOKIE = "fproc"
SESSION_SECONDS = 12 * 3600

TRIES = 10
TRIES_IN_ALL = 100
TRIES_SECONDS = 60
"""The most wrong tokens that an address may try, and all of them together, within this many seconds."""

FORM_FIELDS = 8
"""The most fields of a log-in that are looked at."""

DELAY_SECONDS = 1.0
"""Seconds that the answer to a wrong token is held back, where there have been too many."""


class Authenticator:
    """The checks that a request has to pass before anything is done for it.

    Args:
        token: the secret, or None where none is needed.
        host: the address of the listening socket.
        is_secure: clients use TLS, so the cookie is for TLS only.
        clock: seconds since 1970.
        monotonic: seconds on a clock that is never set.
    """

    def __init__(
        self,
        token: str | None,
        host: str,
        *,
        is_secure: bool = False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = None if token is None else token.encode("utf-8", "surrogateescape")
        self._own_names = {"localhost", host.lower()}
        self._is_secure = is_secure
        self._clock = clock
        self._wrong = Rate(TRIES, TRIES_IN_ALL, TRIES_SECONDS, monotonic=monotonic)
        self._lock = threading.Lock()

    @property
    def has_token(self) -> bool:
        """Whether a token is needed."""
        return self._token is not None

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

    def stranger(self, request: Request) -> Response | None:
        """Refuse a request without the token."""
        if self._token is None or self._has_session(request):
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return error(401, "a token is needed", {"WWW-Authenticate": 'Bearer realm="fproc"'})
        return self._try(token.strip(), request.client)

    def log_in(self, form: bytes, client: str) -> Response:
        """Answer a log-in by a form: the cookie and the way back to the page, or a refusal."""
        refusal = self._try(_token_in(form), client)
        if refusal is not None:
            return refusal
        log.info("log-in from %s", client)
        text = f"{int(self._clock()) + SESSION_SECONDS}.{new_id()}"
        return self._redirect(f"{text}.{self._signature(text)}", SESSION_SECONDS)

    def log_out(self) -> Response:
        """Take the cookie back."""
        return self._redirect("", 0)

    def _redirect(self, value: str, seconds: int) -> Response:
        secure = "; Secure" if self._is_secure else ""
        cookie = f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
        return Response(303, headers={"Location": "/", "Set-Cookie": cookie})

    def _try(self, token: str, client: str) -> Response | None:
        """Refuse a wrong token; of those that come too often, nothing more is said or logged.

        The right one is let in even then: who shares an address with others, a proxy's say, cannot be locked
        out by them.
        """
        if self._token is not None and hmac.compare_digest(_bytes(token), self._token):
            return None
        with self._lock:
            wait_seconds = self._wrong.wait_seconds(client)
            if not wait_seconds:
                self._wrong.add(client)
        if wait_seconds:
            headers = {"Retry-After": str(wait_seconds)}
            return replace(error(429, "too many wrong tokens; wait", headers), delay_seconds=DELAY_SECONDS)
        log.warning("a wrong token from %s", client)
        return error(401, "the token is wrong", {"WWW-Authenticate": 'Bearer realm="fproc"'})

    def _has_session(self, request: Request) -> bool:
        cookies = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
        session = next((value for name, _, value in cookies if name == COOKIE), "")
        text, _, signature = session.rpartition(".")
        expiry = text.partition(".")[0]
        is_signed = hmac.compare_digest(_bytes(signature), self._signature(text).encode())
        return is_signed and expiry.isdecimal() and self._clock() < int(expiry)

    def _signature(self, text: str) -> str:
        return hmac.new(self._token or b"", _bytes(text), "sha256").hexdigest()

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


def _bytes(text: str) -> bytes:
    """Return the bytes of a token, whatever characters are in it."""
    return text.encode("utf-8", "surrogateescape")
