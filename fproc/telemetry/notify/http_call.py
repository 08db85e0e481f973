"""One HTTP call to a URL of the user's. Slow to import, so imported for the first call."""

from __future__ import annotations

import base64
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fproc import __version__
from fproc.base.errors import reason_of

BODY_BYTES = 1024
"""How much of a response is read; nothing in it matters."""

SERVER_ERRORS = 500
PASSING = frozenset({408, 425, 429})
"""Statuses worth another try: those from 500 on, and these."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class CallError(Exception):
    """A call failed; the message repeats nothing of the URL. `passes`: trying again makes sense."""

    def __init__(self, reason: str, *, passes: bool) -> None:
        super().__init__(reason)
        self.passes = passes


def call(url: str, data: bytes | None, *, timeout_seconds: float) -> None:
    """GET a URL, or POST JSON to it.

    Raises:
        CallError: there was no response, or none of success.
    """
    try:
        with build_opener(_NoRedirects).open(_request(url, data), timeout=timeout_seconds) as answer:
            answer.read1(BODY_BYTES)
    except HTTPError as error:
        with error:
            passes = error.code >= SERVER_ERRORS or error.code in PASSING
            hint = ", a redirect, which is not followed" if error.code in REDIRECTS else ""
            raise CallError(f"HTTP status {error.code}{hint}", passes=passes) from None
    except URLError as error:
        reason = error.reason
        said = reason_of(reason) if isinstance(reason, BaseException) else reason
        raise CallError(said, passes=True) from None
    except (OSError, HTTPException) as error:
        raise CallError(reason_of(error), passes=True) from None
    except ValueError as error:  # a host name that cannot be one
        raise CallError(type(error).__name__, passes=False) from None


def _request(url: str, data: bytes | None) -> Request:
    """Return the request; a name and a password in the URL go into a header, sent to that host alone."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    request = Request(urlunsplit(parts._replace(netloc=host)), data)  # noqa: S310 - the scheme was checked
    request.add_header("User-Agent", f"fproc/{__version__}")
    if data is not None:
        request.add_header("Content-Type", "application/json")
    if login:
        token = base64.b64encode(unquote(login).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    return request


class _NoRedirects(HTTPRedirectHandler):
    """Treats a redirect as an error: a POST would lose its body, and a secret could leak."""

    def http_error_302(self, *_: Any, **__: Any) -> None:
        """Let the next handler raise an `HTTPError`."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302
