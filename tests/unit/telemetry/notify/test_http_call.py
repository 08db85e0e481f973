"""One HTTP call, as it goes out, and what may become of it."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator

import pytest

from fproc import __version__
from fproc.telemetry.notify.http_call import CallError, call
from tests.support.programs.hook import Answer, Hook, hooked

SECONDS = 10.0


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as hook:
        yield hook


def refused(url: str, data: bytes | None = None, *, timeout_seconds: float = SECONDS) -> CallError:
    with pytest.raises(CallError) as caught:
        call(url, data, timeout_seconds=timeout_seconds)
    assert "s3cret" not in str(caught.value)
    return caught.value


def test_a_get_says_who_calls_and_nothing_else(hook: Hook) -> None:
    call(hook.url, None, timeout_seconds=SECONDS)
    [called] = hook.calls
    assert (called.method, called.path, called.body) == ("GET", "/s3cret/path?key=s3cret", b"")
    assert called.headers["User-Agent"] == f"fproc/{__version__}"
    assert called.headers["Authorization"] is None


def test_a_post_carries_json(hook: Hook) -> None:
    call(hook.url, b'{"a": 1}', timeout_seconds=SECONDS)
    [called] = hook.calls
    assert (called.method, called.value) == ("POST", {"a": 1})
    assert called.headers["Content-Type"] == "application/json"


def test_a_name_and_a_password_in_the_url_become_a_header(hook: Hook) -> None:
    call(f"http://me:p%40ss@{hook.host}/", None, timeout_seconds=SECONDS)
    [called] = hook.calls
    assert called.headers["Authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert called.headers["Host"] == hook.host


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_status_of_success_is_one(hook: Hook, status: int) -> None:
    hook.answer_with(status)
    call(hook.url, b"{}", timeout_seconds=SECONDS)
    assert len(hook.calls) == 1


@pytest.mark.parametrize(
    ("status", "passes"),
    [
        (400, False),
        (401, False),
        (404, False),
        (410, False),
        (408, True),
        (429, True),
        (500, True),
        (503, True),
    ],
)
def test_other_statuses_tell_whether_another_try_may_help(hook: Hook, status: int, *, passes: bool) -> None:
    hook.answer_with(status)
    error = refused(hook.url)
    assert (str(error), error.passes) == (f"HTTP status {status}", passes)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("data", [None, b"{}"])
def test_no_redirect_is_followed(hook: Hook, status: int, data: bytes | None) -> None:
    with hooked() as other:
        hook.answers.append(Answer(status, {"Location": f"http://{other.host}/"}))
        error = refused(hook.url, data)
        assert other.calls == []
    assert str(error) == f"HTTP status {status}, a redirect, which is not followed"
    assert not error.passes


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/", "file:///etc/passwd", "//[", "", "a b"])
def test_a_redirect_to_nowhere_is_an_error_like_any_other(hook: Hook, place: str) -> None:
    hook.answers.append(Answer(302, {"Location": place}))
    assert str(refused(hook.url)).startswith("HTTP status 302")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refused(f"http://127.0.0.1:{port}/s3cret")
    assert (str(error), error.passes) == ("Connection refused", True)


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/s3cret"
        assert refused(url, timeout_seconds=0.05).passes


def test_what_answers_is_no_web_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/s3cret"

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-x\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert refused(url).passes
        thread.join()


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", ".invalid"])
def test_a_host_name_that_cannot_be_one_is_an_error_like_any_other(host: str) -> None:
    refused(f"http://{host}/s3cret")


def test_no_more_of_an_answer_is_read_than_a_little(hook: Hook) -> None:
    hook.usual = Answer(200, {"Content-Length": str(10**12)}, b"x" * 5000)
    call(hook.url, None, timeout_seconds=SECONDS)
    assert len(hook.calls) == 1
