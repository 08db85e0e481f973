"""Regular expressions that plain Python does faster, with the same answer."""

from __future__ import annotations

import re

_SPECIAL = frozenset(r".^$*+?{}[]\|()")


def plain_words(pattern: re.Pattern[str]) -> list[str] | None:
    """Return the words of a pattern that is nothing but words, or words between `|`; None for any other."""
    words = pattern.pattern.split("|")
    is_plain = pattern.flags == re.UNICODE and all(word and _SPECIAL.isdisjoint(word) for word in words)
    return words if is_plain else None


def plain_prefix(pattern: re.Pattern[str]) -> str | None:
    """Return the word that a line has to begin with, for a pattern that asks for nothing else."""
    text = pattern.pattern
    is_plain = pattern.flags == re.UNICODE and text[:1] == "^" and _SPECIAL.isdisjoint(text[1:])
    return text[1:] if is_plain and len(text) > 1 else None


def is_anchored(pattern: re.Pattern[str]) -> bool:
    """Return whether it can match only where a line begins, so that `match` finds what `search` would."""
    return pattern.pattern[:1] == "^" and "|" not in pattern.pattern and not pattern.flags & re.MULTILINE
