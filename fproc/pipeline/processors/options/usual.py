"""What the usual line of a parser looks like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fproc.base.values import dataclass


@dataclass(frozen=True, slots=True)
class UsualLine:
    """The look of nearly all lines that a parser takes, so that code can read them without calling it.

    A line is usual if it has no `without` in it and `match` matches it; then the parser makes a record of it.
    The groups are the `fields` that are wanted, in this order, each with what makes a value of its text: it
    is text, a whole number or null.
    """

    match: Callable[[str], re.Match[str] | None]
    without: str
    fields: Mapping[str, Callable[[str], Any]]


UsualLines = Callable[[Mapping[str, Any], frozenset[str]], UsualLine | None]
"""The look of usual lines, to find these fields, as far as there are any; None if there is no such look."""


def no_usual_line(_values: Mapping[str, Any], _fields: frozenset[str]) -> UsualLine | None:
    """Declare that lines differ too much."""
    return None
