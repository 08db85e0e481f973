"""The page and the log-in, joined from their files, with the policy that lets nothing else run in them."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from functools import cache
from urllib.parse import quote

from fproc.base import own_code
from fproc.base.values import replace
from fproc.web.http.auth import is_path
from fproc.web.http.messages import Response, digest

HTML = "text/html; charset=utf-8"

SHARED = (
    "core/constants",
    "core/elements",
    "core/texts",
    "core/states",
    "core/requests",
    "parts/header",
    "parts/links",
    "parts/lines",
    "parts/fields",
    "parts/retry",
    "asked/explain",
)
SCRIPTS = (
    *SHARED,
    "core/place",
    "core/feeds",
    "core/connection",
    "core/tables",
    "core/calm",
    "panels/health",
    "graph/layout",
    "graph/picture",
    "graph/node",
    "panels/nodes",
    "time/chosen",
    "time/marks",
    "panels/charts",
    "time/node_charts",
    "time/keeping_up",
    "panels/files",
    "failures/looked",
    "failures/kinds",
    "panels/failed",
    "panels/workers",
    "panels/errors",
    "panels/trace",
    "panels/uploads",
    "core/start",
)
FILE_SCRIPTS = (*SHARED, "file/places", "file/past", "file/start")
"""The files in `scripts/`, in the order in which they are joined to the one script of a page.

They share one scope. What one of them does at once, rather than in a function, may use only those before it.
`SCRIPTS` are those of the dashboard, `FILE_SCRIPTS` those of the page of one file.
"""

_POLICY = (
    "default-src 'none'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@cache
def dashboard(constants: str, *, has_token: bool) -> Response:
    """Return the dashboard: one page that loads nothing else.

    Args:
        constants: JSON, for the scripts.
        has_token: there is something to log out of.
    """
    parts = _parts(constants, SCRIPTS, ("style",), has_token=has_token)
    return _page(200, _filled("page/index.html", parts))


@cache
def file_page(constants: str, *, has_token: bool) -> Response:
    """Return the page of one file, which asks for what it shows by the name in its own address."""
    parts = _parts(constants, FILE_SCRIPTS, ("style", "file"), has_token=has_token)
    return _page(200, _filled("page/file.html", parts))


def log_in(refusal: Response, message: str = "", *, back: str = "/") -> Response:
    """Return the form that asks for the token, as the body of a refusal; it leads back to a path."""
    parts = {"palette": static("page/palette.css"), "message": html.escape(message).encode()}
    form = _filled("page/login.html", {**parts, "back": b"<!--back-->"})
    page = _page(refusal.status, form)  # the policy does not depend on the path
    body = form.replace(b"<!--back-->", quote(back if is_path(back) else "/", safe="").encode())
    headers = {**refusal.headers, **page.headers}
    return replace(page, body=body, headers=headers, delay_seconds=refusal.delay_seconds)


@cache
def static(name: str) -> bytes:
    """Return a file that is part of fproc, wherever that was started from; it is read once."""
    return own_code.read_own_file(f"web/{name}")


def _parts(
    constants: str, scripts: Iterable[str], styles: Iterable[str], *, has_token: bool
) -> dict[str, bytes]:
    """Return what is filled into a page."""
    return {
        "auth": b'<meta name="fproc-auth" content="token">' if has_token else b"",
        "style": b"".join(static(f"page/{name}.css") for name in ("palette", *styles)),
        "constants": _as_text(constants),
        "scripts": b"\n".join(static(f"page/scripts/{name}.js") for name in scripts),
    }


def _filled(name: str, parts: dict[str, bytes]) -> bytes:
    """Return a file with each part in place of its name, as `<!--style-->`; parts are not searched."""
    return re.sub(rb"<!--(\w+)-->", lambda found: parts[found[1].decode()], static(name))


def _as_text(block: str) -> bytes:
    """Return the same JSON without characters that are special in HTML."""
    return block.replace("&", r"\u0026").replace("<", r"\u003c").encode()


def _page(status: int, body: bytes) -> Response:
    headers = {"Content-Security-Policy": _policy(body), "Vary": "Accept, Cookie"}
    return Response(status, body, HTML, headers, etag=f'"{digest(body)}"' if status == 200 else "")  # noqa: PLR2004


@cache
def _policy(page: bytes) -> str:
    """Return a content security policy (CSP level 3) that allows this page's script and style, by hash."""
    parts = [_POLICY]
    for element, directive in ((b"script", "script-src"), (b"style", "style-src")):
        inner = re.findall(b"<%b>(.*?)</%b>" % (element, element), page, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(text).digest()).decode() for text in inner]
        parts += [f"{directive} " + " ".join(f"'sha256-{one}'" for one in hashes)] if hashes else []
    return "; ".join(parts)
