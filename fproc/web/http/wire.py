"""HTTP/1.1 as bytes: parsing the head of a request, and writing an answer.

Whatever does not follow RFC 9112 to the letter is refused: a proxy in front might understand it differently.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from fproc import __version__
from fproc.web.http.messages import Request, Response, error, is_known

HEAD_END = b"\r\n\r\n"
HEAD_BYTES = 16 * 1024
HEADERS = 100
"""The most bytes in a request line and its headers, and the most headers."""

QUERY_FIELDS = 20
LENGTH_DIGITS = 18
"""The most fields in a query, and the most digits in the length of a body."""

BARE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)(?!\Z)")
"""An end of a line that is none in HTTP; a carriage return at the very end may be half of one."""

_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])")
_HEADER = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*"
)
"""A request line, and a header's line (RFC 9112, 3 and 5): single spaces, no control characters, one line."""

_SINGLE = ("host", "content-length", "authorization", "origin", "content-type")
"""Headers that are ambiguous if there are two of them."""

SAFETY = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer: it is for this site alone, and its type is not to be guessed."""

HSTS = "Strict-Transport-Security: max-age=31536000"
"""A header of every answer over TLS: from now on, the browser is to use nothing else (RFC 6797)."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def parse_head(head: bytes, client: str) -> Request | Response:
    """Return the request of a head, its last blank line included, or an error if it is invalid."""
    first, *lines = head.removesuffix(HEAD_END).split(b"\r\n")
    match = _REQUEST.fullmatch(first)
    if match is None:
        return error(400, "the request line cannot be understood")
    version = match[3] + b"." + match[4]
    if version not in {b"1.0", b"1.1"}:
        return error(505, "this is HTTP/1.1")
    if len(lines) > HEADERS:
        return error(431, f"there are more than {HEADERS} headers")
    fields = _fields(lines)
    if isinstance(fields, Response):
        return fields
    headers = dict(fields)
    refusal = _wrong(fields, headers, is_old=version == b"1.0")
    if refusal is not None:
        return refusal
    return _request(match[1].decode(), match[2].decode(), headers, client, is_old=version == b"1.0")


def _fields(lines: Iterable[bytes]) -> list[tuple[str, str]] | Response:
    """Return the headers in order, their names in lower case, or an error."""
    fields = []
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            return error(400, "the headers cannot be understood")
        fields.append((match[1].decode().lower(), match[2].decode("latin-1")))
    return fields


def _request(
    method: str, target: str, headers: dict[str, str], client: str, *, is_old: bool
) -> Request | Response:
    length = headers.get("content-length")
    try:
        parts = urlsplit(target)  # `GET http://host/health` is allowed by RFC 9112
        query = parse_qsl(
            parts.query, keep_blank_values=True, errors="surrogateescape", max_num_fields=QUERY_FIELDS
        )
    except ValueError:
        return error(400, "the path or the query cannot be understood")
    path = unquote(parts.path, errors="surrogateescape")
    if target.startswith("//"):  # no host, but a path that begins with two slashes
        path = unquote(target.partition("?")[0], errors="surrogateescape")
    connection = {token.strip() for token in headers.get("connection", "").lower().split(",")}
    return Request(
        method=method,
        path=path,
        query=dict(query),
        headers=headers,
        client=client,
        length_bytes=None if length is None else int(length),
        is_last=is_old or "close" in connection,
        expects_continue=headers.get("expect", "").lower() == "100-continue",
        target=target,
    )


def _wrong(fields: list[tuple[str, str]], headers: dict[str, str], *, is_old: bool) -> Response | None:
    """Return an error if headers that could be read are wrong."""
    names = [name for name, _ in fields]
    twice = [name for name in _SINGLE if names.count(name) > 1]
    length = headers.get("content-length", "0")
    what = ""
    if twice:
        what = f"{twice[0]} stands twice"
    elif "host" not in headers and not is_old:
        what = "a Host header is missing"
    elif not (length.isascii() and length.isdecimal() and len(length) <= LENGTH_DIGITS):
        what = "Content-Length is not a number of bytes"
    elif "transfer-encoding" in headers:
        return error(411, "a body needs a Content-Length; chunked ones are not taken")
    return error(400, what) if what else None


def render_response(
    response: Response, request: Request | None, *, is_last: bool, is_secure: bool = False
) -> list[bytes]:
    """Return the bytes of an answer: head, and maybe body. `request` is None where none could be parsed.

    A browser that has had one over TLS (`is_secure`) does not ask without any more.
    """
    if request is not None and request.method in {"GET", "HEAD"} and is_known(request, response.etag):
        response = Response(304, etag=response.etag, headers=response.headers)
    status = HTTPStatus(response.status)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Server: fproc/{__version__}",
        f"Date: {formatdate(time.time(), usegmt=True)}",
    ]
    if status != HTTPStatus.NOT_MODIFIED:
        length_bytes = len(response.body) + response.file_bytes
        lines += [f"Content-Type: {response.content_type}", f"Content-Length: {length_bytes}"]
    if response.etag:
        lines.append(f"ETag: {response.etag}")
    lines.append("Cache-Control: " + ("private, no-cache" if response.etag else "no-store"))
    lines += [f"{name}: {value}" for name, value in {**SAFETY, **response.headers}.items()]
    if is_secure:
        lines.append(HSTS)
    if is_last:
        lines.append("Connection: close")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return [head] if request is not None and request.method == "HEAD" else [head, response.body]
