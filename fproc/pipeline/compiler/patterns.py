"""Regular expressions that plain Python does faster, with the same answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from fproc.base.values import dataclass
from fproc.pipeline.compiler.writer import filled

_SPECIAL = frozenset(r".^$*+?{}[]\|()")


def plain_words(pattern: re.Pattern[str]) -> list[str] | None:
    """Return the words of a pattern that is nothing but words, or words between `|`; None for any other."""
    words = pattern.pattern.split("|")
    is_plain = pattern.flags == re.UNICODE and all(word and _SPECIAL.isdisjoint(word) for word in words)
    return words if is_plain else None


@dataclass(frozen=True, slots=True)
class WordsWithOneBeginning:
    """Rules that are words with one beginning, as `svc-10` and `svc-11` are.

    `tags` are the tags of what follows it; none of these texts is the beginning of another one.
    """

    beginning: str
    tags: Mapping[str, str]

    def lengths(self) -> list[int]:
        """Return the different lengths of what follows the beginning."""
        return sorted({len(rest) for rest in self.tags})


def words_with_one_beginning(rules: Mapping[str, re.Pattern[str]]) -> WordsWithOneBeginning | None:
    """Return rules as words with one beginning; None if they are anything else."""
    tags: dict[str, str] = {}
    for tag, pattern in rules.items():
        for word in plain_words(pattern) or [""]:
            tags.setdefault(word, tag)
    words = sorted(tags)
    begin = 0
    while words and words[0][: begin + 1] == words[-1][: begin + 1] != words[0][:begin]:
        begin += 1
    if not begin or any(longer.startswith(word) for word, longer in pairwise(words)):
        return None
    return WordsWithOneBeginning(words[0][:begin], {word[begin:]: tag for word, tag in tags.items()})


def plain_prefix(pattern: re.Pattern[str]) -> str | None:
    """Return the word that a line has to begin with, for a pattern that asks for nothing else."""
    text = pattern.pattern
    is_plain = pattern.flags == re.UNICODE and text[:1] == "^" and _SPECIAL.isdisjoint(text[1:])
    return text[1:] if is_plain and len(text) > 1 else None


def is_anchored(pattern: re.Pattern[str]) -> bool:
    """Return whether it can match only where a line begins, so that `match` finds what `search` would."""
    return pattern.pattern[:1] == "^" and "|" not in pattern.pattern and not pattern.flags & re.MULTILINE


_REFERENCE = r"(?s)\\(?:([1-9][0-9]?)(?![0-9])|g<(\w+)>|.)"


def expansion(pattern: re.Pattern[str], new: str) -> str | None:
    """Return an f-string of a `match` that gives what `match.expand(new)` does; None if `new` is too rich.

    In Python before 3.12, `sub` calls a function for each match that joins the parts of `new` one by one.
    """
    template, groups, end = "", {}, 0
    for reference in re.finditer(_REFERENCE, new):
        number = _group_of(pattern, reference)
        if number is None:
            return None
        template += f"{_literal(new[end : reference.start()])}{{g{number}}}"
        groups[f"g{number}"] = f"match[{number}] or ''"
        end = reference.end()
    return filled(template + _literal(new[end:]), groups)


def _group_of(pattern: re.Pattern[str], reference: re.Match[str]) -> int | None:
    """Return the number of the group that is referred to; None if it is no group but some character."""
    number, name = reference.groups()
    if name is not None and not name.isdecimal():
        return pattern.groupindex[name]
    return int(number or name) if number or name else None


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


_TOKEN = re.compile(
    r"""
    (?P<flag>  \A\(\?i\))
    | (?P<open>  \((?:\?:|\?P<\w+>)?(?!\?))
    | (?P<shut>  \))
    | (?P<either>  \|)
    | (?P<others>  \[\^(?![-\]])(?:[^\\\]]|\\.)+\] | \\[sDW])
    | (?P<one>  \[(?![\^\]])(?:[^\\\]\x00-\x1f]|\\[dw]|\\[^A-Za-z0-9\s])+\]
              | \\[dwSb] | \\[^A-Za-z0-9\s] | [^\\\[\](){}|*+?\x00-\x1f])
    """,
    re.VERBOSE,
)
_MANY = re.compile(r"(?:[*+]|\{\d*,\d*\})[?+]?")
_MAYBE = re.compile(r"\?[?+]?")
_TIMES = re.compile(r"\{\d+\}")

_WITHOUT_ENDING = {r"\s": r"[^\S\n]", r"\D": r"[^\d\n]", r"\W": r"[^\w\n]"}
"""Escapes that match a line ending, each with what matches all else that it does."""

MOST_CHOICES = 2
"""The most branches and optional parts of a pattern for text; each may double the time."""


def in_text(pattern: re.Pattern[str]) -> re.Pattern[str] | None:
    r"""Return a pattern that finds in text of many lines what this one finds in a line of it; None if unsure.

    No line has a `\n`. The pattern repeats one part at most, so that no search goes on without end: nobody
    could tell in which line that is.
    """
    if pattern.flags & ~re.IGNORECASE != re.UNICODE:
        return None
    text, position, end = "", 0, len(pattern.pattern)
    repeated = choices = 0
    while position < end:
        token = _TOKEN.match(pattern.pattern, position)
        if token is None:
            return None
        position, kind, part = token.end(), token.lastgroup, token[0]
        if kind == "others":
            part = _WITHOUT_ENDING.get(part, f"[^\\n{part[2:]}")
        choices += kind == "either"
        quantifier = _MAYBE.match(pattern.pattern, position)
        if quantifier:
            choices += 1
        elif kind in {"one", "others"}:
            quantifier = _MANY.match(pattern.pattern, position)
            repeated += quantifier is not None
            quantifier = quantifier or _TIMES.match(pattern.pattern, position)
        if quantifier:
            position = quantifier.end()
            part += quantifier[0]
        text += part
    if repeated > 1 or choices > MOST_CHOICES:
        return None
    return re.compile(text, pattern.flags | re.MULTILINE)
