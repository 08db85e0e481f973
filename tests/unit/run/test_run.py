"""One run: cut into pieces whatever the speed, and never published unless every line is accounted for."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import ConservationError, FprocError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.records import Block, Overlong, read_blocks, split_lines
from fproc.process.mark import CurrentTask
from fproc.run import attempt
from fproc.run.attempt import Outcome, RunContext
from fproc.run.figures import Figures
from fproc.run.inputs import Input, open_input
from fproc.run.pieces import PIECE_SECONDS, PieceSizer
from fproc.run.run import check_bytes, run_input
from fproc.run.verdict import Verdict
from fproc.spool.disk.disk import Disk
from fproc.spool.output.parts import Staging
from fproc.spool.spool import Spool
from tests.support.helpers import plan_of
from tests.support.spool.crashes import look

DATA = b"a\r\n\nbb\xff\n" + b"x" * 30 + b"\n\r\nc\r\r\nlonger than it may be\nd\n\n\n\xc3\xa4 e\r\nlast"
LIMIT = 30
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
    return found


class Clock:
    """`perf_counter`, on which time passes only as a test says."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
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
            assert piece.lines == split_lines(piece.raw)
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
    assert cut_into(blocks(data), clock, SPEEDS["at once"], between_seconds=60.0) == quick


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
    block = Block(split_lines(raw), 7, 100, raw)
    one, other = block.cut(count)
    assert (one.lines + other.lines, one.raw + other.raw) == (block.lines, raw)
    assert (len(one.lines), one.lines) == (count, split_lines(one.raw))
    assert other.lines == split_lines(other.raw)
    assert (one.first_line_no, one.offset_bytes) == (7, 100)
    assert (other.first_line_no, other.offset_bytes) == (7 + count, 100 + len(one.raw))
    for line_no in range(7, 7 + len(block.lines)):
        part = one if line_no < other.first_line_no else other
        assert part.line_offset_bytes(line_no) == block.line_offset_bytes(line_no)


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


NODES: list[dict[str, Any]] = [
    {"tag": "start", "type": "trim", "next": ["number", "copy"]},
    {"tag": "number", "type": "count", "next": {"start": "end"}},
    {"tag": "copy", "type": "write", "config": {"file": "copy"}},
]
LINES = b"".join(b"%d\n" % number for number in range(100))


class Site:
    """A spool with one file, which is run in this process while someone meddles with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: list[dict[str, Any]] = NODES
        self.config: dict[str, Any] = {"on_error": "reject"}
        self.name = "x.log"

    def run(self, **around: Any) -> Outcome:
        plan = plan_of(self.nodes, watch_dir=str(self.folder), intake={"ready": "rename"}, **self.config)
        spool = Spool(plan.config, disk=Disk(power=False))
        Path(spool.folders.unprocessed, self.name).write_bytes(LINES)
        claim = spool.claim(self.name)
        assert claim is not None
        return attempt.process_claim(claim, plan, RunContext(**around))

    def parts(self) -> list[Path]:
        return sorted(self.folder.glob("results/.stage/*/*"))

    def check_failed(self, outcome: Outcome, reason: str) -> None:
        found = look(str(self.folder))
        assert (outcome.fate, reason in outcome.error) == (Verdict.FAIL, True), outcome
        assert (found["results"], found["litter"], found["processed"]) == ({}, [], {})
        assert reason in found["failed"][f"{self.name}.error.json"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "w")


def test_a_file_of_which_everything_arrived_is_published(site: Site) -> None:
    assert site.run().fate is Verdict.COMMIT
    assert sorted(look(str(site.folder))["results"]) == ["copy", "x.log"]


@pytest.mark.parametrize(("times", "written"), [(0, 199), (2, 201)])
def test_an_output_that_loses_or_doubles_a_line_fails_the_file(
    site: Site, times: int, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = Staging.flush

    def meddle(self: Staging) -> None:
        held = self.lines("copy")
        held[:] = [line for line in held for _ in range(times if line == "57" else 1)]
        flush(self)

    monkeypatch.setattr(Staging, "flush", meddle)
    reason = f"lines that sinks took, and lines in results: 200 and {written} do not agree; nothing of it"
    site.check_failed(site.run(), reason)


def change_counts(name: str, field: str, by: int) -> Callable[[Interpreter], None]:
    def change(run: Interpreter) -> None:
        setattr(run.counts[name], field, getattr(run.counts[name], field) + by)

    return change


def change_edge(run: Interpreter) -> None:
    run.edges["start", "number"] -= 1


def change_lines_in(run: Interpreter) -> None:
    run.lines_in += 1


TAMPERED = {
    "a record came from nowhere": (
        change_counts("number", "came", 1),
        "came to the node 'number': 101 and 100",
    ),
    "a record never came": (
        change_counts("end", "came", -1),
        "records that came to the node 'end': 99 and 100",
    ),
    "a line was never pushed": (change_counts("start", "came", -1), "came to the node 'start': 99 and 100"),
    "a line was read twice": (change_lines_in, "came to the node 'start': 100 and 101"),
    "an edge forgot one": (change_edge, "came to the node 'number': 100 and 99"),
    "a failure was not set aside": (change_counts("start", "failed", 1), "set aside or skipped: 1 and 0"),
}


@pytest.mark.parametrize(("tamper", "reason"), TAMPERED.values(), ids=TAMPERED.keys())
def test_counts_that_do_not_agree_fail_the_file(
    site: Site, tamper: Callable[[Interpreter], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Interpreter.finish

    def meddle(self: Interpreter, *arguments: Any) -> None:
        finish(self, *arguments)
        tamper(self)

    monkeypatch.setattr(Interpreter, "finish", meddle)
    site.check_failed(site.run(), reason)


def append(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"mine\n")


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def exchange(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


def meddler(
    site: Site, meddle: Callable[[Path], None], at_line: int = 50
) -> Callable[[int, int, int, int], None]:
    """Does something to the first part, once so many lines are done and all of it was written."""
    left = [1]

    def tell(_position: int, lines: int, _rejected: int, _skipped: int) -> None:
        if lines >= at_line and left and site.parts():
            left.clear()
            meddle(site.parts()[0])

    return tell


@pytest.fixture
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines come one by one, and are written at once."""
    monkeypatch.setattr("fproc.run.pieces.PIECE_SECONDS", -1.0)
    monkeypatch.setattr("fproc.spool.output.parts.HELD_CHARACTERS", 0)


