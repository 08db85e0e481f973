"""One input through a plan, from its first line, or from a checkpoint, to the end of the file.

Lines are fed in pieces that take a fraction of a second, however slow a pipeline is: between two of them
progress is reported, a checkpoint may be made, and a run can be stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

from fproc.base.errors import ConservationError, RestoreError, reason_of
from fproc.base.values import dataclass, replace
from fproc.pipeline.failures import LineFailure, RecordError
from fproc.pipeline.graph import START
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan, SpareRun
from fproc.pipeline.records import Block, Passing
from fproc.pipeline.tracing.observer import Observer
from fproc.pipeline.tracing.timing import Sampling
from fproc.process.mark import CurrentTask, Doing
from fproc.run.chunked.chunks import LEAST_BYTES, Chunk, Done, Reader, SharedInput, count_newlines
from fproc.run.failures import FailureHandler
from fproc.run.figures import Figures
from fproc.run.pieces import PieceSizer, first_line_no, reached_bytes
from fproc.run.reading.framing import Piece, can_be_chunked, read_records
from fproc.run.reading.inputs import Input
from fproc.spool.job.checkpoint import Position
from fproc.spool.output.parts import Staging

SETTLING_LINES = 256
"""The most lines after which a file is shared, if its nodes have settled by then."""

_BEGIN = Position()

Progress = Callable[[int, int, int, int], None]
"""A call after each piece, with the position in bytes and the numbers of lines, rejected and skipped."""


class Keeper(Protocol):
    """A call between two pieces that makes a checkpoint if one is due."""

    def __call__(self, offset_bytes: int, get_position: Callable[[], Position]) -> None:
        """Make a checkpoint at this byte of the contents, if due; `get_position()` returns what to save.

        `get_position` raises `UnsavableError` where that is impossible.
        """


def run_input(
    plan: Plan,
    source_file: Input,
    output: Staging,
    figures: Figures,
    *,
    reject: Callable[[bytes], None],
    observer: Observer | None = None,
    progress: Progress | None = None,
    keep: Keeper | None = None,
    begin_at: Position | None = None,
    helpers: int = 0,
    sampling: Sampling | None = None,
    mark: CurrentTask | None = None,
    spare: SpareRun | None = None,
) -> None:
    """Run an input through the plan.

    Args:
        plan: the plan of the file.
        source_file: the open input.
        output: it takes the lines of sinks; after a checkpoint, it goes on with the parts of that.
        figures: filled in as far as the run gets.
        reject: takes each line that is set aside, as a line of JSON.
        observer: notified of steps, and of lines that fail, unless None.
        progress: called after each piece, unless None.
        keep: makes checkpoints, unless None.
        begin_at: the position of a checkpoint of the same input and plan, or None for the first line.
        helpers: how many processes may be started that do a part of a big file.
        sampling: it decides which lines are timed, unless None.
        mark: it takes the current work, unless None.
        spare: it has the run of an earlier input, and keeps this one, unless None.

    Raises:
        RestoreError: a processor does not take its state from `begin_at`.
        FprocError: the file cannot be processed.
        OSError: the host is in trouble.
    """
    source_file.begin(plan.input_rules)
    position = begin_at or (Position(source_file.begin_bytes) if source_file.begin_bytes else _BEGIN)
    mark, spare = mark or CurrentTask.own(), spare or SpareRun()
    mark.note(Doing.READING)
    if begin_at:
        source_file.skip_to(position.reached_bytes)
    pieces = _pieces(plan, source_file, position, mark)
    first = next(pieces, None)
    entry = position.entry or source_file.start or START
    failure_handler = FailureHandler(
        figures,
        reject,
        file=source_file.name,
        observer=observer,
        plan=plan,
        source=source_file.source,
        entry=entry,
    )
    if observer:
        observer.open(source_file.source.name)
    steps_to = observer if observer and observer.first_lines != 0 else None
    mark.note(Doing.STARTING)
    try:
        interpreter = spare.begin(
            plan,
            source_file.source,
            output,
            entry=entry,
            on_error=failure_handler,
            observer=steps_to,
            sampling=sampling,
        )
        try:
            if begin_at:
                _restore(interpreter, figures, position)
            if helpers and _can_be_shared(plan, source_file, position, steps_to):
                work = _Shared(
                    plan,
                    source_file,
                    output,
                    interpreter,
                    figures,
                    failure_handler,
                    sampling,
                    mark,
                    position.line_no,
                    position.offset_bytes,
                )
                rest = work.begin(first)
                if interpreter.is_settled():
                    pieces = work.run(helpers, keep, progress)
                    rest = None
                first = rest or next(pieces, None)
            pace = PieceSizer(plan.first_piece_lines, mark)
            for piece in pace.pieces(first, pieces):
                if keep:
                    keep(reached_bytes(piece), partial(_position_before, piece, interpreter, figures))
                pace.feed(interpreter.feed, piece)
                _end_piece(source_file, output, interpreter, figures, progress)
            mark.note(Doing.ENDING)
            interpreter.finish(mark.beat)
            failure_handler.check_share(interpreter.lines_in)
            output.flush()
            _check_conservation(interpreter, figures, output)
        finally:
            interpreter.close()
            figures.bytes_in = source_file.position_bytes()
            _take_figures(figures, interpreter)
        spare.keep(plan, interpreter)
    except RecordError as error:
        failure_handler.end(error)
        raise
    finally:
        if observer:
            figures.traces = observer.close()


def _end_piece(
    source_file: Input,
    output: Staging,
    interpreter: Interpreter,
    figures: Figures,
    progress: Progress | None,
) -> None:
    if source_file.size_bytes is None:
        output.flush()  # whoever writes into a pipe may wait long before the next line
    if progress:
        progress(source_file.position_bytes(), interpreter.lines_in, figures.rejected, figures.skipped)


def _beating(read: Callable[[int], bytes], mark: CurrentTask) -> Callable[[int], bytes]:
    """Return a reader that also beats at each read."""

    def read_and_beat(size_bytes: int) -> bytes:
        data = read(size_bytes)
        mark.beat()
        return data

    return read_and_beat


def _pieces(plan: Plan, source_file: Input, position: Position, mark: CurrentTask) -> Iterator[Piece]:
    """Return the pieces of an input from a position on."""
    passing = None
    if position.passed_bytes:
        passing = Passing(position.line_no, position.offset_bytes, position.passed_bytes, position.head)
    return read_records(
        source_file.records,
        _beating(source_file.read, mark),
        max_line_bytes=plan.config.limits.max_line_bytes,
        line_no=position.line_no,
        offset_bytes=position.offset_bytes,
        skip_hole=source_file.skip_hole,
        passing=passing,
    )


def _restore(interpreter: Interpreter, figures: Figures, position: Position) -> None:
    try:
        line_errors = tuple(LineFailure(*values) for values in position.line_errors)
        interpreter.restore(position.engine)
    except Exception as error:
        raise RestoreError(f"a checkpoint does not fit: {reason_of(error)}") from error
    figures.rejected, figures.skipped, figures.lines_lost = (
        position.rejected,
        position.skipped,
        position.lines_lost,
    )
    figures.line_errors = line_errors


def _position_before(piece: Piece, interpreter: Interpreter, figures: Figures) -> Position:
    """Return the position of the run before a piece."""
    position = _position_at(piece.offset_bytes, first_line_no(piece), interpreter, figures)
    if isinstance(piece, Passing):
        return replace(position, passed_bytes=piece.passed_bytes, head=piece.head)
    return position


def _position_at(offset_bytes: int, line_no: int, interpreter: Interpreter, figures: Figures) -> Position:
    return Position(
        offset_bytes,
        line_no,
        interpreter.entry,
        figures.rejected,
        figures.skipped,
        interpreter.snapshot(),
        [list(failure) for failure in figures.line_errors],
        figures.lines_lost,
    )


def _can_be_shared(plan: Plan, source_file: Input, position: Position, observer: Observer | None) -> bool:
    """Return whether several processes can do a file, and it is big enough for that."""
    remaining_bytes = (source_file.size_bytes or 0) - position.offset_bytes
    tells_all = observer is not None and observer.first_lines is None
    is_worth_it = remaining_bytes >= LEAST_BYTES and source_file.is_plain and not position.passed_bytes
    is_worth_it = is_worth_it and can_be_chunked(source_file.records)
    return is_worth_it and not tells_all and not plan.why_unshared()


@dataclass(slots=True)
class _Shared:
    """A run that is shared with helpers, chunk by chunk; `line_no` and `offset_bytes` are of the next one."""

    plan: Plan
    source_file: Input
    output: Staging
    interpreter: Interpreter
    figures: Figures
    failure_handler: FailureHandler
    sampling: Sampling | None
    mark: CurrentTask
    line_no: int
    offset_bytes: int

    def begin(self, first: Piece | None) -> Piece | None:
        """Do the lines that the observer wants, and those by which nodes settle; return what is left."""
        observer = self.interpreter.observer
        rest = first
        if observer and observer.first_lines and isinstance(rest, Block):
            rest = self._do_lines(rest, observer.first_lines)
        for _ in range(SETTLING_LINES):
            if self.interpreter.is_settled() or not isinstance(rest, Block):
                break
            rest = self._do_lines(rest, 1)
        return rest

    def _do_lines(self, block: Block, count: int) -> Block | None:
        """Do the first lines of a block; return the rest, if there is one."""
        done, rest = block.cut(count) if count < len(block.lines) else (block, None)
        self.interpreter.feed(done)
        self.line_no += done.raw.count(b"\n")
        self.offset_bytes = done.offset_bytes + len(done.raw)
        return rest

    def run(self, helpers: int, keep: Keeper | None, progress: Progress | None) -> Iterator[Piece]:
        """Do all chunks that follow; return the rest: from a line that is too long for a chunk on."""
        from fproc.run.chunked.helpers import Helpers  # noqa: PLC0415 - only big files need it

        source_file, interpreter, begin = self.source_file, self.interpreter, self.offset_bytes
        shared = SharedInput(
            source_file.source, interpreter.entry, source_file.records, interpreter.settled_states()
        )
        helper_pool = Helpers(
            self.plan,
            source_file.fileno(),
            self.output,
            shared,
            helpers=helpers,
            sampling=self.sampling,
            mark=self.mark,
            lines_before=lambda: self.line_no - 1,
        )
        try:
            for chunk, outcome in helper_pool.work(begin, source_file.status.st_size):
                _agree("where a chunk begins, and where the one before ended", chunk.begin, begin)
                if keep:
                    keep(begin, partial(_position_at, begin, self.line_no, interpreter, self.figures))
                if outcome and self.failure_handler.has_room_for(len(outcome[0].lost)):
                    self._add(*outcome)
                else:
                    self._feed(chunk)
                    self.line_no += count_newlines(source_file.fileno(), chunk)
                begin = chunk.end
                if progress:
                    progress(begin, interpreter.lines_in, self.figures.rejected, self.figures.skipped)
            self.output.end_sharing()
        finally:
            helper_pool.close()
        source_file.skip_to(begin)
        return _pieces(self.plan, source_file, Position(begin, self.line_no), self.mark)

    def _add(self, done: Done, add_bytes: Callable[[Staging], None]) -> None:
        """Add the outcome of a chunk."""
        add_bytes(self.output)
        for failure in done.lost:
            self.failure_handler.take(failure._replace(line_no=self.line_no - 1 + (failure.line_no or 0)))
        self.interpreter.absorb(done.figures)
        self.line_no += done.lines

    def _feed(self, chunk: Chunk) -> None:
        """Do a chunk line by line."""
        blocks = read_records(
            self.source_file.records,
            _beating(Reader(self.source_file.fileno(), chunk).read, self.mark),
            max_line_bytes=self.plan.config.limits.max_line_bytes,
            line_no=self.line_no,
            offset_bytes=chunk.begin,
        )
        pace = PieceSizer(self.plan.first_piece_lines, self.mark)
        for piece in pace.pieces(next(blocks, None), blocks):
            pace.feed(self.interpreter.feed, piece)


def _check_conservation(interpreter: Interpreter, figures: Figures, output: Staging) -> None:
    """Check that every line is accounted for: in a result, dropped by a node, or set aside.

    Raises:
        ConservationError: the figures do not agree, so something was lost or doubled.
    """
    counts = interpreter.counts
    expected = dict.fromkeys(counts, 0)
    expected[interpreter.entry] = interpreter.lines_in
    for (_, target), count in interpreter.edges.items():
        expected[target] += count
    failed_records = 0
    for name, at in counts.items():
        failed_records += at.failed
        if at.received != expected[name]:
            _agree(f"records that came to the node {name!r}", at.received, expected[name])
    lost = figures.rejected + figures.skipped
    _agree("records that failed, and were set aside or skipped", failed_records, lost)
    _agree("lines that sinks took, and lines in results", _lines_taken(interpreter), output.lines_written)


def _lines_taken(interpreter: Interpreter) -> int:
    """Return how many lines sinks have written: all they received but what failed there, or was dropped."""
    sinks = [interpreter.counts[name] for name in interpreter.graph.sinks]
    return sum(sink.received - sink.failed - sink.emitted for sink in sinks)


def check_bytes(source_file: Input) -> None:
    """Check that a file, which was not written to meanwhile, was read to its last byte.

    Raises:
        ConservationError: it was not.
    """
    if source_file.is_plain:
        _agree(
            "bytes of the file, and bytes that were read",
            source_file.status.st_size,
            source_file.position_bytes(),
        )


def _agree(what: str, one: int, other: int) -> None:
    if one != other:
        raise ConservationError(f"{what}: {one} and {other} do not agree; nothing of it is published")


def _take_figures(figures: Figures, interpreter: Interpreter) -> None:
    figures.lines_in = interpreter.lines_in
    figures.nodes = interpreter.counts
    figures.edges = dict(interpreter.edges)
    figures.lines_out = _lines_taken(interpreter)
