"""Names that uploaded files may have: safe ones, with which intake takes them."""

from __future__ import annotations

import re

from fproc.base.errors import InputError
from fproc.base.text import shown
from fproc.spool.layout import NAME_BYTES, REPORTS
from fproc.spool.readiness.names import InputNames

_SHOWN_CHARACTERS = 80
"""How much of a refused name is quoted, in characters."""

_UNSHOWABLE = r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
"""Control characters, line separators, and characters that turn the direction of text."""

_SURROGATE = r"[\ud800-\udfff]"
"""Surrogates: they stand for bytes that are not UTF-8, or are half a character."""

_DEVICE = r"(?i)(con|prn|aux|nul|com[1-9]|lpt[1-9]) *(\..*)?"


def check_name(name: str, names: InputNames) -> str:
    """Return the name unchanged if an uploaded file may have it.

    Nothing is cut off or replaced: a name that is not safe is refused.

    Raises:
        InputError: it is not safe, or a file of this name would never be taken.
    """
    why = _why_not(name, names)
    if why:
        quoted = f"'{shown(name[:_SHOWN_CHARACTERS])}{'...' * (len(name) > _SHOWN_CHARACTERS)}'"
        raise InputError(f"a file cannot be uploaded as {quoted}: the name {why}")
    return name


def _why_not(name: str, names: InputNames) -> str:
    """Return what is wrong with a name, or "" for nothing."""
    size_bytes = len(name.encode("utf-8", "surrogatepass"))
    most_bytes = NAME_BYTES - (names.marker.size_bytes if names.marker else 0)
    is_taken = not name.startswith(".") and names.is_taken(name)
    reasons = {
        "is empty": not name,
        "is not text in UTF-8": re.search(_SURROGATE, name),
        "is a path, of which nothing is cut off; send the file's own name alone": "/" in name or "\\" in name,
        "has control characters": re.search(_UNSHOWABLE, name),
        f"is {size_bytes} bytes long; {most_bytes} is the most": size_bytes > most_bytes,
        "ends in a dot or a space": name.endswith((".", " ")),
        "is a device's on Windows": re.fullmatch(_DEVICE, name),
        "is one that fproc gives to its reports": name.endswith(REPORTS),
        "is none of those that intake takes (intake.match)": names.may_be_input(name)
        and not names.is_taken(name),
        "is one that intake ignores": not is_taken,
    }
    return next((why for why, holds in reasons.items() if holds), "")
