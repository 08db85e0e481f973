"""Bytes to lines and back, wherever the blocks fall."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from fproc.pipeline.records import Block, Overlong, RawLines, decode_text, encode_lines
from tests.support.helpers import read_blocks

LIMIT = 5
NO_LIMIT = 10**6
BLOCK_SIZES = range(1, 21)

Found = tuple[int, int, str | None]
"""A line's number, its offset in bytes, and the line; None stands for one that was over the limit."""


def found_in(raw: bytes, *, limit: int, block_bytes: int) -> list[Found]:
    found: list[Found] = []
    for piece in read_blocks(io.BytesIO(raw).read, max_line_bytes=limit, block_bytes=block_bytes):
        if isinstance(piece, Overlong):
            found.append((piece.line_no, piece.offset_bytes, None))
        else:
            found += [
                (piece.line_no(index), piece.record_offset_bytes(index), line)
                for index, line in enumerate(piece.lines)
            ]
    return found


def reader_that_gives_little(raw: bytes, sizes: list[int]) -> Callable[[int], bytes]:
    file = io.BytesIO(raw)
    waiting = list(sizes)
    return lambda size_bytes: file.read(min(size_bytes, waiting.pop(0) if waiting else 1))


@pytest.mark.parametrize(
    ("raw", "lines"),
    [
        pytest.param(b"", [], id="nothing has no line"),
        pytest.param(b"a\n", ["a"], id="a line feed ends a line and begins none"),
        pytest.param(b"a", ["a"], id="a last line without an ending counts"),
        pytest.param(b"a\nb", ["a", "b"], id="a last line without an ending comes after the others"),
        pytest.param(b"\n", [""], id="an empty line counts"),
        pytest.param(b"\n\n\na\n\n", ["", "", "", "a", ""], id="every empty line counts"),
        pytest.param(b"a\r\nb\r\n", ["a", "b"], id="a carriage return before the line feed is dropped"),
        pytest.param(b"a\r\nb\nc\r\n", ["a", "b", "c"], id="endings may be mixed"),
        pytest.param(b"a\r\r\n", ["a\r"], id="only one carriage return is dropped"),
        pytest.param(b"\r\n", [""], id="a carriage return and a line feed are an empty line"),
        pytest.param(b"a\rb\n", ["a\rb"], id="a lone carriage return does not split"),
        pytest.param(b"\ra\n", ["\ra"], id="a carriage return at the front stays"),
        pytest.param(b"a\r", ["a\r"], id="a carriage return at the very end stays"),
        pytest.param(b"a\r\nb\r", ["a", "b\r"], id="the same behind a line that ends in both"),
        pytest.param(b"\r", ["\r"], id="a carriage return alone is a line"),
        pytest.param(b"a\x0bb\x0cc\n", ["a\x0bb\x0cc"], id="vertical tab and form feed do not split"),
        pytest.param(b"a\x1cb\x1dc\x1ed\n", ["a\x1cb\x1dc\x1ed"], id="separators of files do not split"),
        pytest.param("a\x85b\n".encode(), ["a\x85b"], id="next line does not split"),
        pytest.param("a\u2028b\u2029c\n".encode(), ["a\u2028b\u2029c"], id="line separators do not split"),
        pytest.param(b"a\0b\n\0\n", ["a\0b", "\0"], id="a NUL is a character like any other"),
        pytest.param(b"\xef\xbb\xbfa\n", ["\ufeffa"], id="a byte order mark is carried"),
        pytest.param("zażółć 🚚\n".encode(), ["zażółć 🚚"], id="UTF-8"),
        pytest.param(
            b"\xff\xfe\n\x80\n", ["\udcff\udcfe", "\udc80"], id="bytes that are not UTF-8 are carried"
        ),
    ],
)
def test_lines_end_at_line_feeds_and_nowhere_else(raw: bytes, lines: list[str]) -> None:
    assert [*RawLines(raw)] == lines
    assert len(RawLines(raw)) == len(RawLines(raw, soon=True)) == len(lines)
    for block_bytes in BLOCK_SIZES:
        assert [line for _, _, line in found_in(raw, limit=NO_LIMIT, block_bytes=block_bytes)] == lines


