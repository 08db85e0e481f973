"""The token: who needs it, who does not, where it comes from, and where it never shows."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from fproc.web.http.auth import TRIES
from tests.support.programs.disturbing import children_of
from tests.support.programs.running import Watching, configure, drop, own_processor, run
from tests.support.programs.talking import FORM, Answer, address, ask, form

TOKEN = "s3cret+T0ken/with=odd~signs"
SENT = {"Authorization": f"Bearer {TOKEN}"}
OPEN = ("/health", "/livez", "/readyz")
GUARDED = ("/stats", "/series", "/files", "/errors", "/trace", "/graph", "/metrics", "/openapi.json")


def log_in(running: Watching, token: str, headers: Mapping[str, str] | None = None) -> Answer:
    body = f"token={quote_plus(token)}".encode()
    usual = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return ask(running, "POST", "/login", body, usual)


def assert_is_log_in_form(answer: Answer) -> None:
    assert answer.headers["content-type"].startswith("text/html")
    assert b'action="/login?next=%2F"' in answer.body
    assert b"fetch(" not in answer.body  # it is not the dashboard
    assert "etag" not in answer.headers


@pytest.mark.parametrize(
    "host", ["0.0.0.0", *(pytest.param(host, marks=pytest.mark.sweep) for host in ("::", "192.0.2.1"))]
)
@pytest.mark.parametrize("empty", [None, ""])
def test_without_a_token_it_listens_nowhere_but_on_loopback(
    tmp_path: Path, host: str, empty: str | None
) -> None:
    configure(tmp_path, dashboard={"host": host, "port": 0})
    ended = run(tmp_path, "--watch", variables={} if empty is None else {"FPROC_TOKEN": empty})
    assert (ended.status, ended.out, len(ended.lines)) == (78, b"", 1)
    if empty is None:
        assert f"$.dashboard.host: {host} can be reached from elsewhere, and there is no token" in ended.err
        assert "set FPROC_TOKEN or dashboard.token_file, or listen on 127.0.0.1" in ended.err


@pytest.mark.parametrize("way", ["environment", "file", "credential"])
def test_with_a_token_all_but_health_needs_it(tmp_path: Path, way: str) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/fproc-token").write_text(f"{TOKEN}\n")
    variables = {
        "environment": {"FPROC_TOKEN": TOKEN},
        "credential": {"CREDENTIALS_DIRECTORY": str(tmp_path / "secrets")},
    }
    dashboard = {"token_file": "secrets/fproc-token"} if way == "file" else {}
    configure(tmp_path, dashboard=dashboard)
    with Watching(tmp_path, dashboard=True, variables=variables.get(way)) as running:
        for path in OPEN:
            assert ask(running, "GET", path).status == 200
        for path in GUARDED:
            answer = ask(running, "GET", path)
            assert (answer.status, answer.error) == (401, "a token is needed")
            assert answer.headers["www-authenticate"] == 'Bearer realm="fproc"'
            assert ask(running, "GET", path, headers=SENT).status == 200
        answer = ask(running, "GET", "/")
        assert answer.status == 401
        assert_is_log_in_form(answer)
        assert ask(running, "GET", "/", headers=SENT).status == 200
        upload = ("PUT", "/upload/x.log", b"one\n")
        posted = ("POST", "/upload", form(("y.log", b"two\n")))
        retry = ("POST", "/retry", b'{"all": true}')
        for request, content_type in ((upload, ""), (posted, FORM), (retry, "application/json")):
            headers = {"Content-Type": content_type}
            assert ask(running, *request, headers=headers).status == 401
            assert ask(running, *request, headers={**headers, **SENT}).status in {200, 201}
        running.wait_for("results/x.log", "results/y.log")


def test_the_token_comes_from_the_environment_before_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("another")
    configure(tmp_path, dashboard={"token_file": "token"})
    with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": TOKEN}) as running:
        assert ask(running, "GET", "/stats", headers=SENT).status == 200
        assert ask(running, "GET", "/stats", headers={"Authorization": "Bearer another"}).status == 401


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"two words",
        *(pytest.param(some, marks=pytest.mark.sweep) for some in (b"", b"\xff", b"\xc3\xbc")),
    ],
)
def test_a_token_file_that_is_missing_or_holds_none_is_one_clear_error(
    tmp_path: Path, content: bytes | None
) -> None:
    configure(tmp_path, dashboard={"token_file": "token"})
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    ended = run(tmp_path, "--watch", "--port", "0")
    assert (ended.status, ended.out, len(ended.lines)) == (78, b"", 1)
    assert "$.dashboard.token_file: " in ended.err


def test_a_log_in_gives_a_cookie_that_opens_the_page_until_the_log_out(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": TOKEN}) as running:
        answer = log_in(running, TOKEN)
        assert (answer.status, answer.headers["location"]) == (303, "/")
        described = ask(running, "GET", "/openapi.json", headers=SENT).value
        assert described["components"]["securitySchemes"]["cookie"]["name"] in answer.headers["set-cookie"]
        cookie, *attributes = answer.headers["set-cookie"].split("; ")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
        assert TOKEN not in cookie
        for path in ("/", *GUARDED):
            assert ask(running, "GET", path, headers={"Cookie": cookie}).status == 200
            assert ask(running, "GET", path, headers={"Cookie": cookie[:-1]}).status == 401
            assert ask(running, "GET", path, headers={"Cookie": f"{cookie}0"}).status == 401
        foreign = {"Cookie": cookie, "Origin": "http://evil.example"}
        assert ask(running, "PUT", "/upload/x.log", b"one\n", foreign).status == 400
        out = ask(running, "POST", "/logout", b"", {"Cookie": cookie})
        assert (out.status, out.headers["set-cookie"].split("; ")[0]) == (
            303,
            f"fproc-{address(running)[1]}=",
        )
        assert "Max-Age=0" in out.headers["set-cookie"]
    session = cookie.partition("=")[2]
    for token, status in ((TOKEN, 200), ("another", 401)):  # started again, on another port
        with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": token}) as running:
            cookie = f"fproc-{address(running)[1]}={session}"
            assert ask(running, "GET", "/stats", headers={"Cookie": cookie}).status == status


@pytest.mark.parametrize("way", ["form", "header"])
def test_who_tries_too_many_wrong_tokens_has_to_wait_but_the_right_one_is_let_in(
    tmp_path: Path, way: str
) -> None:
    configure(tmp_path)

    def attempt(running: Watching, token: str) -> Answer:
        if way == "form":
            return log_in(running, token)
        return ask(running, "GET", "/", headers={"Authorization": f"Bearer {token}"})

    with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": TOKEN}) as running:
        cookie = log_in(running, TOKEN).headers["set-cookie"].split("; ")[0]
        for number in range(TRIES):
            answer = attempt(running, f"wr0ng-{number}")
            assert answer.status == 401
            assert_is_log_in_form(answer)
        answer = attempt(running, "wr0ng")
        assert answer.status == 429
        assert_is_log_in_form(answer)
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert attempt(running, TOKEN).status == (303 if way == "form" else 200)
        assert ask(running, "GET", "/stats", headers={"Cookie": cookie}).status == 200
        assert ask(running, "GET", "/health").status == 200
        assert running.log.count("WARNING a wrong token from 127.0.0.1") == TRIES
        assert "wr0ng" not in running.log


def test_the_token_shows_nowhere(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, "--debug", dashboard=True, variables={"FPROC_TOKEN": TOKEN}) as running:
        answers = [log_in(running, TOKEN), log_in(running, "wr0ng"), ask(running, "GET", "/")]
        answers += [ask(running, "GET", path, headers=SENT) for path in (*OPEN, *GUARDED, "/", "/gone")]
        answers += [ask(running, "GET", f"/stats?token={quote_plus(TOKEN)}")]  # not where it belongs
        assert answers[-1].status == 401
        assert ask(running, "PUT", "/upload/x.log", b"one\n", SENT).status == 201
        running.wait_for("results/x.log")
        assert TOKEN not in Path(f"/proc/{running.process.pid}/cmdline").read_text()
        assert running.stop() == 0
        for token in (TOKEN, TOKEN[:6], "wr0ng"):
            assert token not in running.log
            assert not [answer for answer in answers if token in answer.body.decode() + str(answer.headers)]
        kept = [
            path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()
        ]
        assert kept == []


def test_tokens_that_allow_less_are_for_reading_uploading_and_operating(tmp_path: Path) -> None:
    for key in ("read", "upload", "operate"):
        (tmp_path / key).write_text(f"may-{key}")
    configure(tmp_path, dashboard={"tokens": {key: key for key in ("read", "upload", "operate")}})
    asked = {
        "read": ("GET", "/stats", None, "", 200),
        "upload": ("PUT", "/upload/x.log", b"one\n", "", 201),
        "operate": ("POST", "/retry", b'{"all": true}', "application/json", 200),
    }
    allowed = {"read": {"read"}, "upload": {"upload"}, "operate": {"read", "upload", "operate"}}
    with Watching(tmp_path, dashboard=True) as running:
        for key, may in allowed.items():
            for what, (method, path, body, content_type, status) in asked.items():
                sent = {"Authorization": f"Bearer may-{key}", "Content-Type": content_type}
                answer = ask(running, method, path, body, sent)
                assert answer.status == (status if what in may else 403), (key, what)
        assert log_in(running, "may-upload").status == 403
        assert log_in(running, "may-read").status == 303
        assert "may-" not in running.log


def test_a_log_in_leads_back_to_the_view_that_was_asked_for(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": TOKEN}) as running:
        asked = ask(running, "GET", "/?state=failed&q=a%22b")
        assert b'action="/login?next=%2F%3Fstate%3Dfailed%26q%3Da%2522b"' in asked.body
        body = f"token={quote_plus(TOKEN)}".encode()
        usual = {"Content-Type": "application/x-www-form-urlencoded"}
        for back, expected in (
            ("%2F%3Fstate%3Dfailed%26q%3Da%2522b", "/?state=failed&q=a%22b"),
            ("%2F%2Fevil.example", "/"),
            ("https%3A%2F%2Fevil.example", "/"),
            ("%2Fx%0D%0ASet-Cookie%3A%20a%3Db", "/"),
        ):
            answer = ask(running, "POST", f"/login?next={back}", body, usual)
            assert (answer.status, answer.headers["location"]) == (303, expected)


TELLING = """
import os
def step(line):
    return " ".join([*os.environ, *os.environ.values()]).replace("\\n", " ")
