"""Regular expressions that only split a line at single blanks: what they match follows from its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_WORD_OF_FIELD = re.compile(r"\^((?:\[\^ \]\* )+)([^ .^$*+?{}\[\]\\|()]+) ")
_ALL_FIELDS = re.compile(r"\^((?:(?:\[\^ \]\*|\(\?P<\w+>\[\^ \]\*\)) )+)\(\?P<(\w+)>\.\*\)\$")


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
        match = _WORD_OF_FIELD.fullmatch(pattern.pattern)
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
    match = _ALL_FIELDS.fullmatch(pattern.pattern)
    if match is None or pattern.flags != re.UNICODE:
        return None
    parts = re.findall(r"(?:\(\?P<(\w+)>)?\[\^ \]\*\)? ", match[1])
    return [*parts, match[2]]
