r"""Bytes to lines and back.

A record is `(tag, line)`. A line is text without its ending: `\n` ends it, one `\r` before that is
dropped, and nothing else splits. A last line without `\n` counts, keeps its `\r`, and so do empty lines.
Text is UTF-8; bytes that are not are carried as lone surrogates (PEP 383, "surrogateescape") and come out
as the bytes they were.

Input is read in blocks that end at a line's end, so memory is bounded by one block and one line whatever
the size of the file, and no result depends on where the blocks fall.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import NamedTuple, overload

Record = tuple[str, str]

BLOCK_BYTES = 64 * 1024
"""One read. 64 KiB stays in the processor's cache; larger blocks were measured slower."""

PASS_BYTES = 1024 * 1024
"""The bytes between two reports from the middle of a line that is skipped."""

HEAD_BYTES = 200
"""The bytes of a line over the limit that are kept for the message about it."""


class RawLines(Sequence[str]):
    """The lines of a piece of input that begins where a line does; they are split when one is asked for.

    Args:
        raw: the piece.
        soon: whether they will probably be asked for: then they are split to be counted.

    Attributes:
        are_read: whether any was asked for.
    """

    __slots__ = ("_count", "_lines", "_raw", "_soon", "are_read")

    def __init__(self, raw: bytes, *, soon: bool = False) -> None:
        self.are_read = False
        self._soon = soon
        self._raw = raw
        self._count = -1
        self._lines: list[str] | None = None

    @property
    def is_split(self) -> bool:
        """Whether they are split."""
        return self._lines is not None

    def text(self) -> str:
        r"""Return the lines as one text, each ended by `\n`, the last one perhaps not."""
        text = decode_text(self._raw)
        has_return = b"\r" in self._raw  # one byte is found 25 times as fast as two
        return text.replace("\r\n", "\n") if has_return else text

    def __len__(self) -> int:
        if self._soon or self.is_split:
            return len(self._split())
        if self._count < 0:
            raw = self._raw
            endings = len(raw) - len(raw.replace(b"\n", b""))  # a fifth of the time that `count` takes
            self._count = endings + (raw != b"" and not raw.endswith(b"\n"))
        return self._count

    def __iter__(self) -> Iterator[str]:
        self.are_read = True
        return iter(self._split())

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        self.are_read = True
        return self._split()[index]

    def _split(self) -> list[str]:
        if self._lines is None:
            lines = self.text().split("\n")
            if not lines[-1]:
                lines.pop()
            self._lines = lines
        return self._lines


class Block(NamedTuple):
    """Whole records of an input, most often lines, with their position in it.

    `first_line_no` counts from 1; `offset_bytes` is the position of `raw` in the contents. Where a record may
    be more than a line, `numbers` are those of the first line of each; and where a record may begin within a
    line, `offsets` are their positions in the contents.
    """

    lines: Sequence[str]
    first_line_no: int
    offset_bytes: int
    raw: bytes
    numbers: list[int] | None = None
    offsets: list[int] | None = None

    def line_no(self, index: int) -> int:
        """Return the number of the first line of a record."""
        return self.first_line_no + index if self.numbers is None else self.numbers[index]

    def record_offset_bytes(self, index: int) -> int:
        """Return the position in the contents at which a record begins."""
        if self.offsets is not None:
            return self.offsets[index]
        lines_after = len(self.lines) - index
        if self.numbers is None and lines_after < index:
            return self.offset_bytes + self._start_from_end(lines_after)
        return self.offset_bytes + skip_lines(self.raw, self.line_no(index) - self.first_line_no)

    def _start_from_end(self, lines: int) -> int:
        end = len(self.raw) - self.raw.endswith(b"\n")
        for _ in range(lines):
            end = self.raw.rfind(b"\n", 0, end)
        return end + 1

    def cut(self, count: int) -> tuple[Block, Block]:
        """Return the first `count` records, which must be fewer than there are, and the others."""
        offset_bytes = self.record_offset_bytes(count)
        size_bytes = offset_bytes - self.offset_bytes
        numbers, offsets = self.numbers, self.offsets
        before, after = self.raw[:size_bytes], self.raw[size_bytes:]
        lines: tuple[Sequence[str], Sequence[str]] = (
            (RawLines(before), RawLines(after))
            if isinstance(self.lines, RawLines)
            else (self.lines[:count], self.lines[count:])
        )
        return (
            Block(
                lines[0],
                self.first_line_no,
                self.offset_bytes,
                before,
                numbers and numbers[:count],
                offsets and offsets[:count],
            ),
            Block(
                lines[1],
                self.line_no(count),
                offset_bytes,
                after,
                numbers and numbers[count:],
                offsets and offsets[count:],
            ),
        )


class Overlong(NamedTuple):
    """A line of more than the allowed bytes. It was skipped; only its `head` was kept."""

    line_no: int
    offset_bytes: int
    head: str


class Passing(NamedTuple):
    """The middle of a line that will be an `Overlong`: `passed_bytes` of it were skipped up to now."""

    line_no: int
    offset_bytes: int
    passed_bytes: int
    head: str

    @property
    def reached_bytes(self) -> int:
        """The position in the (decompressed) input."""
        return self.offset_bytes + self.passed_bytes


def decode_text(raw: bytes) -> str:
    """Return bytes of an input as text; undecodable bytes survive."""
    return raw.decode("utf-8", "surrogateescape")


def encode_text(text: str) -> bytes:
    """Return the bytes that `decode_text` made text of."""
    return text.encode("utf-8", "surrogateescape")


