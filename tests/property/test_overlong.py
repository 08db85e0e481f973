"""Lines over the limit, with holes in them, from any place within them: what a simple reading gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fproc.pipeline import records
from fproc.pipeline.records import Block, Overlong, Passing, read_pieces

Found = tuple[int, int, str, bool]
"""A line's number, its offset, the line or its beginning, and whether it was passed over."""

MOST_HEAD_BYTES = 3


@dataclass
class SparseFile:
    """A file in memory in which these ranges are holes."""

    data: bytes
    holes: list[tuple[int, int]]
    place: int = 0
    reads: list[tuple[int, int]] = field(default_factory=list)

    def read(self, size_bytes: int) -> bytes:
        found = self.data[self.place : self.place + size_bytes]
        self.reads.append((self.place, self.place + len(found)))
        self.place += len(found)
        return found

    def skip_hole(self) -> int:
        end = next((end for begin, end in self.holes if begin <= self.place < end), self.place)
        skipped, self.place = end - self.place, end
        return skipped


def simple_reading(data: bytes, limit: int) -> list[Found]:
    """What the lines of an input are."""
    found = []
    offset = 0
    for line_no, line in enumerate(data.split(b"\n"), 1):
        is_last = offset + len(line) == len(data)
        if is_last and not line:
            break
        text = line if is_last else line.removesuffix(b"\r")
        is_over = len(text) > limit
        head = text[: min(MOST_HEAD_BYTES, limit)] if is_over else text
        found.append((line_no, offset, head.decode("ascii"), is_over))
        offset += len(line) + 1
    return found


def found_in(pieces: list[Block | Overlong | Passing]) -> list[Found]:
    found: list[Found] = []
    for piece in pieces:
        if isinstance(piece, Overlong):
            found.append((piece.line_no, piece.offset_bytes, piece.head, True))
        elif isinstance(piece, Block):
            for index, line in enumerate(piece.lines):
                found.append((piece.line_no(index), piece.record_offset_bytes(index), line, False))
    return found


PARTS = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"\r\n", b"\r", b"a", b"bc\n", b"\0", b"\0\n", b"def"]),
        st.integers(1, 40).map(lambda size: b"\0" * size),
        st.integers(1, 40).map(lambda size: b"x" * size),
    ),
    max_size=12,
)


def holes_of(parts: list[bytes], is_hole: list[bool]) -> list[tuple[int, int]]:
    """The ranges of those parts that are NULs alone and lie in holes."""
    holes, place = [], 0
    for part, flag in zip(parts, is_hole, strict=False):
        if flag and not part.strip(b"\0"):
            holes.append((place, place + len(part)))
        place += len(part)
    return holes


@given(
    parts=PARTS,
    is_hole=st.lists(st.booleans(), min_size=12, max_size=12),
    limit=st.integers(1, 12),
    block_bytes=st.integers(1, 20),
    pass_bytes=st.integers(1, 20),
)
def test_a_line_over_the_limit_is_one_line_wherever_holes_are_and_from_wherever_it_is_gone_on(
    parts: list[bytes], is_hole: list[bool], limit: int, block_bytes: int, pass_bytes: int
) -> None:
    data, holes = b"".join(parts), holes_of(parts, is_hole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "HEAD_BYTES", MOST_HEAD_BYTES)
        patch.setattr(records, "PASS_BYTES", pass_bytes)
        file = SparseFile(data, holes)
        pieces = list(
            read_pieces(file.read, max_line_bytes=limit, block_bytes=block_bytes, skip_hole=file.skip_hole)
        )
        expected = simple_reading(data, limit)
        assert found_in(pieces) == expected
        for passing in [piece for piece in pieces if isinstance(piece, Passing)]:
            again = SparseFile(data, holes, place=passing.reached_bytes)
            rest = read_pieces(
                again.read,
                max_line_bytes=limit,
                block_bytes=block_bytes,
                line_no=passing.line_no,
                offset_bytes=passing.offset_bytes,
                skip_hole=again.skip_hole,
                passing=passing,
            )
            assert found_in(list(rest)) == expected[passing.line_no - 1 :]


def test_a_hole_is_not_read() -> None:
    size = 10**9
    file = SparseFile(b"x" * 100 + b"\0" * 100, [])

    def skip_hole() -> int:
        return size if file.place == 200 else 0

    pieces = list(read_pieces(file.read, max_line_bytes=10, block_bytes=50, skip_hole=skip_hole))
    assert pieces == [Passing(1, 0, 200 + size, "x" * 10), Overlong(1, 0, "x" * 10)]
