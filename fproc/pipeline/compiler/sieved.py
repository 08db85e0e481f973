"""Lines that enter a graph at a filter: those that it keeps are found in the text of a block, unsplit.

A program is given the lines that were found, and looks at them once more, as it does with all lines; the
others are counted as received, and nothing else. So what is looked for may be found in more lines than the
filter keeps, but in no fewer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fproc.pipeline.compiler.patterns import in_text, is_anchored, plain_words
from fproc.pipeline.processors.base import BuiltinForm, Form
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.records import BLOCK_BYTES, RawLines

KEPT_SHARE = 8
"""If more than one line in this many is kept, it takes less time to split the block."""

REST_BLOCKS = 64
"""The blocks that are split then, before the next one is searched."""

MOST_CHARACTERS = 2 * BLOCK_BYTES
"""The longest text that is searched: where one line is as long, a search of it all may take seconds."""

_FindLines = Callable[[str], tuple[list[str], list[int]]]
"""Return the lines of a text in which something is found, and where each of them begins."""


class SievedLines:
    """The lines of a block that a filter may keep.

    Args:
        text: the text of all lines.
        lines: those that were found.
        starts: where each of them begins in the text.
    """

    def __init__(self, text: str, lines: list[str], starts: Sequence[int]) -> None:
        self.lines = lines
        self._text = text
        self._starts = starts
        self._known = 0, 0  # the index of a line, and where that begins

    def index(self, number: int) -> int:
        """Return the index in the block of a line that was found, by its index among those; of none, -1."""
        if number < 0:
            return -1
        index, start = self._known
        wanted = self._starts[number]
        if wanted < start:
            index = start = 0
        index += self._text.count("\n", start, wanted)
        self._known = index, wanted
        return index


class Sieve:
    """Finds the lines of blocks that a filter may keep, as long as those are few.

    Args:
        find: finds them in a text.
    """

    def __init__(self, find: _FindLines) -> None:
        self._find = find
        self._rest_blocks = 0

    def take(self, block_lines: RawLines) -> SievedLines | None:
        """Return the lines that may be kept; None if it is better to look at each."""
        if self._rest_blocks:
            self._rest_blocks -= 1
            return None
        text = block_lines.text()
        if len(text) > MOST_CHARACTERS:
            return None
        lines, starts = self._find(text)
        if len(lines) * KEPT_SHARE > len(block_lines):
            self._rest_blocks = REST_BLOCKS
        return SievedLines(text, lines, starts)


def sieve_of(form: Form | None) -> Sieve | None:
    """Return a new sieve for a node that drops lines without a match, if text can be searched for that."""
    needed = BUILTINS[form.name].needs_match(form.values) if isinstance(form, BuiltinForm) else None
    if needed is None:
        return None
    words = plain_words(needed)
    if words:
        is_in_line = len(words) == 1 and "\n" not in words[0]
        return Sieve(_finder_of_word(words[0])) if is_in_line else None
    pattern = None if is_anchored(needed) else in_text(needed)
    return Sieve(_finder_of_pattern(pattern)) if pattern else None


def _finder_of_word(word: str) -> _FindLines:
    def find_lines(text: str) -> tuple[list[str], list[int]]:
        lines, starts = [], []
        find, find_last = text.find, text.rfind
        position = find(word)
        while position >= 0:
            start, end = find_last("\n", 0, position) + 1, find("\n", position)
            starts.append(start)
            if end < 0:
                lines.append(text[start:])
                break
            lines.append(text[start:end])
            position = find(word, end)
        return lines, starts

    return find_lines


def _finder_of_pattern(pattern: re.Pattern[str]) -> _FindLines:
    search = pattern.search

    def find_lines(text: str) -> tuple[list[str], list[int]]:
        lines, starts = [], []
        find, find_last = text.find, text.rfind
        last = len(text) - text.endswith("\n")
        position = 0
        while position <= last and (match := search(text, position, last)):
            begin = match.start()
            start, end = find_last("\n", 0, begin) + 1, find("\n", begin)
            end = last if end < 0 else end
            starts.append(start)
            lines.append(text[start:end])
            position = end + 1
        return lines, starts

    return find_lines