CHANGED = "someone else has changed or removed the part of"


@pytest.mark.usefixtures("_eager")
@pytest.mark.parametrize("seconds", [1e-9, 1000])
@pytest.mark.parametrize("meddle", [append, shorten])
def test_a_part_that_someone_else_has_changed_fails_the_file(
    site: Site, meddle: Callable[[Path], None], seconds: float
) -> None:
    site.config["checkpoint"] = {"seconds": seconds}
    site.check_failed(site.run(progress=meddler(site, meddle)), CHANGED)


@pytest.mark.usefixtures("_eager")
@pytest.mark.parametrize("meddle", [append, shorten])
def test_a_part_that_was_changed_once_it_was_durable_fails_the_file(
    site: Site, meddle: Callable[[Path], None]
) -> None:
    rules = {"rules": {"early": "^[0-9]$"}, "default": "late"}
    site.nodes = [
        {"tag": "start", "type": "tag", "config": rules, "next": {"early": "copy", "late": "end"}},
        NODES[2],
    ]
    site.config["checkpoint"] = {"seconds": 1e-9}
    site.check_failed(site.run(progress=meddler(site, meddle)), CHANGED)


@pytest.mark.usefixtures("_eager")
@pytest.mark.parametrize("meddle", [Path.unlink, exchange])
def test_a_part_that_someone_else_has_taken_away_fails_the_file(
    site: Site, meddle: Callable[[Path], None]
) -> None:
    site.check_failed(site.run(progress=meddler(site, meddle)), CHANGED)


@pytest.mark.parametrize("size_bytes", [0, 1, 100, len(LINES) - 1])
def test_a_file_that_was_not_read_to_its_last_byte_fails(
    site: Site, size_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_whole = open_input

    def open_part(path: str, *, in_spool: bool) -> Input:
        given = open_whole(path, in_spool=in_spool)
        read, left = given.read, [size_bytes]

        def read_less(count: int) -> bytes:
            data = read(min(count, left[0]))
            left[0] -= len(data)
            return data

        given.read = read_less
        return given

    monkeypatch.setattr(attempt, "open_input", open_part)
    reason = f"bytes of the file, and bytes that were read: {len(LINES)} and {size_bytes} do not agree"
    site.check_failed(site.run(), reason)


@pytest.mark.parametrize("name", ["x.log", "x.gz"])
def test_only_bytes_that_are_lines_themselves_are_counted(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(LINES) if name == "x.gz" else LINES)
    given = open_input(str(path), in_spool=True)
    if name == "x.gz":
        check_bytes(given)
    else:
        with pytest.raises(ConservationError, match=f"{len(LINES)} and 0 do not agree"):
            check_bytes(given)
    given.close()


def test_a_run_that_failed_tells_how_far_it_came_and_closes_its_processors(tmp_path: Path) -> None:
    nodes = [{"tag": "start", "type": "user_processors.fail_on_bad", "next": "end"}]
    (tmp_path / "x").write_bytes(b"a\nb\nbad\nc\n")
    given, figures = open_input(str(tmp_path / "x"), in_spool=True), Figures()
    staging = Staging(Disk(power=False), lambda: str(tmp_path), "job-")
    with pytest.raises(FprocError, match="line 3, node 'start'"):
        run_input(plan_of(nodes), given, staging, figures, reject=lambda _line: None)
    given.close()
    assert (figures.lines_in, figures.lines_out, figures.nodes["start"].errors) == (3, 2, 1)
    assert figures.edges == {("start", "end"): 2}
    staging.discard()
