"""The tokens of the dashboard: where they stand, and whether what stands there will do."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fproc.base.errors import ConfigError, Problem
from fproc.base.values import dataclass, field
from fproc.cli.arguments.options import TOKEN_VARIABLE
from fproc.cli.settings import Given
from fproc.config.model import Dashboard
from fproc.web.access.secret_files import check_privacy, check_strength, check_token, read_token
from fproc.web.access.tokens import ALL_SCOPES, SCOPE_OF_KEYS, Scope, Token

CREDENTIALS = "CREDENTIALS_DIRECTORY"
CREDENTIAL = "fproc-token"
"""The variable with the folder of a systemd unit's credentials, and the credential with the token."""


def dashboard_tokens(given: Given, dashboard: Dashboard) -> tuple[Token, ...]:
    """Return the dashboard's tokens; none where none is needed.

    The one that may do everything is from the environment, `dashboard.token_file` or systemd, others are from
    the files of `dashboard.tokens`.

    Raises:
        ConfigError: one cannot be read, or is no token; or there is none, or one that others could guess or
            read, and others can reach the dashboard.
    """
    is_public = not is_loopback(dashboard.host)
    found = []
    for source in _token_sources(given, dashboard):
        text = read_token(source.path, source.where) if source.text is None else source.text
        check_token(text, source.where)
        if is_public:
            check_strength(text, source.where, dashboard.host)
            check_privacy(source.path, source.where, dashboard.host)
        found.append(Token(text, source.scope))
    if not found and is_public:
        what = f"{dashboard.host} can be reached from elsewhere, and there is no token"
        hint = f"set {TOKEN_VARIABLE} or dashboard.token_file, or listen on 127.0.0.1"
        raise ConfigError([Problem("$.dashboard.host", what, hint)])
    if is_public and dashboard.tls_cert:
        key_file = dashboard.tls_key or dashboard.tls_cert
        check_privacy(
            key_file, f"$.dashboard.{'tls_key' if dashboard.tls_key else 'tls_cert'}", dashboard.host
        )
    return tuple(found)


def token_files(given: Given, dashboard: Dashboard) -> list[str]:
    """Return the files that the dashboard's tokens are read from."""
    return [source.path for source in _token_sources(given, dashboard) if source.path]


@dataclass(frozen=True, slots=True)
class _TokenSource:
    """Where a token stands: its place in messages, its file, "" for none, and its text if that is known."""

    where: str
    scope: Scope
    path: str
    text: str | None = field(default=None, repr=False)


def _token_sources(given: Given, dashboard: Dashboard) -> Iterator[_TokenSource]:
    variable = given.variable(TOKEN_VARIABLE)
    credential = os.path.join(given.variable(CREDENTIALS) or "", CREDENTIAL)
    if variable:
        path = os.path.join(given.file.folder, ".env") if TOKEN_VARIABLE in given.origin else ""
        yield _TokenSource(given.where(TOKEN_VARIABLE), ALL_SCOPES, path, variable)
    elif dashboard.token_file:
        yield _TokenSource("$.dashboard.token_file", ALL_SCOPES, dashboard.token_file)
    elif given.variable(CREDENTIALS) and os.path.lexists(credential):
        yield _TokenSource(credential, ALL_SCOPES, credential)
    for key, scope in SCOPE_OF_KEYS.items():
        path = getattr(dashboard.tokens, key)
        if path:
            yield _TokenSource(f"$.dashboard.tokens.{key}", scope, path)


def open_doors(given: Given, dashboard: Dashboard) -> list[str]:
    """Return why `--watch` would not open the dashboard: for an address without a token, say."""
    try:
        dashboard_tokens(given, dashboard)
    except ConfigError as error:
        return [f"{problem}; until then --watch does not start" for problem in error.problems]
    return []


def is_loopback(host: str) -> bool:
    """Return whether only programs on this host can reach an address."""
    return host in {"localhost", "::1"} or (host.startswith("127.") and host.replace(".", "").isdecimal())
