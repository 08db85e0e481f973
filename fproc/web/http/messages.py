"""Requests and responses: values, without sockets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from fproc.base.values import dataclass, field

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a client.

    `path` and `query` are decoded, bytes that are not UTF-8 as surrogate escapes. Names of `headers` are in
    lower case. `client` is the address it comes from. `body` is empty until it was read; `length_bytes` is
    its Content-Length, or None where there is none. `is_last`: no request follows on the connection. `target`
    is path and query as they were sent.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    client: str = ""
    length_bytes: int | None = None
    body: bytes = b""
    is_last: bool = False
    expects_continue: bool = False
    target: str = "/"

    @property
    def media_type(self) -> str:
        """The media type of the body, without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_of_browser(self) -> bool:
        """Whether a page is asked for, as browsers do when somebody follows a link."""
        return "text/html" in self.headers.get("accept", "").lower()


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request. With an `etag`, a client that has this already gets "not modified" instead.

    It is sent after `delay_seconds`, which cost no thread: guessing is slow. With a `file`, open at
    its beginning, the first `file_bytes` of that are the body, read as the client takes them, then closed.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    delay_seconds: float = 0.0
    file: BinaryIO | None = None
    file_bytes: int = 0


class Refused(Exception):  # noqa: N818 - an answer, raised from deep below
    """A request cannot be answered as it is; the client gets the reason, with this status."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.response = error(status, message, headers)


def json_response(
    value: Mapping[str, Any], status: int = 200, *, but: str = "", is_polled: bool = False
) -> Response:
    """Return a value as JSON; with an ETag if it `is_polled`, of everything `but` the value under one key."""
    etag = ""
    if is_polled:
        lasting = {key: inner for key, inner in value.items() if key != but}
        etag = f'{"W/" if but else ""}"{digest(encoded(lasting))}"'
    return Response(status, encoded(value), etag=etag)


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error, in the form that all of them have."""
    return Response(status, encoded({"error": message}), headers=headers or {})


def encoded(value: Mapping[str, Any]) -> bytes:
    """Return a line of JSON. Names that are not UTF-8 become escapes of lone surrogates."""
    return json.dumps(value).encode() + b"\n"


def digest(data: bytes) -> str:
    """Return a short hash of these bytes."""
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def is_known(request: Request, etag: str) -> bool:
    """Return whether the client has this already (RFC 9110, If-None-Match, weak comparison)."""
    header = request.headers.get("if-none-match", "")
    etags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return bool(etag) and (etag.removeprefix("W/") in etags or "*" in etags)
