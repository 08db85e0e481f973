"""A run whose lines go through the compiled function, and whatever is unusual through the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from operator import length_hint
from types import CodeType
from typing import Any, ClassVar

from fproc.base.errors import (
    ConservationError,
    InputError,
    OutputError,
    ProcessorExitError,
    RoutingError,
    reason_of,
)
from fproc.pipeline.compiler.program import Compiler
from fproc.pipeline.compiler.sieved import SievedLines
from fproc.pipeline.compiler.site import FeedLines, Shape
from fproc.pipeline.compiler.streamed import StreamFeed
from fproc.pipeline.compiler.writer import NotCompiledError
from fproc.pipeline.interpreter import ErrorPolicy, Interpreter
from fproc.pipeline.processors.base import Output, Source, records_of
from fproc.pipeline.processors.objects import StructuredRecord
from fproc.pipeline.processors.options.columns import TablesColumns
from fproc.pipeline.processors.options.templates import ResultTemplate
from fproc.pipeline.processors.sinks import ListsByTag, lists_by_fields, result_key
from fproc.pipeline.records import Block, Overlong, RawLines, Record
from fproc.pipeline.tracing.observer import Observer

SHORT_SHARE = 16
"""If more than one line in this many takes an exception to be split, another way to split is faster."""


class SharingError(Exception):
    """Two sinks write to one result, so neither may be kept apart."""


_SHAPES: dict[type, Shape] = {str: Shape.LINE, tuple: Shape.PAIR}


class CompiledRun(Interpreter):
    """An interpreter that leaves the usual to a `Program`, for which it is the `RunCalls`."""

    def __init__(self, compiler: Compiler, *arguments: Any, **options: Any) -> None:
        self._compiler = compiler
        super().__init__(*arguments, **options)

    def begin(  # noqa: D102 - as its base
        self, source: Source, output: Output, on_error: ErrorPolicy, observer: Observer | None
    ) -> None:
        super().begin(source, output, on_error, observer)
        self._learnt: set[tuple[str, Shape | None]] = set()
        self._accepted: dict[str, int] = {}
        self._kept: list[tuple[list[str], list[str]]] = []
        self._spilled: list[int] = []
        self._count = 0
        self._left: Iterator[str] = iter(())
        self._streamed: StreamFeed | None = None
        self._is_streaming = False
        self._sieve = self._compiler.sieve(self.entry)
        self._sieved: SievedLines | None = None
        self._is_searching = False
        self._columns: TablesColumns = ()
        self._feed = self._bound()
        self._feed_timed: FeedLines | None = None

    def feed(self, block: Block | Overlong) -> None:
        """Push the lines of a block through the graph."""
        if isinstance(block, Overlong):
            super().feed(block)
            return
        self.begin_piece(block)
        if self._columns != self._known_columns():
            self._bind()
        self._count = len(block.lines)
        try:
            if not self._feed_sieved(block.lines):
                self._left = iter(block.lines)
                self._feed_all()
        finally:
            self.lines_in += self._current() + 1
            self._is_streaming = False
        self.output.note(len(block.raw))
        if self._learnt:
            self._adapt()

    def _feed_all(self) -> None:
        """Push all lines of a block through the graph."""
        done = self._feed_observed() + self._feed_sample()
        if self._streamed:
            self.agree(done, self._current() + 1)
            self._feed_stream(self._streamed)
        else:
            self.agree(done + self._feed(self._left), self._count)

    def _feed_sieved(self, lines: Sequence[str]) -> bool:
        """Push the lines that a filter at the entry may keep through the graph; it drops the others.

        Return False, with nothing done, if each line has to be looked at.
        """
        node, sieve = self.entry, self._sieve
        if sieve is None or not isinstance(lines, RawLines):
            return False
        if self.lines_to_observe > 0 or self.is_sample_due(self._count):
            return False
        self._is_searching = True
        self._sieved = sieved = sieve.take(lines)
        self._left = iter(sieved.lines if sieved else ())
        self._is_searching = False
        if sieved is None:
            return False
        self.stop_observing()
        self.take_sample(self._count)  # which none of these lines is in
        counts = self.counts[node]
        try:
            self.agree(self._feed(self._left), len(sieved.lines))
            self._sieved = None
        finally:
            counts.received += self._current() + 1 - (len(sieved.lines) - length_hint(self._left))
        return True

    NODE_FRAMES: ClassVar[Mapping[CodeType, str]] = {
        **Interpreter.NODE_FRAMES,
        _feed_sieved.__code__: "node",
    }

    def _feed_observed(self) -> int:
        """Interpret the lines that the observer wants; return how many those were.

        Kept lists are empty before the first line of a block, so these lines are written in their order.
        """
        if self.lines_to_observe <= 0:
            self.stop_observing()
            return 0
        count = 0
        lines = islice(self._left, int(min(self.lines_to_observe, self._count)))
        for count, line in enumerate(lines, 1):  # noqa: B007 - how many there were
            self._find_line()
            self.show(line)
            self.push(self.entry, self.entry, line)
        self.stop_observing()
        received = {node: at.received for node, at in self.counts.items()}
        self._accepted = received  # their shapes are not learnt
        return count

    def _feed_sample(self) -> int:
        """Time the next lines of the block, if that is due; return how many came to their ends."""
        lines = self.take_sample(length_hint(self._left))
        if not lines:
            return 0
        if self._feed_timed is None:
            self._feed_timed = self._bound_timed()
        with self.timed():
            return self._feed_timed(islice(self._left, lines))

    def _feed_stream(self, streamed: StreamFeed) -> None:
        """Have the stream at which lines enter take the rest of the block."""
        before = self._count - length_hint(self._left)
        if before < self._count:
            rest = [*self._left]
            self._is_streaming = True
            streamed.feed(rest, before)

    def agree(self, one: int, other: int) -> None:
        """Check that as many records came to an end as had begun their way.

        Raises:
            ConservationError: they did not.
        """
        if one != other:
            raise ConservationError(
                f"records on their way, {other}, and those that came to an end, {one}, do not agree"
            )

    def split_short(self, node: str, count: int) -> None:
        """Note that `count` lines of the block had fewer fields than a node splits them into."""
        if count * SHORT_SHARE > self._count:
            self._learnt.add((node, None))

    def pass_on(self, source: str, target: str, count: int) -> None:
        """Count records that went from one node to another."""
        if count:
            self.edges[source, target] = self.edges.get((source, target), 0) + count

    def kept(self, lines: list[str]) -> list[str]:
        """Return a list that one sink adds to instead of `lines`; `spill` moves what is in it.

        Raises:
            SharingError: another sink does that as well.
        """
        kept: list[str] = []
        if any(lines is others for _, others in self._kept):
            raise SharingError
        self._kept.append((kept, lines))
        self._spilled.append(0)
        return kept

    def spill(self) -> list[int]:
        """Move the lines of kept lists to where they belong; return how many each took in this block."""
        self._spill()
        spilled, self._spilled = self._spilled, [0] * len(self._kept)
        return spilled

    def _spill(self) -> None:
        for index, (kept, lines) in enumerate(self._kept):
            lines.extend(kept)
            self._spilled[index] += len(kept)
            kept.clear()

    def lines(self, file: ResultTemplate, tag: str, fields: Sequence[str] = ()) -> list[str]:
        """Return the list that takes the lines of a `write` node with a tag, of records with these fields.

        Raises:
            ValueError: no result can have that name.
        """
        return self.output.lines(result_key(file, self.source, tag, fields))

    def lines_by_tag(self, file: ResultTemplate) -> Mapping[str, list[str]]:
        """Return these lists for all tags; looking one up raises as `lines` does."""
        return ListsByTag(partial(self.lines, file))

    def lines_by_fields(self, file: ResultTemplate) -> Callable[[StructuredRecord, str], list[str]]:
        """Return a call that returns the list of a record; it raises what `lines` and `field_texts` do."""
        return lists_by_fields(file, partial(self.lines, file))

    def printed(self) -> list[str]:
        """Return the list that takes the lines for standard output."""
        return self.output.printed()

    def process(self, node: str) -> Any:
        """Return the call of a node's processor."""
        return self.processors[node].process

    def step(self, node: str) -> Any:
        """Return the call that does a node's work on structured records."""
        return self.processors[node].step

    def narrow_step(self, node: str, fields: Collection[str]) -> Any:
        """Return such a call of a parser, which need make only these fields."""
        made = self.processors[node]
        return made.narrow(frozenset(fields)) if made.narrow else made.step

    def tag_by(self, node: str, tag: str, line: str) -> str:
        """Return the tag that a built-in which only tags lines gives; needed once a later node failed."""
        return self.processors[node].process(tag, line)[0][0]

    def target(self, node: str) -> Any:
        """Return the object that does a node's work."""
        return self.processors[node].target

    def push_line(self, node: str, tag: str, line: str, hops: int) -> None:
        """Push a record through a node and all the rest, as the interpreter does."""
        self._find_line()
        self._spill()  # what follows is written behind it
        self.push(node, tag, line, hops)

    def accept(self, node: str, tag: str, line: str, given: Any, hops: int) -> None:
        """Take what a user's processor returned, and do all the rest as the interpreter does."""
        self._find_line()
        try:
            emitted = records_of(given, tag)
        except BaseException as error:  # noqa: BLE001 - a user's generator may raise anything
            self.fail(node, tag, line, error)
            return
        self.counts[node].received += 1
        self._accepted[node] = self._accepted.get(node, 0) + 1
        if type(given) in _SHAPES:
            self._learnt.add((node, _SHAPES[type(given)]))
        elif type(given) is list:
            has_tags = any(type(item) is tuple for item in given)
            self._learnt.add((node, Shape.RECORDS if has_tags else Shape.LINES))
        try:
            onward = self.route(node, emitted, line)
        except RoutingError as error:
            self.count_failure(node, tag, line, error)
            return
        self._spill()  # what follows is written behind it
        for target, record in onward:
            self.push(target, *record, hops + 1)

    def fail(self, node: str, tag: str, line: str, error: BaseException) -> None:
        """Deal with an error that a processor raised instead of returning anything.

        Raises:
            BaseException: the error, if it does not concern this record.
        """
        self._find_line()
        self.counts[node].received += 1
        if isinstance(error, InputError | OutputError | KeyboardInterrupt):
            raise error
        if not isinstance(error, Exception):
            cause, error = error, ProcessorExitError(reason_of(error))
            error.__cause__ = cause
        self.count_failure(node, tag, line, error)

    def checked(self, node: str, tag: str, line: str, given: Sequence[Record]) -> Sequence[Record]:
        """Return the records of a processor, counted; none of them if one cannot go on."""
        self.counts[node].received += 1
        if not given:
            return ()
        try:
            self.check_emitted(node, given, line)
        except RoutingError as error:
            self._find_line()
            self.count_failure(node, tag, line, error)
            return ()
        self.counts[node].emitted += len(given)
        return given

    def _bound(self) -> FeedLines:
        """Return the program for this run.

        Where a tag makes an impossible name of a result, its records fail, as in the interpreter. And where
        what was learnt would make the program too large, the lines are interpreted.
        """
        self._kept, self._spilled = [], []
        self._streamed = None
        self._columns = columns = self._known_columns()
        try:
            stream = self.processors[self.entry].blocks
            if stream is not None:
                program = self._compiler.program(self.entry, behind=True, columns=columns)
                self._streamed = StreamFeed(self, self.entry, stream, program.bind_behind(self))
                return self._interpreted
            return self._compiler.program(self.entry, columns=columns).bind(self)
        except SharingError:
            self._compiler.learn_sharing()
            return self._bound()
        except (ValueError, NotCompiledError):
            return self._interpreted

    def _bound_timed(self) -> FeedLines:
        """Return the program for lines that are timed."""
        if self._feed == self._interpreted and not self._streamed:
            return self._interpreted
        return self._compiler.program(self.entry, timed=True, columns=self._columns).bind(self)

    def _interpreted(self, lines: Iterator[str]) -> int:
        """Do what a program does, without one."""
        count = 0
        for count, line in enumerate(lines, 1):  # noqa: B007 - how many there were
            self._find_line()
            self.push(self.entry, self.entry, line)
        return count

    def _adapt(self) -> None:
        """Have the program made for what users' processors really return.

        A line, or a pair, may have been handed over for another reason; then the program stays the same.
        """
        for node, shape in self._learnt:
            if shape is None:
                self._compiler.learn_short(node)
                continue
            is_only = self.counts[node].received == self._accepted[node]
            self._compiler.learn(node, shape, is_only=is_only)
        self._learnt.clear()
        self._bind()

    def _bind(self) -> None:
        self._feed = self._bound()
        self._feed_timed = None

    def _known_columns(self) -> TablesColumns:
        """Return the columns of the tables whose headers are known by now."""
        tables = [(node, made.columns()) for node, made in self.processors.items() if made.columns]
        return tuple([(node, columns) for node, columns in tables if columns])

    def forget(self) -> None:  # noqa: D102 - as its base
        super().forget()
        self._feed, self._feed_timed, self._streamed = self._interpreted, None, None
        self._sieved = None

    def current_index(self) -> int | None:  # noqa: D102 - as its base
        return None if self._is_searching else self._current()  # a search does not tell where it is

    def _current(self) -> int:
        if self._is_streaming and self._streamed:
            return self._streamed.index()
        if self._is_searching:
            return -1
        if self._sieved:
            return self._sieved.index(len(self._sieved.lines) - length_hint(self._left) - 1)
        return self._count - length_hint(self._left) - 1

    def _find_line(self) -> None:
        """Set which record is being worked on."""
        self.index = self.current_index()
