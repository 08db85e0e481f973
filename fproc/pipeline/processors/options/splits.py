"""The fields that built-ins want of a line, also where they ask for them by regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fproc.base.values import dataclass

_WORD_OF_FIELD = r"\^((?:\[\^ \]\* )+)([^ .^$*+?{}\[\]\\|()]+) "
_ALL_FIELDS = r"\^((?:(?:\[\^ \]\*|\(\?P<\w+>\[\^ \]\*\)) )+)\(\?P<(\w+)>\.\*\)\$"


@dataclass(frozen=True, slots=True)
class FieldNeed:
    """The fields of a line that a built-in looks at: up to number `least`.

    `exactly` is the number of parts to split the line into, the last one with the rest, if that matters. A
    blank that separates is any run of white space, unless `is_single`.
    """

    separator: str
    least: int
    exactly: int | None = None
    is_single: bool = False

    @property
    def by(self) -> str | None:
        """The separator as `str.split` takes it."""
        return None if self.separator == " " and not self.is_single else self.separator


FieldNeeds = Callable[[Mapping[str, Any]], FieldNeed | None]
"""The fields of its lines that a built-in looks at; None if it splits them into none."""


def no_fields(_values: Mapping[str, Any]) -> FieldNeed | None:
    """Declare that lines are not split into fields."""
    return None


class WordsOfField(NamedTuple):
    """Rules of which each asks for a word in one field that is not the last: `^[^ ]* ERROR `.

    `field` is its number from 1, `tags` the tag of each word.
    """

    field: int
    tags: Mapping[str, str]


def words_of_field(rules: Mapping[str, re.Pattern[str]]) -> WordsOfField | None:
    """Return rules as words of one field; None if they are more than that."""
    tags: dict[str, str] = {}
    fields = set()
    for tag, pattern in rules.items():
        match = re.fullmatch(_WORD_OF_FIELD, pattern.pattern)
        if match is None or pattern.flags != re.UNICODE:
            return None
        fields.add(match[1].count("* ") + 1)
        tags.setdefault(match[2], tag)
    return WordsOfField(fields.pop(), tags) if len(fields) == 1 else None


def names_of_parts(pattern: re.Pattern[str]) -> list[str] | None:
    """Return the name of each part that a pattern splits a line into, the last one with the rest.

    It is "" for a part without a name. None is returned for a pattern that does anything else than
    `^[^ ]* (?P<name>[^ ]*) (?P<rest>.*)$`, with any number of parts.
    """
    match = re.fullmatch(_ALL_FIELDS, pattern.pattern)
    if match is None or pattern.flags != re.UNICODE:
        return None
    parts = re.findall(r"(?:\(\?P<(\w+)>)?\[\^ \]\*\)? ", match[1])
    return [*parts, match[2]]
