"""Patterns of file names, without regard to capitals, and the patterns that name an input's marker."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Sequence

from fproc.base.values import dataclass

COMPRESSED = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".bz2": "bzip2",
    ".xz": "xz",
    ".lzma": "xz",
    ".zip": "zip",
    ".zst": "zstd",
}
"""Suffixes of compressed files, which results do not carry, and what they are compressed with."""

_WILD = re.compile(r"[*?\[]")
_PLAIN = re.compile(r"[^*?]+")
_BETWEEN = "\0"
"""It can be in no name."""
_FIELD = re.compile(r"\{(\w*)\}")


class NamePatterns:
    """Shell patterns (`*.csv`), of which a name has to match one; `*.CSV` and `*.csv` are the same.

    Most patterns are a plain name, end or beginning, which takes no regular expression to look for. Each has
    a sign: a text that is in a row of names if one of them matches.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self.matches_all = "*" in patterns
        self._names: set[str] = set()
        ends: list[str] = []
        beginnings: list[str] = []
        others: list[str] = []
        translated: list[str] = []
        for pattern in patterns:
            plain = pattern.lower()
            if not _WILD.search(plain):
                self._names.add(plain)
            elif not _WILD.search(plain[1:]) and plain[0] == "*":
                ends.append(plain[1:])
            elif not _WILD.search(plain[:-1]) and plain[-1] == "*":
                beginnings.append(plain[:-1])
            else:
                others.append(plain if plain.isascii() and "[" not in plain else "*")
                translated.append(fnmatch.translate(pattern))
        self._ends = tuple(ends)
        self._beginnings = tuple(beginnings)
        self._others = re.compile("|".join(translated), re.IGNORECASE) if translated else None
        self._signs = [
            *(_BETWEEN + name + _BETWEEN for name in self._names),
            *(end + _BETWEEN for end in ends),
            *(_BETWEEN + beginning for beginning in beginnings),
            *(max(_PLAIN.findall(pattern), key=len, default="") for pattern in others),
        ]

    def match(self, name: str) -> bool:
        """Return whether a name matches one of the patterns."""
        if self.matches_all:
            return True
        plain = name.lower()
        return (
            plain in self._names
            or plain.endswith(self._ends)
            or plain.startswith(self._beginnings)
            or (self._others is not None and self._others.match(name) is not None)
        )

    def surely_match_none(self, names: Sequence[str]) -> bool:
        """Return True if no name matches any pattern, by a quick look at all of them; False says nothing."""
        text = f"{_BETWEEN}{_BETWEEN.join(names)}{_BETWEEN}".lower()
        if self.matches_all or not text.isascii():  # of other letters, some have several small ones
            return False
        return not any(sign in text for sign in self._signs)


def matches(name: str, pattern: str) -> bool:
    """Return whether a name matches one pattern; for calls that are rare."""
    return NamePatterns((pattern,)).match(name)


_COMPRESSED_ENDINGS = tuple(COMPRESSED)


def result_name(name: str) -> str:
    """Return an input's name without a compression suffix: what its results are named after."""
    if not name.lower().endswith(_COMPRESSED_ENDINGS):
        return name
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in COMPRESSED else name


@dataclass(frozen=True, slots=True)
class MarkerPattern:
    """How the marker of an input is called: `before`, the input's name or its stem, `behind`.

    `{stem}` is what it is in names of results: the name without its suffix, and without that of compression.
    """

    before: str
    behind: str
    is_of_stem: bool = False

    @classmethod
    def of(cls, text: str) -> MarkerPattern:
        """Read a pattern: `.done` is `{name}.done`.

        Raises:
            ValueError: it names no marker; says why.
        """
        fields = _FIELD.findall(text)
        if len(fields) > 1 or not set(fields) <= {"name", "stem"}:
            raise ValueError("must have {name} or {stem} once, and no other field")
        if not fields:
            if text[:1].isalnum() or _WILD.search(text):
                raise ValueError("says nothing of the input's name")
            return cls("", text)
        before, _, behind = text.partition("{" + fields[0] + "}")
        if not before and not behind:
            raise ValueError("would make every file a marker")
        return cls(before, behind, is_of_stem=fields[0] == "stem")

    def of_input(self, name: str) -> str:
        """Return the name of an input's marker."""
        if not self.is_of_stem:
            return self.around(name)
        plain = result_name(name)
        return self.around(plain.rpartition(".")[0] or plain)

    @property
    def size_bytes(self) -> int:
        """How much longer than an input's name its marker's may be."""
        return len(os.fsencode(self.before + self.behind))

    def around(self, name: str) -> str:
        """Return an input's whole name with what the pattern adds: a marker's name that is for one alone."""
        return self.before + name + self.behind

    def within(self, marker: str) -> str:
        """Return what a marker's name has of its input's."""
        return marker[len(self.before) : len(marker) - len(self.behind)]

    def is_marker(self, name: str) -> bool:
        """Return whether a file of this name is a marker; capitals in what the pattern adds do not count."""
        plain, before, behind = name.lower(), self.before.lower(), self.behind.lower()
        is_long = len(plain) >= len(before) + len(behind)
        return is_long and plain.startswith(before) and plain.endswith(behind)

    def spelled(self, name: str) -> str:
        """Return a marker's name with what the pattern adds to it spelled as in the pattern."""
        return self.around(self.within(name))
