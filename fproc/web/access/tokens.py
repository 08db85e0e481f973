"""Tokens, and what each of them allows."""

from __future__ import annotations

from enum import Flag, auto

from fproc.base.values import dataclass, field


class Scope(Flag):
    """What a token allows."""

    READ = auto()
    UPLOAD = auto()
    OPERATE = auto()


NO_SCOPE = Scope(0)
ALL_SCOPES = Scope.READ | Scope.UPLOAD | Scope.OPERATE

SCOPE_OF_KEYS = {"read": Scope.READ, "upload": Scope.UPLOAD, "operate": ALL_SCOPES}
"""What the tokens of `dashboard.tokens` allow, by key."""


@dataclass(frozen=True, slots=True)
class Token:
    """A secret, and what it allows."""

    text: str = field(repr=False)
    scope: Scope = ALL_SCOPES
