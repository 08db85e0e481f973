"""All tokens of a dashboard, and the sessions that a log-in with one of them begins.

A session is `EXPIRY.NONCE.SIGNATURE`, signed with its token (HMAC-SHA256, RFC 2104), so that sessions survive
a restart, allow what their token allows, and end with it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from fproc.base.ids import new_id
from fproc.web.access.tokens import NO_SCOPE, Scope, Token


class Keyring:
    """The tokens; with none of them, none is needed."""

    def __init__(self, tokens: Sequence[Token] = ()) -> None:
        self._secrets = [(_to_bytes(token.text), token.scope) for token in tokens]

    def is_empty(self) -> bool:
        """Return whether no token is needed."""
        return not self._secrets

    def scope_of(self, text: str) -> Scope:
        """Return what a token allows: nothing if it is wrong. It takes as long for each."""
        given = _to_bytes(text)
        return _sum(scope for secret, scope in self._secrets if hmac.compare_digest(given, secret))

    def begin_session(self, text: str, until: int) -> str:
        """Return a new session for a token, until a time in seconds since 1970."""
        session = f"{until}.{new_id()}"
        return f"{session}.{_signature(_to_bytes(text), session)}"

    def scope_of_session(self, value: str, now: float) -> Scope:
        """Return what a session allows: nothing if it is forged or over."""
        session, _, signature = value.rpartition(".")
        expiry, given = session.partition(".")[0], _to_bytes(signature)
        scope = _sum(
            scope
            for secret, scope in self._secrets
            if hmac.compare_digest(given, _signature(secret, session).encode())
        )
        return scope if scope and expiry.isdecimal() and now < int(expiry) else NO_SCOPE


def _sum(scopes: Iterable[Scope]) -> Scope:
    return reduce(or_, scopes, NO_SCOPE)


def _signature(secret: bytes, session: str) -> str:
    return hmac.new(secret, _to_bytes(session), "sha256").hexdigest()


def _to_bytes(text: str) -> bytes:
    """Return the bytes of a text that a client has sent, whatever characters are in it."""
    return text.encode("utf-8", "surrogateescape")
