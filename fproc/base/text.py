"""Text for people: safe to print on one line, counted, with a suggestion for a mistyped word."""

from __future__ import annotations

import re
from typing import Any


def nearest(word: str, words: list[str]) -> str:
    """Return a suggestion such as "did you mean 'format'?" for a mistyped `word`, or ''."""
    from difflib import get_close_matches  # noqa: PLC0415 - only when there is something to complain about

    matches = get_close_matches(word.lower(), [name.lower() for name in words], n=1, cutoff=0.6)
    match = next((name for name in words if matches and name.lower() == matches[0]), None)
    return f"did you mean {match!r}?" if match is not None else ""


def shown(text: str) -> str:
    r"""Return `text` safe to print on one line: undecodable bytes and controls as `\xNN` escapes."""
    if text.isprintable():
        return text
    raw = (
        text.encode("utf-8", "surrogateescape")
        if is_encodable(text)
        else text.encode("utf-8", "backslashreplace")
    )
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 line`, `2 lines`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_encodable(text: str) -> bool:
    """Return whether text can be written: all its surrogates stand for undecodable bytes (PEP 383)."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def natural_key(name: bytes) -> bytes:
    """Return what names are sorted by as people expect it: numbers by value, A like a."""
    return re.sub(rb"[0-9]+", _sized, name.lower())


def _sized(found: re.Match[bytes]) -> bytes:
    digits = found[0].lstrip(b"0")
    return b"%03d%b" % (len(digits), digits)


LINE_CHARACTERS = 1000
"""The most characters of a line that are kept."""


def excerpt(line: str) -> str:
    """Return a line that is short enough to be kept, with a note where it was cut."""
    if len(line) <= LINE_CHARACTERS:
        return line
    return f"{line[:LINE_CHARACTERS]} ... (cut, {len(line)} characters)"


def log_fields(event: str, **fields: Any) -> dict[str, Any]:
    """Return the `extra` of a log call: what the log as JSON has beside the message. None is left out."""
    return {"fields": {"event": event, **{name: item for name, item in fields.items() if item is not None}}}
