"""Answers that are files: read as the client takes them, in constant memory, and never left open."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import BinaryIO

from fproc.web.access.keyring import Keyring
from fproc.web.http.auth import Authenticator
from fproc.web.http.messages import Request, Response
from fproc.web.http.router import Route, Router
from tests.support.programs.connecting import World, running
from tests.support.programs.running import wait_until

SIZE_BYTES = 30_000_000


class Files:
    """A route that answers with a file, and the files that it has opened."""

    def __init__(self, path: Path, promised_bytes: int) -> None:
        self.path = path
        self.promised_bytes = promised_bytes
        self.opened: list[BinaryIO] = []

    def serve(self, world: World) -> None:
        routes = {"/file": {"GET": Route(self.answer)}, **world.routes()}
        world.connections.router = Router(routes, Authenticator(Keyring(), "127.0.0.1"), most_upload_bytes=1)

    def answer(self, _request: Request) -> Response:
        self.opened.append(self.path.open("rb", buffering=0))
        return Response(200, file=self.opened[-1], file_bytes=self.promised_bytes)

    def are_closed(self) -> bool:
        return bool(self.opened) and all(file.closed for file in self.opened)


def request(method: str) -> bytes:
    return f"{method} /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def test_a_file_arrives_whole_in_constant_memory_and_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"0123456789" * (SIZE_BYTES // 10))
    files = Files(path, SIZE_BYTES)
    with running(files.serve) as world, world.connect() as sock:
        sock.sendall(request("GET"))
        tracemalloc.start()
        try:
            got, tail = 0, b""
            while data := sock.recv(65536):
                got, tail = got + len(data), data
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert SIZE_BYTES < got < SIZE_BYTES + 1000
        assert tail.endswith(b"0123456789")
        assert peak_bytes < SIZE_BYTES / 10
        wait_until(files.are_closed)


def test_others_are_answered_while_a_client_does_not_fetch_its_file(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * SIZE_BYTES)
    files = Files(path, SIZE_BYTES)
    with running(files.serve) as world:
        with world.connect() as sock:
            sock.sendall(request("GET"))
            wait_until(lambda: bool(files.opened))
            hello = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            assert b'"hello"' in world.send(hello)
            assert not files.are_closed()
        wait_until(files.are_closed)


def test_head_tells_the_size_and_an_empty_file_is_one(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    for method, size in (("HEAD", 12345), ("GET", 0)):
        files = Files(path, size)
        with running(files.serve) as world:
            head, _, body = world.send(request(method)).partition(b"\r\n\r\n")
            assert (f"Content-Length: {size}".encode() in head, body) == (True, b"")
            wait_until(files.are_closed)


def test_a_file_that_is_cut_meanwhile_ends_the_connection(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    files = Files(path, 10)
    with running(files.serve) as world:
        assert world.send(request("GET")).endswith(b"\r\n\r\nabc")
        wait_until(files.are_closed)
