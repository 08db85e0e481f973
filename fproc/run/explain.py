"""What becomes of one line: its way through the graph, without results, beside whatever else runs.

The lines before it run first where nodes remember what they have seen; what they lead to is thrown away.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator

from fproc.base.errors import InputError
from fproc.base.text import counted
from fproc.pipeline.failures import RecordError, left_out
from fproc.pipeline.graph import START
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan
from fproc.pipeline.records import Block, Passing
from fproc.pipeline.tracing.observer import Observer
from fproc.process.mark import CurrentTask
from fproc.run.chunked.chunks import MemoryOutput
from fproc.run.pieces import PieceSizer
from fproc.run.reading.framing import Piece, read_records
from fproc.run.reading.inputs import Input


class ExplainTimeoutError(InputError):
    """The lines before the wanted one take too long."""


def explain_line(
    plan: Plan,
    source_file: Input,
    line_no: int,
    observer: Observer,
    *,
    seconds: float | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Tell an observer the steps of the record that a line of an input belongs to.

    Args:
        plan: the plan of the file.
        source_file: the open input.
        line_no: the number of the line, or of any line of a record.
        observer: told of that record alone.
        seconds: how long it may take; None: as long as it takes.
        monotonic: seconds on a clock that is never set.

    Raises:
        ExplainTimeoutError: it takes longer.
        FprocError: the file cannot be read, or has no such line.
        OSError: the host is in trouble.
    """
    give_up_at = None if seconds is None else monotonic() + seconds
    walk = _Walk(plan, source_file, observer)
    try:
        for piece in walk.pieces():
            if give_up_at is not None and monotonic() > give_up_at:
                what = f"the lines before line {line_no} take longer than {seconds:g} s"
                raise ExplainTimeoutError(f"{source_file.name}: {what}")
            if walk.pass_to(line_no, piece):
                return
    finally:
        walk.run.close()
    raise InputError(f"{source_file.name} has no line {line_no}, only {counted(walk.last_line_no, 'line')}")


def explain_all(plan: Plan, source_file: Input, observer: Observer) -> None:
    """Tell an observer the steps of all records of an input, and of what nodes emit at its end.

    Raises:
        FprocError: the file cannot be read.
        OSError: the host is in trouble.
    """
    walk = _Walk(plan, source_file, observer)
    try:
        for piece in walk.pieces():
            walk.feed(piece)
        walk.run.finish()
    finally:
        walk.run.close()


class _Walk:
    """A run of an input whose results are thrown away."""

    def __init__(self, plan: Plan, source_file: Input, observer: Observer) -> None:
        source_file.begin(plan.input_rules)
        observer.open(source_file.name)
        self._plan = plan
        self._source_file = source_file
        self._observer = observer
        self._remembers = bool(plan.why_unshared())
        self._pace = PieceSizer(plan.first_piece_lines, CurrentTask.own())
        self.last_line_no = 0
        self.run: Interpreter = plan.run(
            source_file.source,
            _Nowhere(),
            entry=source_file.start or START,
            on_error=self._take,
            observer=observer,
        )

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the input; each is to be passed or fed before the next one is asked for."""
        limit = self._plan.config.limits.max_line_bytes
        source_file = self._source_file
        pieces = read_records(
            source_file.records, source_file.read, max_line_bytes=limit, skip_hole=source_file.skip_hole
        )
        return self._pace.pieces(next(pieces, None), pieces)

    def feed(self, piece: Piece) -> None:
        """Push the lines of a piece through the graph."""
        self._pace.feed(self.run.feed, piece)

    def pass_to(self, line_no: int, piece: Piece) -> bool:
        """Push a piece up to the record of a line, and tell of that; return whether it was there."""
        index = self._index_in(piece, line_no)
        if index is None or index:
            before = piece.cut(index)[0] if index and isinstance(piece, Block) else piece
            if self._remembers or not self.run.is_settled():
                self.feed(before)
        if index is None:
            return False
        rest = piece.cut(index)[1] if index and isinstance(piece, Block) else piece
        self.run.lines_to_observe = 1
        self.feed(rest.cut(1)[0] if isinstance(rest, Block) and len(rest.lines) > 1 else rest)
        return True

    def _index_in(self, piece: Piece, line_no: int) -> int | None:
        """Return the index of the record in a piece that a line belongs to; None if it is not there."""
        if not isinstance(piece, Block):
            self.last_line_no = piece.line_no
            return 0 if piece.line_no == line_no and not isinstance(piece, Passing) else None
        lines = piece.raw.count(b"\n") + (not piece.raw.endswith(b"\n"))
        self.last_line_no = piece.first_line_no + lines - 1
        if line_no > self.last_line_no or line_no < piece.first_line_no:
            return None
        if piece.numbers is None:
            return line_no - piece.first_line_no
        index = bisect_left(piece.numbers, line_no)
        starts_there = index < len(piece.numbers) and piece.numbers[index] == line_no
        return index if starts_there else max(index - 1, 0)

    def _take(self, error: RecordError) -> None:
        """Tell of a line that failed, if that is wanted; the others are passed over."""
        if self._observer.first_lines is None or self.run.is_observing:
            try:
                failure = left_out(error, self._plan.config.on_error)
            except RecordError:
                failure = error.failure
            self._observer.lose(failure, None)


class _Nowhere(MemoryOutput):
    """Throws lines away."""

    def flush(self) -> None:
        """Forget what is held."""
        self._held_characters = 0
        for lines in self._held.values():
            lines.clear()
