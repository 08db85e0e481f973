"""HTTP as clients speak it, in order and out of order: requests as bytes, answers as values."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.programs.running import DEADLINE_SECONDS, Watching

BOUNDARY = "b0undary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Answer:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """What went wrong, in the form that all errors have."""
        value = self.value
        assert set(value) == {"error"}, value
        return str(value["error"])


def address(running: Watching) -> tuple[str, int]:
    """Where it listens."""
    parts = urlsplit(running.url)
    return parts.hostname or "", parts.port or 0


def connect(running: Watching) -> socket.socket:
    """A connection, with nothing said on it yet."""
    return socket.create_connection(address(running), timeout=DEADLINE_SECONDS)


def ask(
    running: Watching,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request of a well-behaved client, on a connection of its own."""
    connection = HTTPConnection(*address(running), timeout=DEADLINE_SECONDS)
    try:
        connection.request(method, path, body, {**(headers or {})})
        found = connection.getresponse()
        return Answer(found.status, {name.lower(): text for name, text in found.getheaders()}, found.read())
    finally:
        connection.close()


def request(
    method: str, path: str | bytes, body: bytes = b"", headers: Mapping[str, str | None] | None = None
) -> bytes:
    """A request as bytes, whatever is in it; a header that is None is left out."""
    usual = {"Host": "localhost", "Content-Length": str(len(body))}
    lines = [f"{name}: {text}" for name, text in {**usual, **(headers or {})}.items() if text is not None]
    where = path if isinstance(path, bytes) else path.encode()
    head = b"%b %b HTTP/1.1\r\n" % (method.encode(), where) + "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head + body


def form(*parts: tuple[str | bytes, bytes]) -> bytes:
    """A form with files: what stands between the quotes of each file's name, and its contents."""
    body = b""
    for name, data in parts:
        raw = name if isinstance(name, bytes) else name.encode()
        body += part(b'form-data; name="file"; filename="%b"' % raw, data)
    return body + f"--{BOUNDARY}--\r\n".encode()


def part(disposition: bytes, data: bytes) -> bytes:
    """One part of a form."""
    head = b"--%b\r\nContent-Disposition: %b\r\n\r\n" % (BOUNDARY.encode(), disposition)
    return head + data + b"\r\n"


def heard(connection: socket.socket) -> bytes:
    """All that comes to the end of a connection."""
    data = b""
    while more := connection.recv(1 << 16):
        data += more
    return data


def say(running: Watching, data: bytes, *, ends: bool = True) -> list[Answer]:
    """Send bytes that may be no request, maybe say that these are all, and give all answers."""
    with connect(running) as connection:
        connection.sendall(data)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        return answers(heard(connection))


def answers(data: bytes) -> list[Answer]:
    """The answers that stand in a row; interim ones are left out."""
    found = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1.1 "), head
        assert end, "the answer is cut off"
        headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
        status, length = int(first.split()[1]), int(headers.get("content-length", "0"))
        if status >= 200:
            assert len(data) >= length, "the answer is cut off"
            found.append(Answer(status, headers, data[:length]))
            data = data[length:]
    return found


def only(found: list[Answer]) -> Answer:
    """The one answer that there has to be."""
    assert len(found) == 1, found
    return found[0]


def sockets_of(pid: int) -> set[str]:
    """The sockets that a process has, in the form that `/proc` has them."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime
            found.add(os.readlink(link))
    return {name for name in found if name.startswith("socket:")}
