"""TLS: what works without it works with it, and clients that speak something else, or slowly, harm nobody."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from tests.support.helpers import thinned
from tests.support.programs.certificates import make_certificate
from tests.support.programs.running import DEADLINE_SECONDS, Watching, configure, run
from tests.support.programs.talking import FORM, address, answers, connect, form, heard, only, request

DASHBOARD = {"tls_cert": "cert.pem", "tls_key": "key.pem"}


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder)
    configure(folder, dashboard=DASHBOARD)
    with Watching(folder, dashboard=True, variables={"FPROC_TOKEN": "t0ken"}) as running:
        yield running


@pytest.fixture(autouse=True)
def well(watching: Watching) -> Iterator[None]:
    """After each test, clients are answered, and nothing went wrong."""
    yield
    with secure(watching) as connection:
        connection.sendall(request("GET", "/health", headers={"Connection": "close"}))
        assert only(answers(heard(connection))).status == 200
    assert "Traceback" not in watching.log


def trusting(watching: Watching) -> ssl.SSLContext:
    """What a client needs that trusts this certificate, and no other."""
    return ssl.create_default_context(cafile=str(watching.folder / "cert.pem"))


def secure(watching: Watching) -> ssl.SSLSocket:
    """A connection whose handshake is done."""
    return trusting(watching).wrap_socket(connect(watching), server_hostname="localhost")


def test_a_client_that_checks_the_certificate_keeps_one_connection_for_all_it_asks(
    watching: Watching,
) -> None:
    assert watching.url.startswith("https://127.0.0.1:")
    host, port = address(watching)
    client = HTTPSConnection(host, port, timeout=DEADLINE_SECONDS, context=trusting(watching))
    sent, data = {"Authorization": "Bearer t0ken"}, random.Random(7).randbytes(5_000_000)
    with closing(client):
        client.connect()
        first = client.sock
        for _ in range(3):
            for path in ("/health", "/stats", "/"):
                client.request("GET", path, headers=sent)
                answer = client.getresponse()
                assert (answer.status, bool(answer.read())) == (200, True)
        client.request("PUT", "/upload/put.dat", data, sent)
        assert client.getresponse().read().startswith(b'{"files": [{"name": "put.dat", "bytes": 5000000,')
        client.request("POST", "/upload", form(("post.dat", data)), {"Content-Type": FORM, **sent})
        assert client.getresponse().read().startswith(b'{"files": [{"name": "post.dat", "bytes": 5000000,')
        assert client.sock is first
    watching.wait_until(lambda: len(list(watching.spool.glob("[pf]*/p*.dat"))) == 2)
    assert {path.read_bytes() for path in watching.spool.glob("[pf]*/p*.dat")} == {data}


def test_a_client_that_trusts_others_is_not_deceived(watching: Watching) -> None:
    with connect(watching) as connection, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
    with connect(watching) as connection, pytest.raises(ssl.SSLCertVerificationError):
        trusting(watching).wrap_socket(connection, server_hostname="elsewhere.example")


def test_the_cookie_of_a_log_in_stays_with_tls(watching: Watching) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
    with secure(watching) as connection:
        connection.sendall(request("POST", "/login", b"token=t0ken", headers))
        answer = only(answers(heard(connection)))
    assert answer.status == 303
    assert answer.headers["set-cookie"].endswith("; Secure")


def test_what_follows_a_body_in_the_same_record_is_the_next_request(watching: Watching) -> None:
    sent = {"Authorization": "Bearer t0ken"}
    bodies = [b"", b"x", b"y" * 10_000]
    with secure(watching) as connection:
        for number, body in enumerate(bodies):
            head, rest = request(
                "PUT", f"/upload/after-{number}", b"|", {**sent, "Content-Length": str(len(body))}
            ).split(b"|")
            connection.sendall(head)
            connection.sendall(body + rest + request("GET", "/livez"))  # a record of its own
        connection.sendall(request("GET", "/livez", headers={"Connection": "close"}))
        found = answers(heard(connection))
    assert [answer.status for answer in found] == [201, 200] * len(bodies) + [200]
    assert [answer.value["files"][0]["bytes"] for answer in found[:-1:2]] == [len(body) for body in bodies]


def test_an_answer_ends_with_a_close_notify_and_keeps_browsers_with_tls(watching: Watching) -> None:
    for close in ("close", "keep-alive"):
        context = trusting(watching)
        with context.wrap_socket(
            connect(watching), server_hostname="localhost", suppress_ragged_eofs=False
        ) as connection:
            connection.sendall(request("GET", "/livez", headers={"Connection": close}))
            if close == "keep-alive":
                connection.sendall(b"GET\r\n\r\n")  # which ends the connection
            data = heard(connection)  # raises SSLEOFError where the end may have been cut off
        answer, *_ = answers(data)
        assert answer.status == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_a_client_that_speaks_http_without_tls_is_told_to_use_it(watching: Watching) -> None:
    for method, body in (("GET", b""), ("POST", b"x" * 100_000), ("PUT", b""), ("HEAD", b"")):
        with connect(watching) as connection:
            connection.sendall(request(method, "/health", body))
            answer = only(answers(heard(connection)))
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert b"https://" in answer.body


def test_a_client_without_tls_is_closed(watching: Watching) -> None:
    for data in (
        b"\x00" * 1000,
        b"SSH-2.0-x\r\n",
        bytes.fromhex("16030100050100000100"),
    ):
        with connect(watching) as connection:
            connection.sendall(data)
            try:
                answer = heard(connection)
            except ConnectionResetError:
                answer = b""
            assert not answer.startswith(b"HTTP")
            assert len(answer) < 20  # an alert, at most


def test_clients_that_are_slow_to_shake_hands_or_hang_up_cost_nobody_anything(watching: Watching) -> None:
    hello = ssl.MemoryBIO()
    half = trusting(watching).wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    greeting = hello.read()
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(watching)) for _ in range(60)]
        for number, connection in enumerate(slow):
            connection.sendall(greeting[: number * len(greeting) // 50])  # the last ones wait for its answer
        for _ in range(20):
            with secure(watching) as connection:
                connection.sendall(request("GET", "/livez", headers={"Connection": "close"}))
                assert only(answers(heard(connection))).status == 200
    for rudely in (True, False):
        for size in (0, 5, 50, len(greeting)):
            connection = connect(watching)
            connection.sendall(greeting[:size])
            if rudely:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()


def test_an_upload_that_is_cut_leaves_nothing_behind(watching: Watching) -> None:
    whole = request("PUT", "/upload/cut.log", bytes(500_000), {"Authorization": "Bearer t0ken"})
    uploads = watching.spool / ".fproc/uploads"
    for size in (50, 300_000):
        with secure(watching) as connection:
            connection.sendall(whole[:size])
            if size > 1000:
                watching.wait_until(lambda: list(uploads.glob("*/files/cut.log")))
        watching.wait_until(lambda: not list(uploads.glob("*")))
    assert not list(watching.spool.glob("*/cut.log"))


BAD: dict[str, tuple[str, str]] = {
    "no certificate": ("missing.pem", "key.pem"),
    "no key": ("cert.pem", "missing.pem"),
    "another key": ("cert.pem", "other-key.pem"),
    "a key with a password": ("locked-cert.pem", "locked-key.pem"),
    "a key for a certificate": ("key.pem", "key.pem"),
    "a certificate for a key": ("cert.pem", "cert.pem"),
    "nothing in it": ("empty.pem", "empty.pem"),
    "a folder": (".", "key.pem"),
}


@pytest.mark.parametrize("names", thinned(BAD, "no certificate", "another key", "a key with a password"))
def test_a_certificate_or_key_that_cannot_be_used_is_one_clear_error(
    watching: Watching, tmp_path: Path, names: tuple[str, str]
) -> None:
    cert, key = names
    for name in ("cert.pem", "key.pem"):
        shutil.copy(watching.folder / name, tmp_path)
    if "other" in key or "locked" in key:
        make_certificate(tmp_path, "other-")
        make_certificate(tmp_path, "locked-", password="secret")
    (tmp_path / "empty.pem").touch()
    configure(tmp_path, dashboard={"tls_cert": cert, "tls_key": key})
    ended = run(tmp_path, "--watch", "--port", "0", "--quiet")
    assert (ended.status, ended.out, len(ended.lines)) == (78, b"", 1), ended.err
    assert "$.dashboard.tls_" in ended.err


def reload(running: Watching, expected: str) -> str:
    """Send SIGHUP, and wait for what it comes to: returns that line of the log."""
    before = running.log.count(expected)
    running.signal(signal.SIGHUP)
    running.wait_until(lambda: running.log.count(expected) > before)
    return next(line for line in reversed(running.log.splitlines()) if expected in line)


def presented(running: Watching) -> str:
    """The certificate that a new connection is shown, whatever the file has by now."""
    return ssl.get_server_certificate(address(running), timeout=DEADLINE_SECONDS)


def test_a_reload_takes_a_new_certificate_and_refuses_one_that_does_not_go_with_its_key(
    tmp_path: Path,
) -> None:
    make_certificate(tmp_path)
    configure(tmp_path, dashboard=DASHBOARD)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": "t0ken"}) as running:
        first = cert.read_text()
        with secure(running) as earlier:
            make_certificate(tmp_path)
            second = cert.read_text()
            assert presented(running) == first
            assert "changed: certificate" in reload(running, "INFO reloaded")
            assert presented(running) == second
            earlier.sendall(request("GET", "/livez", headers={"Connection": "close"}))
            assert only(answers(heard(earlier))).status == 200
        make_certificate(tmp_path, "other-")
        shutil.copy(tmp_path / "other-key.pem", key)
        refused = reload(running, "ERROR reload refused")
        assert "$.dashboard.tls_cert: cannot be used, or does not go with its key" in refused
        assert presented(running) == second
        shutil.copy(tmp_path / "other-cert.pem", cert)
        reload(running, "INFO reloaded")
        assert presented(running) == cert.read_text()