@pytest.mark.parametrize(
    "raw",
    [
        b"plain\n",
        b"\xff\n\xc3\n\xc3\x28\n",
        b"\xed\xa0\x80 is a surrogate that UTF-8 forbids\n",
        b"\xf0\x9f\x9a and the start of a lorry\n",
        b"\xc0\x80\n\0\n",
        bytes(byte for byte in range(256) if byte not in b"\n\r") + b"\n",
        "ü € 🚚\n".encode(),
    ],
)
def test_what_goes_in_comes_out_byte_for_byte(raw: bytes) -> None:
    for block_bytes in BLOCK_SIZES:
        lines = [line or "" for _, _, line in found_in(raw, limit=NO_LIMIT, block_bytes=block_bytes)]
        assert encode_lines(lines) == raw


def test_each_line_is_ended_with_a_line_feed() -> None:
    assert encode_lines(["a", "", "b\r"]) == b"a\n\nb\r\n"


def test_no_lines_are_no_bytes() -> None:
    assert encode_lines([]) == b""


def test_a_surrogate_that_stands_for_no_byte_cannot_be_written() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode_lines(["\ud800"])


def test_text_is_decoded_without_losing_what_is_no_text() -> None:
    assert decode_text(b"caf\xe9 \xc3\xa9") == "caf\udce9 é"


OVER_THE_LIMIT = {
    "the only line": (b"123456\n", [(1, 0, None)]),
    "the only line, without an ending": (b"123456", [(1, 0, None)]),
    "the first line": (b"123456\nab\ncd\n", [(1, 0, None), (2, 7, "ab"), (3, 10, "cd")]),
    "the middle line": (b"ab\n123456\ncd\n", [(1, 0, "ab"), (2, 3, None), (3, 10, "cd")]),
    "the last line": (b"ab\ncd\n123456\n", [(1, 0, "ab"), (2, 3, "cd"), (3, 6, None)]),
    "the last line, without an ending": (b"ab\n123456", [(1, 0, "ab"), (2, 3, None)]),
    "two in a row": (b"a\n123456\n1234567\nb", [(1, 0, "a"), (2, 2, None), (3, 9, None), (4, 17, "b")]),
    "every line": (b"123456\n123456\n123456\n", [(1, 0, None), (2, 7, None), (3, 14, None)]),
    "every other line": (
        b"a\n123456\nb\n123456\nc\n",
        [(1, 0, "a"), (2, 2, None), (3, 9, "b"), (4, 11, None), (5, 18, "c")],
    ),
    "far over the limit": (b"a\n" + b"x" * 100 + b"\nb\n", [(1, 0, "a"), (2, 2, None), (3, 103, "b")]),
    "an empty line on either side": (b"\n123456\n\n", [(1, 0, ""), (2, 1, None), (3, 8, "")]),
    "one byte under the limit": (b"1234\nab\n", [(1, 0, "1234"), (2, 5, "ab")]),
    "just at the limit": (b"12345\nab\n", [(1, 0, "12345"), (2, 6, "ab")]),
    "just at the limit, without an ending": (b"ab\n12345", [(1, 0, "ab"), (2, 3, "12345")]),
    "just at the limit, with both endings": (b"12345\r\nab\r\n", [(1, 0, "12345"), (2, 7, "ab")]),
    "over the limit, with both endings": (b"123456\r\nab\r\n", [(1, 0, None), (2, 8, "ab")]),
    "a carriage return that belongs to the line": (b"12345\r\r\nab\n", [(1, 0, None), (2, 8, "ab")]),
    "a carriage return at the very end": (b"ab\n12345\r", [(1, 0, "ab"), (2, 3, None)]),
    "a carriage return within the limit": (b"1234\r", [(1, 0, "1234\r")]),
    "bytes count, not characters": ("äöü\näö\n".encode(), [(1, 0, None), (2, 7, "äö")]),
}


