"""Records that are more than a line, and what a simple reference makes of the same bytes."""

from __future__ import annotations

import io
import re
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.config.input_format import Records
from fproc.pipeline.records import Block, Overlong, decode_text
from fproc.run.chunked import chunks
from fproc.run.reading import framing
from fproc.run.reading.framing import can_be_chunked, read_records
from tests.support.records import KINDS, TEXTS, reference

STACK_TRACES = b"[1] start\n[2] ERROR boom\n\tat a.B\r\n\tat c.D\nCaused by: x\n[3] end\n"

Found = tuple[int, int, str | None]
"""A record's number and offset in bytes, and its text; None stands for one that was over the limit."""


def found_in(records: Records, data: bytes, *, limit: int = 1000, block_bytes: int = 16) -> list[Found]:
    found: list[Found] = []
    for piece in read_records(records, io.BytesIO(data).read, max_line_bytes=limit, block_bytes=block_bytes):
        if isinstance(piece, Block):
            found += [
                (piece.line_no(index), piece.record_offset_bytes(index), text)
                for index, text in enumerate(piece.lines)
            ]
        else:
            assert isinstance(piece, Overlong)
            found.append((piece.line_no, piece.offset_bytes, None))
    return found


def texts_in(records: Records, data: bytes) -> list[str | None]:
    return [text for _, _, text in found_in(records, data)]


def test_a_stack_trace_stays_with_its_error() -> None:
    expected = [
        (1, 0, "[1] start"),
        (2, 10, "[2] ERROR boom\n\tat a.B\n\tat c.D\nCaused by: x"),
        (6, 55, "[3] end"),
    ]
    assert found_in({"starts": r"^\[\d"}, STACK_TRACES) == expected
    assert found_in({"continues": r"^(\t|Caused)"}, STACK_TRACES) == expected


def test_what_comes_before_the_first_start_is_a_record() -> None:
    assert texts_in({"starts": "^A"}, b"x\ny\nA\nz\n") == ["x\ny", "A\nz"]


def test_blank_lines_at_the_end_of_a_record_are_not_part_of_it() -> None:
    assert texts_in({"starts": "^A"}, b"A 1\n\nx\n\n\nA 2\n\n") == ["A 1\n\nx", "A 2"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'1,"two\r\nlines",1\n2,x\n', ['1,"two\nlines",1', "2,x"]),
        (b'2,"PLATE 4"" STEEL",5\n3,a\n', ['2,"PLATE 4"" STEEL",5', "3,a"]),
        (b'PLATE 4" STEEL;30\nx\n', ['PLATE 4" STEEL;30', "x"]),
        (b'a;"b\n""c\nd"\ne\n', ['a;"b\n""c\nd"', "e"]),
        (b'"a\n"\n"b"\n', ['"a\n"', '"b"']),
        (b'a\t"x\ny"\nz', ['a\t"x\ny"', "z"]),
        (b'"never closed\nb\n', ['"never closed\nb']),
        (b"\n\na\n", ["", "", "a"]),
    ],
)
def test_a_line_that_ends_within_quotes_ends_no_record_of_a_csv_file(
    data: bytes, expected: list[str]
) -> None:
    assert texts_in("csv", data) == expected


@pytest.mark.parametrize(
    ("separator", "data", "expected"),
    [
        ("---\n", b"a\nb\n---\nc\n---\n", ["a\nb", "c"]),
        ("\n---\n", b"a\r\nb\r\n---\r\nc", ["a\nb", "c"]),
        ("\r\n---\r\n", b"a\n---\nb\n", ["a", "b"]),
        (";", b"a;;b", ["a", "", "b"]),
        ("\n\n", b"a\nb\n\nc\n", ["a\nb", "c"]),
        ("\u00a7", "a\u00a7b\n".encode(), ["a", "b"]),
        ("aa", b"xaaay", ["x", "ay"]),
        (";", b"", []),
        (";", b"\n\n", []),
    ],
)
def test_records_end_at_a_separator_and_what_follows_the_last_one_is_a_record_if_it_is_any_text(
    separator: str, data: bytes, expected: list[str]
) -> None:
    assert texts_in({"separator": separator}, data) == expected


def test_records_that_begin_within_a_line_have_its_number_and_their_own_offset() -> None:
    assert found_in({"separator": ";"}, b"a;b\nc;d;") == [(1, 0, "a"), (1, 2, "b\nc"), (2, 6, "d")]


