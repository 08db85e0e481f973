"""Where the dashboard's tokens come from, and which are refused where others could guess or read them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import ConfigError
from fproc.cli.serving.tokens import dashboard_tokens
from fproc.cli.settings import gather, load_plan
from fproc.web.access.tokens import ALL_SCOPES, Scope

NODES = [{"tag": "start", "type": "trim", "next": "end"}]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder. Folders of plugins are forgotten after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tokens_of(environ: Mapping[str, str], **dashboard: Any) -> dict[str, Scope]:
    """The tokens that a dashboard asks for, and what they allow."""
    Path("pipeline.json").write_text(json.dumps({"nodes": NODES, "dashboard": dashboard}))
    given = gather(None, environ)
    found = dashboard_tokens(given, load_plan(given, {}, mode=None, with_mode=False).config.dashboard)
    return {token.text: token.scope for token in found}


def token_of(environ: Mapping[str, str], **dashboard: Any) -> str | None:
    """The token that a dashboard asks for, which allows everything."""
    found = tokens_of(environ, **dashboard)
    assert set(found.values()) <= {ALL_SCOPES}
    return next(iter(found), None)


def test_a_token_comes_from_a_variable_a_file_or_systemd_in_this_order(folder: Path) -> None:
    (folder / "file").write_text("of-the-file\n")
    (folder / "fproc-token").write_text(" of-systemd \n")
    given = {"FPROC_TOKEN": "of-a-variable", "CREDENTIALS_DIRECTORY": str(folder)}
    assert token_of(given, token_file="file") == "of-a-variable"
    del given["FPROC_TOKEN"]
    assert token_of(given, token_file="file") == "of-the-file"
    assert token_of(given) == "of-systemd"
    assert token_of({"CREDENTIALS_DIRECTORY": str(folder / "other")}) is None
    assert token_of({}) is None
    (folder / ".env").write_text("FPROC_TOKEN=of-dotenv\n")
    assert token_of(given, token_file="file") == "of-dotenv"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_on_loopback_no_token_is_needed(host: str) -> None:
    assert token_of({}, host=host) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "127.example.org"])
def test_where_others_can_reach_it_a_token_is_needed(host: str) -> None:
    with pytest.raises(ConfigError, match="can be reached from elsewhere") as caught:
        token_of({}, host=host)
    assert str(caught.value).startswith(f"$.dashboard.host: {host} can")
    assert "FPROC_TOKEN" in str(caught.value)
    assert token_of({"FPROC_TOKEN": STRONG}, host=host) == STRONG


def test_there_may_be_tokens_that_allow_less(folder: Path) -> None:
    names = {key: f"of-{key}" for key in ("read", "upload", "operate")}
    for name in names.values():
        (folder / name).write_text(f"{name}\n")
    expected = {"of-read": Scope.READ, "of-upload": Scope.UPLOAD, "of-operate": ALL_SCOPES}
    assert tokens_of({}, tokens=names) == expected
    assert tokens_of({"FPROC_TOKEN": "x"}, tokens=names) == {"x": ALL_SCOPES, **expected}
    with pytest.raises(ConfigError, match=r"\$\.dashboard\.tokens\.read: .* cannot be read"):
        tokens_of({}, tokens={"read": "gone"})


STRONG = "0123456789abcdef"


def test_where_others_can_reach_it_a_token_must_not_be_short(folder: Path) -> None:
    assert token_of({"FPROC_TOKEN": STRONG[1:]}) == STRONG[1:]
    with pytest.raises(
        ConfigError, match=r"^FPROC_TOKEN: has fewer than 16 characters, and 0\.0\.0\.0 can"
    ) as caught:
        token_of({"FPROC_TOKEN": STRONG[1:]}, host="0.0.0.0")
    assert STRONG[1:] not in str(caught.value)
    (folder / "read").write_text("x")
    (folder / "read").chmod(0o600)
    with pytest.raises(ConfigError, match=r"^\$\.dashboard\.tokens\.read: has fewer than 16"):
        tokens_of({"FPROC_TOKEN": STRONG}, host="0.0.0.0", tokens={"read": "read"})


@pytest.mark.parametrize("mode", [0o644, 0o604])
def test_where_others_can_reach_it_no_secret_may_be_in_a_file_that_all_may_read(
    folder: Path, mode: int
) -> None:
    for name in ("file", "cert.pem", "key.pem"):
        (folder / name).write_text(STRONG)
        (folder / name).chmod(0o640)
    (folder / ".env").write_text(f"FPROC_TOKEN={STRONG}\n")
    (folder / ".env").chmod(0o640)
    tls = {"tls_cert": "cert.pem", "tls_key": "key.pem"}
    for name, where, keys in (
        ("file", "$.dashboard.tokens.read", {"tokens": {"read": "file"}}),
        ("key.pem", "$.dashboard.tls_key", tls),
        ("cert.pem", "$.dashboard.tls_cert", {"tls_cert": "cert.pem"}),
        (".env", ".env:1: FPROC_TOKEN", {}),
    ):
        assert tokens_of({}, host="0.0.0.0", **keys)
        (folder / name).chmod(mode)
        with pytest.raises(ConfigError, match=r"may be read by all users, and 0\.0\.0\.0 can") as caught:
            tokens_of({}, host="0.0.0.0", **keys)
        assert str(caught.value).startswith(f"{where}: ")
        assert tokens_of({}, **keys)  # on loopback, that is the host's own affair
        (folder / name).chmod(0o640)
    (folder / ".env").unlink()
    (folder / "cert.pem").chmod(0o644)  # a certificate is no secret
    (folder / "file").chmod(0o600)
    assert token_of({}, host="0.0.0.0", token_file="file", **tls) == STRONG
    (folder / "file").chmod(mode)
    with pytest.raises(ConfigError, match=r"^\$\.dashboard\.token_file: "):
        token_of({}, host="0.0.0.0", token_file="file")


@pytest.mark.parametrize("text", ["", "two words", "a\nb", "caf\u00e9", "a\0b"])
def test_what_no_header_can_carry_is_no_token_and_it_is_not_repeated(folder: Path, text: str) -> None:
    (folder / "file").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"\$\.dashboard\.token_file: ") as caught:
        token_of({}, token_file="file")
    assert not text or text not in str(caught.value)


def test_a_token_that_is_too_long_is_refused_and_not_cut(folder: Path) -> None:
    (folder / "file").write_text("x" * 4096 + "\n")
    assert token_of({}, token_file="file") == "x" * 4096
    (folder / "file").write_text("x" * 4097)
    with pytest.raises(ConfigError, match="more than 4096 characters"):
        token_of({}, token_file="file")


@pytest.mark.parametrize("path", ["gone", "."])
def test_a_token_that_cannot_be_read_is_wrong_configuration(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        token_of({}, token_file=path)