"""


def test_users_processors_do_not_find_the_secrets_in_their_environment(tmp_path: Path) -> None:
    secrets = {"FPROC_TOKEN": TOKEN, "FPROC_WEBHOOK": "http://127.0.0.1:9/s3cret-hook"}
    own_processor(tmp_path, TELLING)
    drop(tmp_path, "x.log", b"one\n")
    with Watching(tmp_path, "--debug", dashboard=True, variables={**secrets, "OTHER": "0ther"}) as running:
        running.wait_for("results/x.log")
        assert ask(running, "GET", "/stats", headers=SENT).status == 200
        told = (running.spool / "results/x.log").read_text()
        assert "0ther" in told
        for secret in (TOKEN, "s3cret-hook", "FPROC_TOKEN"):
            assert secret not in told
            assert secret not in running.log


@pytest.mark.parametrize("arguments", [["--explain", "-"], ["--input", "x.log", "--output", "y.log"]])
def test_nor_do_they_where_they_run_only_once(tmp_path: Path, arguments: list[str]) -> None:
    own_processor(tmp_path, TELLING)
    (tmp_path / "x.log").write_bytes(b"one\n")
    ended = run(tmp_path, *arguments, given=b"one\n", variables={"FPROC_TOKEN": TOKEN, "OTHER": "0ther"})
    told = ended.out + b"".join(path.read_bytes() for path in tmp_path.glob("y.log"))
    assert ended.status == 0, ended.err
    assert b"0ther" in told
    assert b"FPROC_TOKEN" not in told


def test_the_kernel_shows_no_secret_in_the_environment_of_any_process_nor_the_forked_one(
    tmp_path: Path,
) -> None:
    secrets = {"FPROC_TOKEN": TOKEN, "FPROC_WEBHOOK": "http://127.0.0.1:9/s3cret-hook"}
    configure(tmp_path, workers=2)
    with Watching(tmp_path, dashboard=True, variables={**secrets, "OTHER": "0ther"}, anew=True) as running:
        for number in range(20):  # more than one has to do
            drop(tmp_path, f"{number}.log", b"one\n" * 50_000)
        running.wait_until(lambda: len(children_of(running.process.pid)) == 2)
        for pid in (running.process.pid, *children_of(running.process.pid)):
            shown = Path(f"/proc/{pid}/environ").read_bytes()
            assert b"OTHER=0ther" in shown
            assert TOKEN.encode() not in shown
            assert b"s3cret-hook" not in shown
        assert ask(running, "GET", "/stats", headers=SENT).status == 200


def test_a_reload_keeps_the_token_of_the_environment(tmp_path: Path) -> None:
    configure(tmp_path)
    with Watching(tmp_path, dashboard=True, variables={"FPROC_TOKEN": TOKEN}) as running:
        configure(tmp_path, on_error="skip")
        os.kill(running.process.pid, signal.SIGHUP)
        running.wait_until(lambda: "configuration reloaded" in running.log or "reloaded" in running.log)
        running.wait_until(lambda: ask(running, "GET", "/health").status == 200)
        assert ask(running, "GET", "/stats").status == 401
        assert ask(running, "GET", "/stats", headers=SENT).status == 200