@pytest.mark.parametrize("block_bytes", BLOCK_SIZES)
@pytest.mark.parametrize("case", OVER_THE_LIMIT)
def test_a_line_over_the_limit_is_passed_over_and_all_others_are_read(case: str, block_bytes: int) -> None:
    raw, expected = OVER_THE_LIMIT[case]
    assert found_in(raw, limit=LIMIT, block_bytes=block_bytes) == expected


@pytest.mark.parametrize("block_bytes", BLOCK_SIZES)
def test_every_line_knows_its_number_and_its_offset(block_bytes: int) -> None:
    raw = "one\r\n\nz\u00fcrich\nfour\rfour\n\xff".encode() + b"\xff\nsix"
    assert found_in(raw, limit=NO_LIMIT, block_bytes=block_bytes) == [
        (1, 0, "one"),
        (2, 5, ""),
        (3, 6, "zürich"),
        (4, 14, "four\rfour"),
        (5, 24, "ÿ\udcff"),
        (6, 28, "six"),
    ]


@pytest.mark.parametrize("block_bytes", BLOCK_SIZES)
def test_the_blocks_put_together_are_the_input(block_bytes: int) -> None:
    raw = b"a\r\nbb\n\nccc\rc\n\xffdddddddddddddd\ne"
    position = 0
    for block in read_blocks(io.BytesIO(raw).read, max_line_bytes=NO_LIMIT, block_bytes=block_bytes):
        assert isinstance(block, Block)
        assert block.offset_bytes == position
        assert block.raw == raw[position : position + len(block.raw)]
        position += len(block.raw)
    assert position == len(raw)


@pytest.mark.parametrize("sizes", [[1, 7, 2, 100], [3, 3, 3], [8, 1, 1, 1, 50], [2, 1, 30]])
def test_a_reader_that_gives_less_than_it_was_asked_for_changes_nothing(sizes: list[int]) -> None:
    raw = b"ab\r\n123456\n\ncd\r\n1234567890\r\nef"
    pieces = read_blocks(reader_that_gives_little(raw, sizes), max_line_bytes=LIMIT, block_bytes=64)
    lines = [None if isinstance(piece, Overlong) else piece.lines for piece in pieces]
    flat = [line for piece in lines for line in (piece if piece is not None else [None])]
    assert flat == ["ab", None, "", "cd", None, "ef"]


@pytest.mark.parametrize("block_bytes", [1, 7, 64, 1000, 100_000])
def test_only_the_head_of_a_line_over_the_limit_is_kept(block_bytes: int) -> None:
    raw = b"h" * 200 + b"t" * 5000 + b"\n"
    [piece] = read_blocks(io.BytesIO(raw).read, max_line_bytes=300, block_bytes=block_bytes)
    assert piece == Overlong(line_no=1, offset_bytes=0, head="h" * 200)


def test_an_empty_input_has_no_blocks() -> None:
    assert list(read_blocks(io.BytesIO(b"").read, max_line_bytes=LIMIT)) == []


def test_lines_that_nobody_asks_for_are_counted_and_not_split() -> None:
    raw = b"a\n" * 20
    read = read_blocks(io.BytesIO(raw).read, max_line_bytes=NO_LIMIT, block_bytes=4)
    splits = []
    for number, block in enumerate(read):
        assert isinstance(block, Block)
        lines = block.lines
        assert isinstance(lines, RawLines)
        assert len(lines) == 2
        splits.append(lines.is_split)
        if number in {3, 4}:
            assert [*lines] == ["a", "a"]
    assert splits == [True, False, False, False, True, True, False, False, False, False]
