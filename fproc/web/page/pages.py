"""The page and the log-in, as they lie in the archive, with the policy that lets nothing else run in them."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from functools import cache

from fproc.base import own_code
from fproc.base.values import replace
from fproc.web.http.messages import Response, digest

HTML = "text/html; charset=utf-8"

_POLICY = (
    "default-src 'none'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def dashboard(*, has_token: bool) -> Response:
    """The dashboard."""
    auth = b'<meta name="fproc-auth" content="token">' if has_token else b""
    return _page(200, static("page/index.html").replace(b"<!--auth-->", auth, 1))


def log_in(refusal: Response, message: str = "") -> Response:
    """The form that asks for the token, as the body of a refusal."""
    body = static("page/login.html").replace(b"<!--message-->", html.escape(message).encode(), 1)
    page = _page(refusal.status, body)
    return replace(page, headers={**refusal.headers, **page.headers})


@cache
def static(name: str) -> bytes:
    """A file that comes with fproc, wherever that was started from; it is read once."""
    return own_code.read_own_file(f"web/{name}")


def _page(status: int, body: bytes) -> Response:
    headers = {"Content-Security-Policy": _policy(body), "Vary": "Cookie"}
    return Response(status, body, HTML, headers, etag=f'"{digest(body)}"' if status == 200 else "")  # noqa: PLR2004


@cache
def _policy(page: bytes) -> str:
    """A content security policy (CSP level 3): this page's script and style run, known by their hashes."""
    parts = [_POLICY]
    for element, directive in ((b"script", "script-src"), (b"style", "style-src")):
        inner = re.findall(b"<%b>(.*?)</%b>" % (element, element), page, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(text).digest()).decode() for text in inner]
        parts += [f"{directive} " + " ".join(f"'sha256-{one}'" for one in hashes)] if hashes else []
    return "; ".join(parts)