def encode_lines(lines: Iterable[str]) -> bytes:
    r"""Return the bytes of whole lines, each ended with `\n`.

    Raises:
        UnicodeEncodeError: a processor made a surrogate that stands for no byte.
    """
    return "\n".join([*lines, ""]).encode("utf-8", "surrogateescape")


def skip_lines(raw: bytes, count: int, start: int = 0) -> int:
    """Return where the line begins that comes `count` lines after the one that begins at `start`."""
    for _ in range(count):
        start = raw.index(b"\n", start) + 1
    return start


def no_hole() -> int:
    """Return that there is no hole in an input: all of it has to be read."""
    return 0


def read_pieces(
    read: Callable[[int], bytes],
    *,
    max_line_bytes: int,
    block_bytes: int = BLOCK_BYTES,
    line_no: int = 1,
    offset_bytes: int = 0,
    skip_hole: Callable[[], int] = no_hole,
    passing: Passing | None = None,
) -> Iterator[Block | Overlong | Passing]:
    """Read an input to its end.

    Args:
        read: returns up to that many bytes, and b"" at the end of the input.
        max_line_bytes: the longest line, without its ending; a longer one comes as an `Overlong`.
        block_bytes: how much to read at once; never changes what the lines are.
        line_no: the number of the first line that is read.
        offset_bytes: the (decompressed) offset at which that line begins; `read` is positioned there.
        skip_hole: if `read` is in a hole, moves it to the end of that; returns how many bytes those were.
        passing: what was yielded last of that line, to go on from there; `read` is positioned there.
    """
    held: list[bytes] = []  # an unfinished line, in the pieces it was read in
    held_bytes = 0
    rest = b""  # read, but after a line that was skipped
    are_read = True  # the lines of the block before, by whoever was given it
    while True:
        if passing:
            passed_bytes, rest = yield from _pass_over(passing, read, block_bytes, skip_hole)
            yield Overlong(line_no, offset_bytes, passing.head)
            line_no += 1
            offset_bytes += passed_bytes
            held, held_bytes, passing = [], 0, None
        chunk = rest or read(block_bytes)
        if not chunk:
            break
        rest = b""
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            held.append(chunk)
            held_bytes += len(chunk)
            if held_bytes > max_line_bytes + 1:  # + 1: the last byte may be the ending's "\r"
                passing = Passing(line_no, offset_bytes, held_bytes, _head(b"".join(held), max_line_bytes))
            continue
        raw = b"".join([*held, chunk[:cut]])
        for piece in _within_limit(raw, line_no, offset_bytes, max_line_bytes, soon=are_read):
            yield piece
            line_no += len(piece.lines) if isinstance(piece, Block) else 1
            if isinstance(piece, Block) and isinstance(piece.lines, RawLines):
                are_read = piece.lines.are_read
        offset_bytes += len(raw)
        held = [chunk[cut:]] if cut < len(chunk) else []
        held_bytes = len(chunk) - cut
    if held:
        yield from _within_limit(b"".join(held), line_no, offset_bytes, max_line_bytes)


def _head(line: bytes, max_line_bytes: int) -> str:
    """Return the first whole characters of a line over the limit, the same however much of it was read."""
    head = line[: min(HEAD_BYTES, max_line_bytes)]
    while head and line[len(head) : len(head) + 1] and 0x80 <= line[len(head)] < 0xC0:  # noqa: PLR2004 - UTF-8
        head = head[:-1]
    return decode_text(head)


def _pass_over(
    passing: Passing, read: Callable[[int], bytes], block_bytes: int, skip_hole: Callable[[], int]
) -> Generator[Passing, None, tuple[int, bytes]]:
    r"""Read on to the next `\n`; return the line's length up to there, and what was read after it.

    A hole reads as NULs, so there is no line ending in it.
    """
    passed_bytes = reported_bytes = passing.passed_bytes
    while chunk := read(block_bytes):
        end = chunk.find(b"\n") + 1
        if end:
            return passed_bytes + end, chunk[end:]
        passed_bytes += len(chunk)
        if chunk.endswith(b"\0"):
            passed_bytes += skip_hole()
        if passed_bytes - reported_bytes >= PASS_BYTES:
            reported_bytes = passed_bytes
            yield passing._replace(passed_bytes=passed_bytes)
    return passed_bytes, b""


def _within_limit(
    raw: bytes, line_no: int, offset_bytes: int, max_line_bytes: int, *, soon: bool = True
) -> Iterator[Block | Overlong]:
    """Yield one block, or several around the lines that are over the limit."""
    if len(raw) <= max_line_bytes:
        yield Block(RawLines(raw, soon=soon), line_no, offset_bytes, raw)
        return
    start = position = 0  # of the lines that were not yielded yet, and of the current line
    count = 0
    for line in _keepends(raw):
        ending = 2 if line.endswith(b"\r\n") else 1 if line.endswith(b"\n") else 0
        if len(line) - ending > max_line_bytes:
            if count:
                allowed = raw[start:position]
                yield Block(RawLines(allowed), line_no, offset_bytes + start, allowed)
                line_no += count
            yield Overlong(line_no, offset_bytes + position, _head(line, max_line_bytes))
            line_no, count, start = line_no + 1, 0, position + len(line)
        else:
            count += 1
        position += len(line)
    if count:
        yield Block(RawLines(raw[start:]), line_no, offset_bytes + start, raw[start:])


def _keepends(raw: bytes) -> list[bytes]:
    r"""Return lines with their endings, split at `\n` alone (`bytes.splitlines` splits at a lone `\r`)."""
    lines = [line + b"\n" for line in raw.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
