r"""Records that are more than a line: a stack trace with its error, a quoted field with a line ending in it.

A frame groups the lines of blocks into records, or cuts the bytes of an input at a separator. Such a record
is text with `\n` inside and none at its end, and its number is that of its first line. No result depends on
where blocks fall: a record is complete only once the next one begins, or the input ends.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from fproc.config.input_format import CONTINUES, LINES, SEPARATOR, STARTS, Records
from fproc.pipeline.records import BLOCK_BYTES, Block, Overlong, Passing, decode_text, no_hole, read_pieces
from fproc.run.reading.limit import head_of, size_bytes_of, within_limit
from fproc.run.reading.raw import Read
from fproc.run.reading.separators import Cutting, separator_pattern

Piece = Block | Overlong | Passing
"""What is fed at a time; from the middle of a line that is skipped, there is nothing to feed."""

_OPENING = r'(?:^|(?<=[,;\t|]))"'
"""A quote that opens a field: at the start of a line, or after a separator."""

_WITHIN_LINE = (
    r"\^(?:\\[dwS]|\\[^A-Za-z0-9\s]"
    r"|\[(?!\^)(?:\\[dw]|\\[^A-Za-z0-9\s]|[^\\\]\x00-\x1f])+\]"
    r"|[^\\\[\](){}|*+?^$\x00-\x1f]|[*+?]|\{\d+(?:,\d*)?\})+"
)
"""Patterns that match at the beginning of a line, and no line ending: many lines can be searched at once."""

_CLOSING = r'[^"]*(?:""[^"]*)*"(?!")'
"""A quoted field from its inside on to the quote that closes it; two quotes are one in the field."""


SEPARATOR_BYTES = 4096
"""The longest pattern of a separator at which an input can be cut into chunks."""


class Boundaries(Protocol):
    """Says which lines begin records; it sees each line of an input once, in order."""

    def __call__(self, lines: Sequence[str]) -> tuple[list[int], list[str]]:
        """Return the indices of those lines that begin a record, and the records but for the last one."""

    def may_go_on(self) -> bool:
        """Return whether the record of the last line may go on."""

    def are_records(self, raw: bytes) -> bool:
        """Return whether each line of these bytes is a record by itself, if the first one begins one."""


def can_be_chunked(records: Records) -> bool:
    """Return whether it can be told anywhere in an input where the next record begins.

    It cannot within quotes, nor at a separator that can overlap itself: where that is found depends on where
    the search begins.
    """
    if isinstance(records, str):
        return records == LINES
    if SEPARATOR not in records:
        return True
    text = records[SEPARATOR].replace("\r\n", "\n")
    is_short = len(separator_pattern(records).pattern) < SEPARATOR_BYTES
    return is_short and not any(text.endswith(text[:size]) for size in range(1, len(text)))


def boundary_finder(records: Records) -> tuple[int, Callable[[bytes, int], tuple[bool, int]]]:
    """Return what finds the first record that begins in bytes, and how many bytes before it has to see.

    It is called with bytes, and the index from which on a record may begin; it returns true and the index of
    the first that does, or false and the index from which on nothing is known.
    """
    if isinstance(records, dict) and SEPARATOR in records:
        separator = separator_pattern(records)

        def after_separator(data: bytes, start: int) -> tuple[bool, int]:
            ends = (found.end() for found in separator.finditer(data))
            end = next((end for end in ends if end >= start), None)
            return (False, len(data)) if end is None else (True, end)

        return len(separator.pattern), after_separator
    begins = None if isinstance(records, str) else _boundaries(records)

    def at_line(data: bytes, start: int) -> tuple[bool, int]:
        position = data.find(b"\n", start - 1) + 1
        while position and begins is not None:
            end = data.find(b"\n", position)
            if end < 0:
                return False, position
            if begins([decode_text(data[position:end]).removesuffix("\r")])[0]:
                break
            position = end + 1
        return (True, position) if position else (False, len(data))

    return 1, at_line


def read_records(
    records: Records,
    read: Read,
    *,
    max_line_bytes: int,
    block_bytes: int = BLOCK_BYTES,
    line_no: int = 1,
    offset_bytes: int = 0,
    skip_hole: Callable[[], int] = no_hole,
    passing: Passing | None = None,
) -> Iterator[Piece]:
    """Read the records of an input to its end; for the arguments after `records` see `read_pieces`."""
    if isinstance(records, dict) and SEPARATOR in records:
        cutting = Cutting(separator_pattern(records), max_line_bytes, line_no, offset_bytes)
        return cutting.cut(read, block_bytes)
    pieces = read_pieces(
        read,
        max_line_bytes=max_line_bytes,
        block_bytes=block_bytes,
        line_no=line_no,
        offset_bytes=offset_bytes,
        skip_hole=skip_hole,
        passing=passing,
    )
    return pieces if records == LINES else _Grouping(_boundaries(records), max_line_bytes).group(pieces)


def _boundaries(records: Records) -> Boundaries:
    if isinstance(records, str):
        return _Quotes()
    return _Matches(records.get(STARTS) or records[CONTINUES], begins=STARTS in records)


class _Matches:
    """Says which lines begin a record by a pattern.

    Args:
        pattern: a regular expression.
        begins: whether a line begins a record if that is found in it, or if it is not.
    """

    def __init__(self, pattern: str, *, begins: bool) -> None:
        self._search = re.compile(pattern).search
        self._begins = begins
        self._find: Callable[[str], Iterator[re.Match[str]]] | None = None
        if re.fullmatch(_WITHIN_LINE, pattern):
            self._find = re.compile(f"\n(?{'=' if begins else '!'}{pattern[1:]})").finditer

    def __call__(self, lines: Sequence[str]) -> tuple[list[int], list[str]]:
        search, begins = self._search, self._begins
        if self._find is None:
            indices = [index for index, line in enumerate(lines) if (search(line) is not None) is begins]
            return indices, _joined(lines, indices)
        text = "\n".join(lines)
        starts = [found.end() for found in self._find(text)]
        if (search(lines[0]) is not None) is begins:
            starts.insert(0, 0)
        texts = [text[start : end - 1] for start, end in itertools.pairwise(starts)]
        first = text.count("\n", 0, starts[0]) if starts else 0
        counts = [text.count("\n") + 1 for text in texts]
        return list(itertools.accumulate(counts, initial=first)) if starts else [], texts

    def may_go_on(self) -> bool:
        """Return true: the next line may belong to the record."""
        return True

    def are_records(self, _raw: bytes) -> bool:
        """Return false: that is known of no line before the next one is."""
        return False


class _Quotes:
    """Says of the lines of a CSV file which begin a record: those that do not begin within quotes."""

    def __init__(self) -> None:
        self._is_quoted = False  # where the next line begins
        self._opening, self._closing = re.compile(_OPENING).search, re.compile(_CLOSING).match

    def __call__(self, lines: Sequence[str]) -> tuple[list[int], list[str]]:
        begins = []
        for index, line in enumerate(lines):
            if not self._is_quoted:
                begins.append(index)
            if '"' in line:
                self._is_quoted = self._ends_quoted(line)
        return begins, _joined(lines, begins)

    def may_go_on(self) -> bool:
        """Return whether the last line ended within quotes."""
        return self._is_quoted

    def are_records(self, raw: bytes) -> bool:
        """Return whether there is no quote in bytes."""
        return b'"' not in raw

    def _ends_quoted(self, line: str) -> bool:
        """Return whether a line ends within quotes."""
        position, is_quoted = 0, self._is_quoted
        while True:
            if is_quoted:
                closing = self._closing(line, position)
                if closing is None:
                    return True
                position = closing.end()
            opening = self._opening(line, position)
            if opening is None:
                return False
            position, is_quoted = opening.end(), True


class _Grouping:
    """Groups lines into records.

    Args:
        boundaries: says which lines begin a record.
        max_line_bytes: the longest record, without its ending; a longer one comes as an `Overlong`.
    """

    def __init__(self, boundaries: Boundaries, max_line_bytes: int) -> None:
        self._boundaries = boundaries
        self._max_bytes = max_line_bytes
        self._lines: list[str] = []  # of the record that is not complete
        self._raw: list[bytes] = []
        self._raw_bytes = 0
        self._line_no = self._offset_bytes = 0
        self._is_begun = False
        self._head: str | None = None  # of the record, once it is over the limit

    def group(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Yield the records of an input."""
        for piece in pieces:
            if isinstance(piece, Block):
                yield from self._take(piece)
            elif isinstance(piece, Overlong):
                yield from self._take_overlong(piece)
        if self._is_begun:
            yield from self._complete()

    def _take(self, block: Block) -> Iterator[Piece]:
        if not self._is_begun and self._boundaries.are_records(block.raw):
            yield block
            return
        begins, texts = self._boundaries(block.lines)
        if not self._is_begun and begins[:1] != [0]:  # what comes before the first boundary is a record, too
            self._begin(block.first_line_no, block.offset_bytes)
        if begins:
            numbers = [block.first_line_no + begin for begin in begins[:-1]]
            if begins[0]:
                before, block = block.cut(begins[0])
                self._hold(before.lines, before.raw)
            whole, block = block.cut(begins[-1] - begins[0]) if texts else (None, block)
            yield from self._complete(whole, texts, numbers)
            self._begin(block.first_line_no, block.offset_bytes)
        self._hold(block.lines, block.raw)
        if not self._boundaries.may_go_on():
            yield from self._complete()

    def _take_overlong(self, line: Overlong) -> Iterator[Piece]:
        """Take a line that alone is over the limit: so is its record."""
        if self._boundaries([line.head])[0] and self._is_begun:
            yield from self._complete()
        if not self._is_begun:
            self._begin(line.line_no, line.offset_bytes)
        self._lines.append(line.head)
        self._pass_over()

    def _begin(self, line_no: int, offset_bytes: int) -> None:
        self._line_no, self._offset_bytes = line_no, offset_bytes
        self._is_begun, self._head = True, None
        self._lines, self._raw, self._raw_bytes = [], [], 0

    def _hold(self, lines: Sequence[str], raw: bytes) -> None:
        """Keep lines of the record that is not complete, unless it is over the limit."""
        if self._head is not None:
            return
        self._lines += lines
        self._raw.append(raw)
        self._raw_bytes += len(raw)
        if self._raw_bytes > self._max_bytes and size_bytes_of(self._text()) > self._max_bytes:
            self._pass_over()

    def _pass_over(self) -> None:
        """Keep no more of the record than its head."""
        if self._head is None:
            self._head = head_of("\n".join(self._lines), self._max_bytes)
        self._lines, self._raw = [], []

    def _text(self) -> str:
        return "\n".join(self._lines).rstrip("\n")

    def _complete(
        self, following: Block | None = None, texts: Sequence[str] = (), numbers: Sequence[int] = ()
    ) -> Iterator[Piece]:
        """Yield the record that is complete now, if any is begun, and those of a block that follows it."""
        if self._head is not None:
            yield Overlong(self._line_no, self._offset_bytes, self._head)
        elif self._is_begun:
            texts, numbers = [self._text(), *texts], [self._line_no, *numbers]
            raw = b"".join([*self._raw, following.raw if following else b""])
            following = Block([], self._line_no, self._offset_bytes, raw)
        if following is not None:
            block = following._replace(lines=[text.rstrip("\n") for text in texts], numbers=[*numbers])
            yield from within_limit(block, self._max_bytes)
        self._is_begun, self._head = False, None
        self._lines, self._raw = [], []


def _joined(lines: Sequence[str], begins: list[int]) -> list[str]:
    return ["\n".join(lines[begin:end]) for begin, end in itertools.pairwise(begins)]
