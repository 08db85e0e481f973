"""Who may ask the dashboard: hosts, origins, tokens, cookies, and too many wrong tries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fproc.web.access.keyring import Keyring
from fproc.web.access.tokens import SCOPE_OF_KEYS, Scope, Token
from fproc.web.http.auth import (
    SESSION_SECONDS,
    TRIES,
    TRIES_IN_ALL,
    TRIES_SECONDS,
    Authenticator,
)
from fproc.web.http.messages import Request, Response
from tests.support.clocks import Clock

SECRET = "k3y-of-the-test"
FORM = f"token={SECRET}".encode()
KEYS = Keyring([Token(SECRET)])


@pytest.fixture
def watch() -> Clock:
    return Clock(1_000_000.0)


@pytest.fixture
def auth(watch: Clock) -> Authenticator:
    return Authenticator(KEYS, "0.0.0.0", clock=watch, monotonic=watch)


def request(method: str = "GET", client: str = "10.0.0.1", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, "/stats", {}, {"host": "localhost:8000", **named}, client)


def bearer(token: str, **options: Any) -> Request:
    return request(authorization=f"Bearer {token}", **options)


def status(response: Response | None) -> int:
    assert response is not None
    if response.status >= 400:
        assert set(json.loads(response.body)) == {"error"}
    return response.status


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "LOCALHOST", "a.localhost", "10.1.2.3"],
)
def test_without_a_token_this_host_may_be_named(host: str) -> None:
    assert Authenticator(Keyring(), "127.0.0.1").misdirected(request(host=host)) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", ":8000", "[::1", "127.0.0.1.nip.io"]
)
def test_without_a_token_another_name_is_refused_for_it_may_have_been_bound_to_this_host(
    host: str,
) -> None:
    assert status(Authenticator(Keyring(), "127.0.0.1").misdirected(request(host=host))) == 400


def test_a_name_that_is_listened_on_may_be_named() -> None:
    assert Authenticator(Keyring(), "Here").misdirected(request(host="here:1")) is None


def test_with_a_token_any_name_will_do_because_the_cookie_goes_to_one(auth: Authenticator) -> None:
    assert auth.misdirected(request(host="fproc.example.org")) is None


@pytest.mark.parametrize("host", ["localhost:8000", "fproc.example.org"])
def test_the_own_page_may_change_things_and_so_may_programs(auth: Authenticator, host: str) -> None:
    assert auth.misdirected(request("POST", host=host)) is None
    assert auth.misdirected(request("POST", host=host, origin=f"https://{host}")) is None
    assert auth.misdirected(request("POST", host=host, sec_fetch_site="same-origin")) is None


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:8001", "http://localhost"]
)
def test_a_page_of_another_site_may_not_change_anything(origin: str) -> None:
    for auth in (Authenticator(Keyring(), "127.0.0.1"), Authenticator(KEYS, "127.0.0.1")):
        for method in ("POST", "PUT", "DELETE"):
            assert status(auth.misdirected(request(method, origin=origin))) == 400
            assert status(auth.misdirected(request(method, sec_fetch_site="cross-site"))) == 400


def test_without_a_token_nobody_is_a_stranger() -> None:
    assert Authenticator(Keyring(), "127.0.0.1").stranger(request()) is None


def test_with_a_token_it_is_needed(auth: Authenticator) -> None:
    refusal = auth.stranger(request())
    assert status(refusal) == 401
    assert refusal is not None
    assert refusal.headers["WWW-Authenticate"].startswith("Bearer")
    assert auth.stranger(bearer(SECRET)) is None
    assert auth.stranger(request(authorization=f"bearer  {SECRET} ")) is None
    for wrong in ("x", SECRET.upper(), SECRET + "x", "", "\xff"):
        assert status(auth.stranger(bearer(wrong))) == 401
    assert status(auth.stranger(request(authorization=f"Basic {SECRET}"))) == 401


def cookie_of(response: Response) -> str:
    assert response.status == 303
    assert response.headers["Location"].startswith("/")
    cookie = response.headers["Set-Cookie"]
    assert "; HttpOnly; SameSite=Strict" in cookie
    assert "; Path=/;" in cookie
    return cookie.partition(";")[0]


def test_a_log_in_gives_a_cookie_that_is_as_good_as_the_token_for_half_a_day(
    auth: Authenticator, watch: Clock
) -> None:
    cookie = cookie_of(auth.log_in(FORM, "10.0.0.1"))
    assert SECRET not in cookie
    assert auth.stranger(request(cookie=f"other=1; {cookie}")) is None
    restarted = Authenticator(KEYS, "0.0.0.0", clock=watch, monotonic=watch)
    assert restarted.stranger(request(cookie=cookie)) is None
    other = Authenticator(Keyring([Token("another token")]), "0.0.0.0", clock=watch, monotonic=watch)
    assert status(other.stranger(request(cookie=cookie))) == 401
    watch.seconds += SESSION_SECONDS
    assert status(auth.stranger(request(cookie=cookie))) == 401


def test_no_two_log_ins_get_the_same_cookie(auth: Authenticator) -> None:
    assert auth.log_in(FORM, "a").headers != auth.log_in(FORM, "a").headers


@pytest.mark.parametrize(
    "value", ["", "x", "9999999999.x.", "9999999999.x.00", "..", "\xff", '"9999999999.x.\\377"', "9999999999"]
)
def test_a_forged_cookie_is_none(auth: Authenticator, value: str) -> None:
    assert status(auth.stranger(request(cookie=f"{auth.cookie}={value}"))) == 401


def test_a_cookie_whose_time_was_put_off_is_none(auth: Authenticator) -> None:
    name, _, value = cookie_of(auth.log_in(FORM, "a")).partition("=")
    expiry, nonce, signature = value.split(".")
    later = f"{name}={int(expiry) + 1}.{nonce}.{signature}"
    assert status(auth.stranger(request(cookie=later))) == 401


def test_a_log_out_takes_the_cookie_back(auth: Authenticator) -> None:
    assert "Max-Age=0" in auth.log_out().headers["Set-Cookie"]


def test_over_tls_the_cookie_stays_with_tls() -> None:
    assert "; Secure" in Authenticator(KEYS, "::", is_secure=True).log_in(FORM, "a").headers["Set-Cookie"]


def test_an_address_that_is_wrong_too_often_has_to_wait_but_the_right_token_is_let_in(
    auth: Authenticator, watch: Clock
) -> None:
    cookie = cookie_of(auth.log_in(FORM, "10.0.0.1"))
    for _ in range(TRIES):
        assert status(auth.log_in(b"token=wrong", "10.0.0.1")) == 401
        watch.seconds += 1
    for refusal in (auth.log_in(b"token=wrong", "10.0.0.1"), auth.stranger(bearer("wrong"))):
        assert status(refusal) == 429
        assert refusal is not None
        assert 0 < int(refusal.headers["Retry-After"]) <= TRIES_SECONDS
        assert refusal.delay_seconds > 0
    assert auth.stranger(request(cookie=cookie)) is None
    assert auth.stranger(bearer(SECRET)) is None
    assert auth.log_in(FORM, "10.0.0.1").status == 303
    assert status(auth.log_in(b"token=wrong", "10.0.0.1")) == 429  # the right one sets nobody free
    assert status(auth.log_in(b"token=wrong", "10.0.0.2")) == 401
    watch.seconds += int(auth.log_in(b"token=wrong", "10.0.0.1").headers["Retry-After"])
    assert status(auth.log_in(b"token=wrong", "10.0.0.1")) == 401


def test_wrong_tries_of_the_past_do_not_count(auth: Authenticator, watch: Clock) -> None:
    for _ in range(TRIES * 3):
        assert status(auth.log_in(b"token=wrong", "a")) == 401
        watch.seconds += TRIES_SECONDS / TRIES + 0.1


def test_all_addresses_together_have_a_limit_too_and_the_right_token_is_let_in(
    auth: Authenticator, caplog: pytest.LogCaptureFixture
) -> None:
    statuses = [status(auth.log_in(b"token=wrong", str(number))) for number in range(TRIES_IN_ALL + 50)]
    assert statuses == [401] * TRIES_IN_ALL + [429] * 50
    assert len(caplog.records) == TRIES_IN_ALL
    assert auth.log_in(FORM, "another").status == 303


@pytest.mark.parametrize(
    "form", [b"", b"=", b"token", b"token=", b"tokens=x", b"\xff=\xff&token=%", b"&" * 4096, b"token=%ff%00"]
)
def test_a_form_without_the_token_is_a_wrong_try(auth: Authenticator, form: bytes) -> None:
    assert status(auth.log_in(form, "a")) == 401


@pytest.mark.parametrize(
    "origin", ["http://[", "http://[::1", "http://[x]", "//[", "\xff", "http://" + "9" * 999]
)
def test_an_origin_that_is_none_is_foreign(auth: Authenticator, origin: str) -> None:
    assert status(auth.misdirected(request("POST", origin=origin))) == 400


@pytest.fixture
def several(watch: Clock) -> Authenticator:
    """One with a token for each kind of access."""
    keys = Keyring([Token(f"may-{key}", scope) for key, scope in SCOPE_OF_KEYS.items()])
    return Authenticator(keys, "0.0.0.0", 8000, clock=watch, monotonic=watch)


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("read", {Scope.READ}),
        ("upload", {Scope.UPLOAD}),
        ("operate", {Scope.READ, Scope.UPLOAD, Scope.OPERATE}),
    ],
)
def test_a_token_allows_what_it_is_for_and_nothing_else(
    several: Authenticator, key: str, allowed: set[Scope]
) -> None:
    for wanted in Scope:
        refusal = several.stranger(bearer(f"may-{key}"), wanted)
        assert refusal is None if wanted in allowed else status(refusal) == 403
    answer = several.log_in(f"token=may-{key}".encode(), "a")
    if Scope.READ not in allowed:
        assert status(answer) == 403
        return
    cookie = cookie_of(answer)
    for wanted in Scope:
        refusal = several.stranger(request(cookie=cookie), wanted)
        assert refusal is None if wanted in allowed else status(refusal) == 403
    refusal = several.stranger(request(cookie=cookie, authorization="Bearer may-upload"), Scope.UPLOAD)
    assert refusal is None


def test_a_session_ends_with_its_own_token_only(several: Authenticator, watch: Clock) -> None:
    cookie = cookie_of(several.log_in(b"token=may-read", "a"))
    fewer = Keyring([Token("may-operate"), Token("may-upload", Scope.UPLOAD)])
    without = Authenticator(fewer, "0.0.0.0", 8000, clock=watch, monotonic=watch)
    assert status(without.stranger(request(cookie=cookie))) == 401


def test_dashboards_on_one_host_have_cookies_of_their_own(watch: Clock) -> None:
    one, other = (Authenticator(KEYS, "::", port, clock=watch, monotonic=watch) for port in (8000, 8001))
    cookies = "; ".join(cookie_of(auth.log_in(FORM, "a")) for auth in (one, other))
    assert one.cookie != other.cookie
    for auth in (one, other):
        assert auth.stranger(request(cookie=cookies)) is None
    assert status(one.stranger(request(cookie=cookie_of(other.log_in(FORM, "a"))))) == 401


@pytest.mark.parametrize("back", ["/", "/?state=failed&q=a%20b", "/file/a%2fb"])
def test_a_log_in_leads_back_to_where_one_was(auth: Authenticator, back: str) -> None:
    assert auth.log_in(FORM, "a", back).headers["Location"] == back


@pytest.mark.parametrize(
    "back",
    [
        "",
        "x",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/a\r\nX: y",
        "/\xe4",
        "/ ",
        "/" + "x" * 2000,
    ],
)
def test_a_log_in_never_leads_to_another_site(auth: Authenticator, back: str) -> None:
    assert auth.log_in(FORM, "a", back).headers["Location"] == "/"


def test_no_secret_shows_in_what_a_token_is_printed_as() -> None:
    assert SECRET not in repr(Token(SECRET))
