"""An input is cut into pieces, whatever the speed, and each takes about as long as it should."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest

from fproc.pipeline.records import Block, Overlong, RawLines
from fproc.process.mark import CurrentTask
from fproc.run.pieces import PIECE_SECONDS, PieceSizer
from tests.support.clocks import Clock
from tests.support.helpers import read_blocks

DATA = b"a\r\n\nbb\xff\n" + b"x" * 30 + b"\n\r\nc\r\r\nlonger than it may be\nd\n\n\n\xc3\xa4 e\r\nlast"


Piece = Block | Overlong


def blocks(
    data: bytes, *, block_bytes: int = 65536, line_no: int = 1, offset_bytes: int = 0
) -> Iterator[Piece]:
    """An input from a place on, with a limit of twenty bytes a line."""
    read = io.BytesIO(data[offset_bytes:]).read
    return read_blocks(
        read, max_line_bytes=20, block_bytes=block_bytes, line_no=line_no, offset_bytes=offset_bytes
    )


def single(pieces: Iterator[Piece]) -> list[Piece]:
    """The same, each line by itself."""
    found: list[Piece] = []
    for piece in pieces:
        while isinstance(piece, Block) and len(piece.lines) > 1:
            line, piece = piece.cut(1)  # noqa: PLW2901 - what is left of it
            found.append(line)
        found.append(piece)
    return with_lists(found)


def with_lists(pieces: list[Piece]) -> list[Piece]:
    """The same, with lines that can be compared."""
    return [piece._replace(lines=[*piece.lines]) if isinstance(piece, Block) else piece for piece in pieces]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(0.0)
    monkeypatch.setattr("time.perf_counter", clock)
    return clock


def cut_into(
    data: Iterator[Piece],
    clock: Clock,
    seconds_of: Callable[[Piece], float],
    *,
    between_seconds: float = 0.0,
) -> list[Piece]:
    """The pieces of an input, if each takes so long, and what is done between two of them."""
    found = []

    def feed(piece: Piece) -> None:
        found.append(piece)
        clock.seconds += seconds_of(piece)

    pace = PieceSizer(1, CurrentTask.own())
    for piece in pace.pieces(next(data, None), data):
        pace.feed(feed, piece)
        clock.seconds += between_seconds
    return found


def size_of(piece: Piece) -> int:
    return len(piece.lines) if isinstance(piece, Block) else 1


SPEEDS: dict[str, Callable[[Piece], float]] = {
    "at once": lambda _piece: 0.0,
    "fast": lambda piece: size_of(piece) * PIECE_SECONDS / 300,
    "slow": lambda piece: size_of(piece) * PIECE_SECONDS / 3,
    "slower than a piece may be": lambda _piece: PIECE_SECONDS * 2,
    "on the border": lambda _piece: PIECE_SECONDS,
    "on the other border": lambda _piece: PIECE_SECONDS / 4,
    "backwards": lambda _piece: -1.0,
}


@pytest.mark.parametrize("seconds_of", SPEEDS.values(), ids=SPEEDS.keys())
@pytest.mark.parametrize("block_bytes", [1, 7, 64, 65536])
@pytest.mark.parametrize("data", [DATA, DATA * 20, b"", b"\n", b"a", b"\n" * 999])
def test_the_pieces_are_the_whole_input_whatever_the_speed(
    data: bytes, block_bytes: int, seconds_of: Callable[[Piece], float], clock: Clock
) -> None:
    pieces = cut_into(blocks(data, block_bytes=block_bytes), clock, seconds_of)
    assert single(iter(pieces)) == single(blocks(data, block_bytes=block_bytes))
    for piece in pieces:
        if isinstance(piece, Block):
            assert [*piece.lines] == [*RawLines(piece.raw)]
            assert data[piece.offset_bytes :].startswith(piece.raw)
            assert data[: piece.offset_bytes].count(b"\n") == piece.first_line_no - 1


def test_fast_lines_soon_come_in_whole_blocks(clock: Clock) -> None:
    pieces = cut_into(blocks(b"a line\n" * 100_000), clock, SPEEDS["at once"])
    sizes = [size_of(piece) for piece in pieces]
    assert sizes[:6] == [1, 4, 16, 64, 256, 1024]
    whole = len(next(blocks(b"a line\n" * 100_000)).raw) // len(b"a line\n")  # type: ignore[union-attr]
    assert set(sizes[10:-1]) <= {whole, whole + 1}


def test_a_slow_checkpoint_makes_no_small_pieces(clock: Clock) -> None:
    data = b"a line\n" * 100_000
    quick = cut_into(blocks(data), clock, SPEEDS["at once"])
    late = cut_into(blocks(data), clock, SPEEDS["at once"], between_seconds=60.0)
    assert with_lists(late) == with_lists(quick)


def test_lines_that_are_slow_from_the_first_come_one_by_one(clock: Clock) -> None:
    pieces = cut_into(blocks(b"a\n" * 500), clock, SPEEDS["slower than a piece may be"])
    assert [size_of(piece) for piece in pieces] == [1] * 500


def test_a_piece_takes_about_as_long_as_it_should_once_the_speed_is_known(clock: Clock) -> None:
    line_seconds = PIECE_SECONDS / 40
    pieces = cut_into(blocks(b"a\n" * 3000), clock, lambda piece: size_of(piece) * line_seconds)
    assert {size_of(piece) for piece in pieces[3:-1]} <= {16, 32}


def sizes_once_slow(data: bytes, clock: Clock) -> list[int]:
    """How many lines come at once after the first piece that began with a slow one, `s...`."""

    def seconds_of(piece: Piece) -> float:
        is_slow = isinstance(piece, Block) and piece.raw.startswith(b"s")
        return PIECE_SECONDS * 2 * size_of(piece) if is_slow else 0.0

    return [size_of(piece) for piece in cut_into(blocks(data), clock, seconds_of) if seconds_of(piece)][1:]


def test_lines_that_become_slow_come_one_by_one_in_the_end(clock: Clock) -> None:
    sizes = sizes_once_slow(b"fast\r\n" * 100 + b"slow\r\n" * 3000, clock)
    assert sizes[-20:] == [1] * 20


def test_a_block_that_was_slow_is_followed_by_smaller_pieces_at_once(clock: Clock) -> None:
    sizes = sizes_once_slow(b"\n" * 300_000 + b"so long and slow\n" * 30_000, clock)
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("count", range(1, 6))
def test_a_block_is_cut_at_a_line(count: int) -> None:
    raw = b"a\r\n\nbb\xff\n\n\r\nlast\r"
    block = Block(RawLines(raw), 7, 100, raw)
    one, other = block.cut(count)
    assert ([*one.lines, *other.lines], one.raw + other.raw) == ([*block.lines], raw)
    assert (len(one.lines), [*one.lines]) == (count, [*RawLines(one.raw)])
    assert [*other.lines] == [*RawLines(other.raw)]
    assert (one.first_line_no, one.offset_bytes) == (7, 100)
    assert (other.first_line_no, other.offset_bytes) == (7 + count, 100 + len(one.raw))
    for line_no in range(7, 7 + len(block.lines)):
        part = one if line_no < other.first_line_no else other
        index = line_no - part.first_line_no
        assert part.record_offset_bytes(index) == block.record_offset_bytes(line_no - 7)


@pytest.mark.parametrize("block_bytes", [1, 5, 16, 65536])
def test_reading_from_any_line_on_gives_the_tail_of_reading_it_all(block_bytes: int) -> None:
    whole = single(blocks(DATA))
    assert sum(isinstance(piece, Overlong) for piece in whole) == 2
    for number, piece in enumerate(whole):
        line_no = piece.line_no if isinstance(piece, Overlong) else piece.first_line_no
        assert line_no == number + 1
        tail = blocks(DATA, block_bytes=block_bytes, line_no=line_no, offset_bytes=piece.offset_bytes)
        assert single(tail) == whole[number:]
    assert list(blocks(DATA, line_no=len(whole) + 1, offset_bytes=len(DATA))) == []
