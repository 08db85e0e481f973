r"""Records that are more than a line: a stack trace with its error, a quoted field with a line ending in it.

A frame groups the lines of blocks into records, or cuts the bytes of an input at a separator. Such a record
is text with `\n` inside and none at its end, and its number is that of its first line. No result depends on
where blocks fall: a record is complete only once the next one begins, or the input ends.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from fproc.config.input_format import CONTINUES, LINES, SEPARATOR, STARTS, Records
from fproc.pipeline.records import (
    BLOCK_BYTES,
    HEAD_BYTES,
    Block,
    Overlong,
    Passing,
    decode,
    no_hole,
    read_pieces,
)

Piece = Block | Overlong | Passing
"""What is fed at a time; from the middle of a line that is skipped, there is nothing to feed."""

Read = Callable[[int], bytes]

_OPENING = r'(?:^|(?<=[,;\t|]))"'
"""A quote that opens a field: at the start of a line, or after a separator."""

_CLOSING = r'[^"]*(?:""[^"]*)*"(?!")'
"""A quoted field from its inside on to the quote that closes it; two quotes are one in the field."""


class Boundaries(Protocol):
    """Says which lines begin records; it sees each line of an input once, in order."""

    def __call__(self, lines: list[str]) -> list[int]:
        """Return the indices of those lines that begin a record."""


SEPARATOR_BYTES = 4096
"""The longest pattern of a separator at which an input can be cut into chunks."""


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
            if begins([decode(data[position:end]).removesuffix("\r")]):
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
        cutting = _Cutting(separator_pattern(records), max_line_bytes, line_no, offset_bytes)
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
    if STARTS in records:
        starts = re.compile(records[STARTS]).search
        return lambda lines: [index for index, line in enumerate(lines) if starts(line)]
    continues = re.compile(records[CONTINUES]).search
    return lambda lines: [index for index, line in enumerate(lines) if not continues(line)]


class _Quotes:
    """Says of the lines of a CSV file which begin a record: those that do not begin within quotes."""

    def __init__(self) -> None:
        self._is_quoted = False
        self._opening, self._closing = re.compile(_OPENING).search, re.compile(_CLOSING).match

    def __call__(self, lines: list[str]) -> list[int]:
        begins = []
        for index, line in enumerate(lines):
            if not self._is_quoted:
                begins.append(index)
            if '"' in line:
                self._is_quoted = self._ends_quoted(line)
        return begins

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
        begins = self._boundaries(block.lines)
        if not self._is_begun:
            self._begin(block.first_line_no, block.offset_bytes)
            begins = begins[1:] if begins[:1] == [0] else begins
        if begins and begins[0]:
            before, block = block.cut(begins[0])
            self._hold(before.lines, before.raw)
            begins = [begin - begins[0] for begin in begins]
        if begins:
            whole, block = block.cut(begins[-1]) if begins[-1] else (None, block)
            yield from self._complete(whole, begins)
            self._begin(block.first_line_no, block.offset_bytes)
        self._hold(block.lines, block.raw)

    def _take_overlong(self, line: Overlong) -> Iterator[Piece]:
        """Take a line that alone is over the limit: so is its record."""
        if self._boundaries([line.head]) and self._is_begun:
            yield from self._complete()
            self._is_begun = False
        if not self._is_begun:
            self._begin(line.line_no, line.offset_bytes)
        self._lines.append(line.head)
        self._pass_over()

    def _begin(self, line_no: int, offset_bytes: int) -> None:
        self._line_no, self._offset_bytes = line_no, offset_bytes
        self._is_begun, self._head = True, None
        self._lines, self._raw, self._raw_bytes = [], [], 0

    def _hold(self, lines: list[str], raw: bytes) -> None:
        """Keep lines of the record that is not complete, unless it is over the limit."""
        if self._head is not None:
            return
        self._lines += lines
        self._raw.append(raw)
        self._raw_bytes += len(raw)
        if self._raw_bytes > self._max_bytes and _size_bytes(self._text()) > self._max_bytes:
            self._pass_over()

    def _pass_over(self) -> None:
        """Keep no more of the record than its head."""
        if self._head is None:
            self._head = head_of("\n".join(self._lines), self._max_bytes)
        self._lines, self._raw = [], []

    def _text(self) -> str:
        return "\n".join(self._lines).rstrip("\n")

    def _complete(self, following: Block | None = None, begins: Sequence[int] = ()) -> Iterator[Piece]:
        """Yield the record that is complete now, and the records of a block that follows it.

        `begins` are the indices of the lines that begin those, and of the one that comes after the block.
        """
        texts: list[str] = []
        numbers: list[int] = []
        if following is not None:
            pairs = itertools.pairwise(begins)
            texts = ["\n".join(following.lines[begin:end]).rstrip("\n") for begin, end in pairs]
            numbers = [following.first_line_no + begin for begin in begins[:-1]]
        if self._head is None:
            texts.insert(0, self._text())
            numbers.insert(0, self._line_no)
            raw = b"".join([*self._raw, following.raw if following else b""])
            following = Block([], self._line_no, self._offset_bytes, raw)
        else:
            yield Overlong(self._line_no, self._offset_bytes, self._head)
        if following is not None:
            yield from within_limit(following._replace(lines=texts, numbers=numbers), self._max_bytes)


def within_limit(block: Block, max_bytes: int) -> Iterator[Block | Overlong]:
    """Yield the records of a block, as several blocks around those that are over the limit."""
    if len(block.raw) <= max_bytes:
        yield block
        return
    while True:
        sizes = enumerate(map(_size_bytes, block.lines))
        index = next((index for index, size_bytes in sizes if size_bytes > max_bytes), None)
        if index is None:
            yield block
            return
        if index:
            before, block = block.cut(index)
            yield before
        head = head_of(block.lines[0], max_bytes)
        yield Overlong(block.line_no(0), block.record_offset_bytes(0), head)
        if len(block.lines) == 1:
            return
        block = block.cut(1)[1]


def head_of(text: str, max_bytes: int) -> str:
    """Return the first characters of a record over the limit, the same however much of it was read."""
    head = text[: min(HEAD_BYTES, max_bytes)]
    while _size_bytes(head) > min(HEAD_BYTES, max_bytes):
        head = head[:-1]
    return head


def _size_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def separator_pattern(records: Mapping[str, str]) -> re.Pattern[bytes]:
    r"""Return what finds the separator of records in bytes; each `\n` of it may have a `\r` before it."""
    lines = records[SEPARATOR].replace("\r\n", "\n").encode("utf-8", "surrogateescape").split(b"\n")
    return re.compile(rb"\r?\n".join(map(re.escape, lines)))


class _Cutting:
    """Cuts the bytes of an input into records.

    Args:
        separator: finds what ends a record.
        max_bytes: the longest record; a longer one comes as an `Overlong`.
        line_no, offset_bytes: where the input begins.
    """

    def __init__(self, separator: re.Pattern[bytes], max_bytes: int, line_no: int, offset_bytes: int) -> None:
        self._separator = separator
        self._tail_bytes = 2 * len(separator.pattern)  # no separator is longer
        self._max_bytes = max_bytes
        self._line_no = line_no
        self._offset_bytes = offset_bytes
        self._held = b""  # what was read of the record that begins there, or the end of that
        self._passed_bytes = self._passed_lines = 0
        self._head: str | None = None  # of that record, once it is over the limit

    def cut(self, read: Read, block_bytes: int) -> Iterator[Block | Overlong]:
        """Read an input to its end; what follows the last separator is a record, if it is any text."""
        while chunk := read(block_bytes):
            self._held += chunk
            if self._head is not None:
                found = self._separator.search(self._held)
                if found is None:
                    self._pass_over()
                    continue
                yield Overlong(self._line_no, self._offset_bytes, self._head)
                self._go_on(found.end())
            yield from self._complete()
        if self._head is not None:
            yield Overlong(self._line_no, self._offset_bytes, self._head)
        elif text := _text_of(self._held):
            places = [self._line_no], [self._offset_bytes]
            block = Block([text], self._line_no, self._offset_bytes, self._held, *places)
            yield from within_limit(block, self._max_bytes)

    def _complete(self) -> Iterator[Block | Overlong]:
        """Yield the records that have ended; hold what comes after them."""
        data, line_no, begin = self._held, self._line_no, 0
        texts, numbers, offsets = [], [], []
        for found in self._separator.finditer(data):
            texts.append(_text_of(data[begin : found.start()]))
            numbers.append(line_no)
            offsets.append(self._offset_bytes + begin)
            line_no += data.count(b"\n", begin, found.end())
            begin = found.end()
        if begin:
            block = Block(texts, self._line_no, self._offset_bytes, data[:begin], numbers, offsets)
            yield from within_limit(block, self._max_bytes)
            self._go_on(begin)
        if len(self._held) > self._max_bytes + self._tail_bytes:
            text = _text_of(self._held[: -self._tail_bytes]).rstrip("\r\n")
            if _size_bytes(text) > self._max_bytes:
                self._head = head_of(text, self._max_bytes)
                self._pass_over()

    def _go_on(self, size_bytes: int) -> None:
        """Begin a record after so many bytes of what is held."""
        self._line_no += self._passed_lines + self._held.count(b"\n", 0, size_bytes)
        self._offset_bytes += self._passed_bytes + size_bytes
        self._held = self._held[size_bytes:]
        self._passed_bytes = self._passed_lines = 0
        self._head = None

    def _pass_over(self) -> None:
        """Drop what is held, but for what may be the beginning of a separator."""
        dropped, self._held = self._held[: -self._tail_bytes], self._held[-self._tail_bytes :]
        self._passed_bytes += len(dropped)
        self._passed_lines += dropped.count(b"\n")


def _text_of(raw: bytes) -> str:
    return decode(raw).replace("\r\n", "\n").rstrip("\n")
