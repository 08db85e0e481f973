"""HTTP/1.1 as bytes: parsing the head of a request, and writing an answer, by `http.server`."""

from __future__ import annotations

import io
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from fproc import __version__
from fproc.web.http.messages import Request, Response, error, is_known

HEAD_END = b"\r\n\r\n"
HEAD_BYTES = 16 * 1024
"""The most bytes in a request line and its headers."""

QUERY_FIELDS = 20
LENGTH_DIGITS = 18
"""The most fields in a query, and the most digits in the length of a body."""

_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r?\n?\Z")
"""A header's line (RFC 9112, 5): a name, no space before the colon, and no second line."""

_SINGLE = ("host", "content-length", "authorization")
"""Headers that are ambiguous if there are two of them."""

SAFETY = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer: it is for this site alone, and its type is not to be guessed."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def parse_head(head: bytes, client: str) -> Request | Response:
    """Return the request of a head, its last blank line included, or an error if it is invalid."""
    handler = _Handler(head, client)
    refusal = handler.refusal or _wrong(handler)
    if refusal is not None:
        return refusal
    headers = handler.headers
    length = headers.get("content-length")
    try:
        parts = urlsplit(handler.path)  # `GET http://host/health` is allowed by RFC 9112
        query = parse_qsl(
            parts.query, keep_blank_values=True, errors="surrogateescape", max_num_fields=QUERY_FIELDS
        )
    except ValueError:
        return error(400, "the path or the query cannot be understood")
    return Request(
        method=handler.command,
        path=unquote(parts.path, errors="surrogateescape"),
        query=dict(query),
        headers={name.lower(): value for name, value in headers.items()},
        client=client,
        length_bytes=None if length is None else int(length),
        is_last=handler.close_connection or handler.request_version != "HTTP/1.1",
        expects_continue=headers.get("expect", "").lower() == "100-continue",
    )


def _wrong(handler: _Handler) -> Response | None:
    """Return an error if headers that could be read are wrong."""
    headers = handler.headers
    twice = [name for name in _SINGLE if len(headers.get_all(name, [])) > 1]
    length = headers.get("content-length", "0")
    what = ""
    if not all(map(_HEADER.match, handler.header_lines)):
        what = "the headers cannot be understood"
    elif twice:
        what = f"{twice[0]} stands twice"
    elif "host" not in headers and handler.request_version == "HTTP/1.1":
        what = "a Host header is missing"
    elif not (length.isascii() and length.isdecimal() and len(length) <= LENGTH_DIGITS):
        what = "Content-Length is not a number of bytes"
    elif "transfer-encoding" in headers:
        return error(411, "a body needs a Content-Length; chunked ones are not taken")
    return error(400, what) if what else None


def render_response(response: Response, request: Request | None, *, is_last: bool) -> list[bytes]:
    """Return the bytes of an answer: head, and maybe body. `request` is None where none could be parsed."""
    if request is not None and request.method in {"GET", "HEAD"} and is_known(request, response.etag):
        response = Response(304, etag=response.etag, headers=response.headers)
    writer = _Handler(b"", "")
    writer.send_response(response.status)
    if response.status != HTTPStatus.NOT_MODIFIED:
        writer.send_header("Content-Type", response.content_type)
        writer.send_header("Content-Length", str(len(response.body)))
    if response.etag:
        writer.send_header("ETag", response.etag)
    writer.send_header("Cache-Control", "private, no-cache" if response.etag else "no-store")
    for name, value in {**SAFETY, **response.headers}.items():
        writer.send_header(name, value)
    if is_last:
        writer.send_header("Connection", "close")
    writer.end_headers()
    head = writer.wfile.getvalue()
    return [head] if request is not None and request.method == "HEAD" else [head, response.body]


class _Handler(BaseHTTPRequestHandler):
    """A reader or writer of one head; `refusal` is the error that http.server finds in a request."""

    protocol_version = "HTTP/1.1"
    wfile: io.BytesIO

    def __init__(self, head: bytes, client: str) -> None:
        """Parse the head, without the base class's socket and its answer."""
        self.rfile = io.BufferedReader(io.BytesIO(head))
        self.wfile = io.BytesIO()
        self.client_address = (client, 0)
        self.request_version = self.default_request_version = "HTTP/1.1"
        self.refusal: Response | None = None
        self.raw_requestline = self.rfile.readline(HEAD_BYTES)
        self.header_lines = head.removesuffix(HEAD_END).split(b"\n")[1:]
        if head and not self.parse_request() and self.refusal is None:
            self.refusal = error(400, "there is no request")

    def version_string(self) -> str:
        """Return the name of the server, without Python's version."""
        return f"fproc/{__version__}"

    def handle_expect_100(self) -> bool:
        """Do nothing: the reader of the body answers."""
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Take the error, in the form that all errors have."""
        self.refusal = error(code, explain or message or "the request cannot be understood")

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Do nothing: the caller logs."""