@pytest.mark.parametrize("records", [{"starts": "^A"}, {"separator": "|"}, "csv"])
def test_a_record_over_the_limit_is_one_error_and_the_next_ones_are_whole(records: Records) -> None:
    data = {"starts": b"A1\nA2\nxxxx\nyyyy\nA3\n", "separator": b"A1|A2\nxxxx\nyyyy|A3"}
    whole = data.get(next(iter(records)), b'A1\n"2\nxxxx\nyyyy"\nA3\n')
    for block_bytes in (1, 3, 64):
        found = found_in(records, whole, limit=8, block_bytes=block_bytes)
        assert [text for _, _, text in found] == ["A1", None, "A3"]


@pytest.mark.parametrize("block_bytes", [1, 3, 8, 64])
def test_after_a_record_over_the_limit_comes_none_of_it_again(block_bytes: int) -> None:
    data = b'"A\nxxxx\nyyyy"\nB\n"C\nc"\nD\n'
    found = found_in("csv", data, limit=8, block_bytes=block_bytes)
    assert [text for _, _, text in found] == [None, "B", '"C\nc"', "D"]


@given(st.sampled_from(KINDS), TEXTS, st.integers(1, 70))
def test_no_kind_of_records_depends_on_where_blocks_fall(
    records: Records, text: str, block_bytes: int
) -> None:
    found = found_in(records, text.encode(), block_bytes=block_bytes)
    assert [record for _, _, record in found] == reference(records, text)


@given(st.sampled_from(KINDS), TEXTS, st.integers(1, 70), st.sampled_from([3, 8, 1000]))
def test_reading_from_any_record_on_gives_the_tail_of_reading_it_all(
    records: Records, text: str, block_bytes: int, limit: int
) -> None:
    data = text.encode()
    whole = found_in(records, data, limit=limit, block_bytes=block_bytes)
    for index, (line_no, offset_bytes, _) in enumerate(whole):
        tail = found_in(records, data[offset_bytes:], limit=limit, block_bytes=7)
        moved = [(number + line_no - 1, offset + offset_bytes, one) for number, offset, one in tail]
        assert moved == whole[index:]


@given(st.sampled_from([kind for kind in KINDS if can_be_chunked(kind)]), TEXTS, st.integers(1, 30))
def test_the_chunks_of_an_input_are_whole_records(records: Records, text: str, chunk_bytes: int) -> None:
    data = text.encode()
    with tempfile.TemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        file.write(data)
        file.flush()
        patch.setattr(chunks, "CHUNK_BYTES", chunk_bytes)
        parts = list(chunks.chunks(file.fileno(), 0, len(data), records))
    assert b"".join(data[part.begin : part.end] for part in parts) == data
    texts = [one for part in parts for one in texts_in(records, data[part.begin : part.end])]
    assert texts == texts_in(records, data)


def test_records_within_quotes_and_at_separators_that_overlap_themselves_are_done_by_one_process() -> None:
    assert [kind for kind in KINDS if not can_be_chunked(kind)] == [
        "csv",
        *({"separator": separator} for separator in ("\n\n", "\n--\n", "aa")),
    ]


def test_bytes_that_are_not_utf_8_come_through_records_unchanged() -> None:
    assert texts_in({"separator": ";"}, b"\xe2;\xff\n;") == [decode_text(b"\xe2"), decode_text(b"\xff")]


SIMPLE = ["^A", "^\\[", "^[ab]+ ?", "^.", "^\\d{2}-", "^\\S*;", "^a.*b", "^[a-c]{1,2}", "^A*?b"]
OTHERS = ["A", "^a|b", "^\\s", "^[^a]", "^(?:a)", "^a$", "(?i)^a", "^a\\b", "^"]


@given(st.sampled_from(SIMPLE + OTHERS), st.sampled_from(["starts", "continues"]), TEXTS)
def test_a_pattern_is_looked_for_in_each_line_alone(pattern: str, kind: str, text: str) -> None:
    records: Records = {kind: pattern}
    assert texts_in(records, text.encode()) == reference(records, text)


def test_simple_patterns_are_looked_for_in_many_lines_at_once() -> None:
    assert [pattern for pattern in SIMPLE + OTHERS if re.fullmatch(framing._WITHIN_LINE, pattern)] == SIMPLE
