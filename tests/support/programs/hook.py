"""A web server on loopback that keeps what it was called with, and answers as it is told to."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Called:
    """A request that came."""

    method: str
    path: str
    headers: Message
    body: bytes

    @property
    def value(self) -> Any:
        """What the body says."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to say to a request. A body may be shorter than its headers promise: then the rest never comes."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Hook:
    """Answers are used up one by one, then it is always the usual one; none while it may not answer."""

    def __init__(self) -> None:
        self.calls: list[Called] = []
        self.answers: deque[Answer] = deque()
        self.usual = Answer()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.server.daemon_threads = True
        self.server.block_on_close = False

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def url(self) -> str:
        """An URL with a secret in it."""
        return f"http://{self.host}/s3cret/path?key=s3cret"

    def answer_with(self, *statuses: int) -> None:
        """Say these first."""
        self.answers.extend(map(Answer, statuses))

    def values(self, event: str) -> list[Any]:
        """What it was told of one kind of event."""
        said = [call.value for call in list(self.calls) if call.method == "POST"]
        return [value for value in said if value["event"] == event]


@contextmanager
def hooked() -> Iterator[Hook]:
    """A server that answers until the end of the block."""
    hook = Hook()
    thread = threading.Thread(target=hook.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hook
    finally:
        hook.may_answer.set()
        hook.server.shutdown()
        thread.join()
        hook.server.server_close()


def _handler_of(hook: Hook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            hook.calls.append(Called(self.command, self.path, self.headers, body))
            answer = hook.answers.popleft() if hook.answers else hook.usual
            hook.may_answer.wait()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler
