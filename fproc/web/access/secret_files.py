"""Files with secrets: tokens, and the keys of certificates."""

from __future__ import annotations

import os
import stat

from fproc.base.errors import ConfigError, Problem, reason_of

TOKEN_CHARACTERS = 4096
LEAST_CHARACTERS = 16
"""The most characters that a token may have, and the least where others may guess it."""


def read_token(path: str, where: str) -> str:
    """Return the token in a file; `where` names the file in messages.

    Raises:
        ConfigError: it cannot be read, or is too long.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(2 * TOKEN_CHARACTERS).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(where, f"{path} cannot be read: {reason_of(error)}")]) from error
    if len(text) > TOKEN_CHARACTERS:
        raise ConfigError([Problem(where, f"{path} has more than {TOKEN_CHARACTERS} characters")])
    return text


def check_token(text: str, where: str) -> None:
    """Raise if a text cannot be a token, without repeating it.

    Raises:
        ConfigError: no header could carry it.
    """
    if not (text.isascii() and text.isprintable() and " " not in text and text):
        raise ConfigError([Problem(where, "is no token", "use letters, digits and -_.~+/= alone")])


def check_strength(text: str, where: str, host: str) -> None:
    """Raise if others could guess a token.

    Raises:
        ConfigError: it is too short for an address that others can reach.
    """
    if len(text) < LEAST_CHARACTERS:
        what = f"has fewer than {LEAST_CHARACTERS} characters, and {host} can be reached from elsewhere"
        hint = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe())'"
        raise ConfigError([Problem(where, what, hint)])


def check_privacy(path: str, where: str, host: str) -> None:
    """Raise if all users of this host may read a file with a secret; one that is missing is not read here.

    Raises:
        ConfigError: they may, and others can reach the address that it protects.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return  # who opens it says why it cannot be read
    if mode & stat.S_IROTH:
        what = f"{path} may be read by all users, and {host} can be reached from elsewhere"
        raise ConfigError([Problem(where, what, f"chmod o= {path}")])
