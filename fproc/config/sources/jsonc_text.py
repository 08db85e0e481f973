"""Configurations that are written as JSON with comments: `.jsonc`."""

from __future__ import annotations

import re

SUFFIX = ".jsonc"
"""How the name of such a configuration ends."""

_TEXT = r'"(?:[^"\\\n]|\\.)*"'
_COMMENTS = rf"(?s){_TEXT}|//[^\n]*|/\*.*?\*/"
_LAST_COMMAS = rf"{_TEXT}|,(?=\s*[\]}}])"


def is_jsonc(path: str) -> bool:
    """Return whether the name of a configuration says that it may have comments."""
    return path.lower().endswith(SUFFIX)


def without_comments(text: str) -> str:
    """Return a text with blanks for `//` and `/* */` comments and for commas before a closing bracket.

    What is left stands where it stood: errors are told by line and column.
    """
    return re.sub(_LAST_COMMAS, _blank_behind_a_value, re.sub(_COMMENTS, _blank, text))


def _blank(match: re.Match[str]) -> str:
    found = match[0]
    return found if found[0] == '"' else re.sub(r"[^\n]", " ", found)


def _blank_behind_a_value(match: re.Match[str]) -> str:
    before = match.string[: match.start()].rstrip()
    return match[0] if before.endswith((",", "[", "{")) else _blank(match)
