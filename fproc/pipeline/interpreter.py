"""The routing semantics, in code.

`Interpreter.push` IS the specification: a record enters a node; the node finishes with it; then each record
that it emitted is pushed through the rest of the graph, one after the other, before the next one. So every
node and every sink sees records in input order, whatever the blocks were. A faster form of a graph is right
if, and only if, it gives what this one gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from math import inf
from types import CodeType
from typing import Any, ClassVar

from fproc.base.errors import FprocError, InputError, OutputError, RoutingError
from fproc.base.own_code import is_unreadable
from fproc.base.text import is_encodable
from fproc.pipeline.failures import LineFailure, RecordError, RecordFinder, cause_of
from fproc.pipeline.graph import Graph
from fproc.pipeline.processors.base import Maker, Output, Processor, Source
from fproc.pipeline.records import Block, Overlong, Record
from fproc.pipeline.tracing.counts import NodeCounts
from fproc.pipeline.tracing.observer import Observer
from fproc.pipeline.tracing.timing import Laps, Sampling, lap_seconds

ErrorPolicy = Callable[[RecordError], None]
"""Called with each record that failed: raises to end the run, returns to go on without that record."""


def _no_beat() -> None:
    """Do nothing."""


class Interpreter:
    """One run of one input file through a graph.

    Args:
        graph: the checked graph.
        makers: the maker of each node's processor, `end` and `drop` included.
        source: what processors may know of the input.
        output: where sinks put lines.
        entry: the node at which lines enter.
        max_hops: how many nodes one record may go through.
        on_error: what to do about a record that failed.
        observer: it is told of each step, unless None.
        sampling: it decides which lines are timed, unless None.

    Attributes:
        counts: what happened at each node, up to now.
        edges: how many records went from one node to another.
        processors: those of the nodes.
        lines_to_observe: how many of the next lines the observer is told of.

    Raises:
        RecordError: a processor could not be made.
    """

    def __init__(
        self,
        graph: Graph,
        makers: Mapping[str, Maker],
        *,
        source: Source,
        output: Output,
        entry: str,
        max_hops: int,
        on_error: ErrorPolicy,
        observer: Observer | None = None,
        sampling: Sampling | None = None,
    ) -> None:
        self.graph = graph
        self.entry = entry
        self.max_hops = max_hops
        self._makers = makers
        self._sampling = sampling
        self.begin(source, output, on_error, observer)

    def begin(self, source: Source, output: Output, on_error: ErrorPolicy, observer: Observer | None) -> None:
        """Begin with an input, or with another one once that has ended: as a new run, with fresh processors.

        Raises:
            RecordError: a processor could not be made. The run must not be used any more then.
        """
        self.source = source = Source(source.name, source.date, self)
        self.output = output
        self.on_error = on_error
        self.observer = observer
        self.index: int | None = None  # of the record in the piece that is fed
        self.lines_to_observe = (
            0 if observer is None else inf if observer.first_lines is None else observer.first_lines
        )
        self._watching: Observer | None = None
        self._piece: Block | Overlong | None = None
        self._finder: RecordFinder | None = None
        self.lines_in = 0
        self.counts = {name: NodeCounts() for name in self._makers}
        self.edges: dict[tuple[str, str], int] = {}
        self._finished: set[str] = set()
        self.processors: dict[str, Processor] = {}
        self._is_timed = False
        self.laps = Laps(self.counts, lap_seconds()) if self._sampling else None
        for name, make in self._makers.items():
            try:
                self.processors[name] = make(source, output)
            except Exception as error:
                self.close()
                raise self._record_error(name, None, None, error) from error

    def feed(self, block: Block | Overlong) -> None:
        """Push the lines of a block through the graph."""
        self.begin_piece(block)
        if isinstance(block, Overlong):
            self.lines_in += 1
            self.counts[self.entry].received += 1
            self.index = 0
            self.show(block.head)
            error = RoutingError("the line is longer than limits.max_line_bytes")
            self._refuse(self.entry, self.entry, block.head, 1, error)
            return
        with self.timed() if self.take_sample(len(block.lines)) else nullcontext():
            for self.index, line in enumerate(block.lines):
                self.lines_in += 1
                if self.observer:
                    self.show(line)
                self.push(self.entry, self.entry, line)

    def begin_piece(self, block: Block | Overlong) -> None:
        """Find records that fail in this block from now on."""
        self._piece, self._finder, self.index = block, None, None

    def push(self, node: str, tag: str, line: str, hops: int = 1) -> None:
        """Push one record through the graph, depth first; `node` is the `hops`th node on its way."""
        stack = [(node, tag, line, hops)]
        while stack:
            node, tag, line, hops = stack.pop()
            onward = self._go_through(node, tag, line, hops)
            if self._is_timed and self.laps:
                self.laps.lap(node)
            stack += [(target, *record, hops + 1) for target, record in reversed(onward)]

    def _go_through(self, node: str, tag: str, line: str, hops: int) -> list[tuple[str, Record]]:
        """Have a node process a record; return each record that it emits with the node that it goes to."""
        self.counts[node].received += 1
        try:
            self._check_way(node, hops)
            emitted = self.processors[node].process(tag, line)
            onward = self.route(node, emitted, line)
        except (InputError, OutputError):
            raise  # from a sink: it does not concern this record
        except Exception as error:  # noqa: BLE001 - a user's processor may raise anything
            self._refuse(node, tag, line, hops, error)
            return []
        if self._watching:
            self._watching.step(node, tag, line, emitted, hops)
        return onward

    def show(self, line: str) -> None:
        """Tell the observer, if it wants this line, that the line is about to enter the graph."""
        self._watching = self.observer if self.lines_to_observe > 0 else None
        if self._watching:
            self.lines_to_observe -= 1
            self._watching.begin(self.line_no(), line)

    @property
    def is_observing(self) -> bool:
        """Whether the observer is told of the line that is under way."""
        return self._watching is not None

    def stop_observing(self) -> None:
        """Tell the observer of no more steps, until the end of the file."""
        self._watching = None

    def finish(self, beat: Callable[[], None] = _no_beat) -> None:
        """End the file: each node emits what it still has, upstream first; call `beat` for each record."""
        self.index = self._piece = self._finder = None
        self._watching = self.observer
        if self.observer:
            self.observer.begin(None, "")
        if not any(processor.finish for processor in self.processors.values()):
            return
        for name in self.graph.finish_order():
            self._finished.add(name)
            for record in self._leftovers(name):
                beat()
                try:
                    onward = self.route(name, [record])
                except FprocError as error:
                    self._refuse(name, *record, 1, error)
                    continue
                for target, (tag, line) in onward:
                    self.push(target, tag, line)

    def snapshot(self) -> dict[str, Any]:
        """Return the state of the run between two lines, as a JSON value: figures, and states of nodes.

        Raises:
            UnsavableError: the state of a node does not survive JSON.
        """
        return {
            **self.figures(),
            "states": {
                name: processor.state.snapshot()
                for name, processor in self.processors.items()
                if processor.state
            },
        }

    def is_settled(self) -> bool:
        """Return whether no node that settles is still about to change its state."""
        return all(made.is_settled() for made in self.processors.values() if made.is_settled)

    def settled_states(self) -> dict[str, Any]:
        """Return the states of nodes that settle, for `settle`."""
        return {
            name: made.state.snapshot()
            for name, made in self.processors.items()
            if made.is_settled and made.state
        }

    def settle(self, states: Mapping[str, Any]) -> None:
        """Have nodes begin as they were settled in another run of the same file; this run must be fresh."""
        for name, state in states.items():
            made = self.processors[name].state
            assert made
            made.restore(state)

    def figures(self) -> dict[str, Any]:
        """Return what was counted up to now, as a JSON value."""
        return {
            "lines_in": self.lines_in,
            "counts": {name: [at.received, at.emitted, at.failed] for name, at in self.counts.items()},
            "edges": [[source, target, count] for (source, target), count in self.edges.items()],
            "times": {name: [at.timed, at.seconds] for name, at in self.counts.items() if at.timed},
        }

    def restore(self, value: Mapping[str, Any]) -> None:
        """Go on from a snapshot of the same graph; this run must be fresh.

        Raises:
            Exception: of any kind, if it does not fit. The run must not be used any more then.
        """
        self.absorb(value)
        for name, processor in self.processors.items():
            if processor.state:
                processor.state.restore(value["states"][name])

    def absorb(self, figures: Mapping[str, Any]) -> None:
        """Add the figures of another run, over the lines before or the next ones."""
        self.lines_in += figures["lines_in"]
        for name, counts in self.counts.items():
            counts.add(NodeCounts(*figures["counts"][name], *figures["times"].get(name, (0, 0.0))))
        for source, target, count in figures["edges"]:
            self.edges[source, target] = self.edges.get((source, target), 0) + count

    def close(self) -> None:
        """Release what the processors hold; a run that was given up must be closed too."""
        for processor in self.processors.values():
            if processor.close:
                processor.close()

    def forget(self) -> None:
        """Let go of the input that has ended, whose figures stay, until `begin` is called again."""
        self.processors = {}
        self._piece = self._finder = None

    def current_index(self) -> int | None:
        """Return which record of its piece is being processed; it may be called between any two steps."""
        return self.index

    def line_no(self) -> int | None:
        """Return the number of the first line of the record that is being processed."""
        piece = self._piece
        index = None if piece is None else self.current_index()
        if piece is None or index is None:
            return None
        return piece.line_no(index) if isinstance(piece, Block) else piece.line_no

    def offset_bytes(self) -> int | None:
        """Return where the record that is being processed begins in the contents, as far as that is known."""
        index = None if self._piece is None else self.current_index()
        return None if self._piece is None or index is None else self._found(self._piece, index)[0]

    def _found(self, piece: Block | Overlong, index: int) -> tuple[int | None, str | None]:
        """Return the offset and the text of a record of the piece."""
        self._finder = self._finder or RecordFinder(piece)
        return self._finder.find(index)

    def is_sample_due(self, lines: int) -> bool:
        """Return whether any of the next `lines` are to be timed."""
        return self._sampling is not None and self._sampling.is_due(lines)

    def take_sample(self, lines: int) -> int:
        """Return how many of the next `lines` are to be timed."""
        return self._sampling.take(lines) if self._sampling else 0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time the lines that are pushed within the context."""
        assert self.laps
        self._is_timed = True
        self.laps.start()
        try:
            yield
        finally:
            self.laps.stop()
            self._is_timed = False

    def _check_way(self, node: str, hops: int) -> None:
        if hops > self.max_hops:
            raise RoutingError(
                f"the record went through more than {self.max_hops} nodes; is a cycle endless?"
            )
        if node in self._finished and self.processors[node].finish:
            raise RoutingError("the record came back to a node that was already finishing the file")

    def route(
        self, node: str, emitted: Sequence[Record], received: str | None = None
    ) -> list[tuple[str, Record]]:
        """Return each emitted record with each node that it goes to, in order; count them as emitted."""
        self.check_emitted(node, emitted, received)
        onward = [(target, record) for record in emitted for target in self.graph.targets(node, record[0])]
        self.counts[node].emitted += len(emitted)
        for target, _ in onward:
            self.edges[node, target] = self.edges.get((node, target), 0) + 1
        return onward

    def check_emitted(self, node: str, emitted: Sequence[Record], received: str | None = None) -> None:
        """Check that emitted records can go on; the text that the node received always can, by itself.

        Raises:
            RoutingError: one of them cannot.
        """
        is_users = self.processors[node].is_users
        for tag, line in emitted:
            if not self.graph.targets(node, tag):
                raise RoutingError(f"no route for the tag {tag!r}; add it, or '*', to the node's next")
            if is_users and line.endswith("\n") and line is not received:
                raise RoutingError("emitted a line that ends with a line ending; sinks add that")
            if not is_encodable(line):
                raise RoutingError("emitted a line with half a character in it (a lone surrogate)")

    def _leftovers(self, node: str) -> Iterator[Record]:
        finish = self.processors[node].finish
        if finish is None:
            return
        try:
            yield from finish()
        except OutputError:
            raise  # the host is in trouble: it does not concern this node
        except Exception as error:
            self._check_own_code(error)
            self.counts[node].failed += 1
            raise self._record_error(node, None, None, error) from error

    NODE_FRAMES: ClassVar[Mapping[CodeType, str]] = {
        begin.__code__: "name",
        _go_through.__code__: "node",
        _leftovers.__code__: "node",
    }
    """The variable in a frame of each of these functions that names the running node."""

    def _refuse(self, node: str, tag: str, line: str, hops: int, error: BaseException) -> None:
        """Deal with a record with which a node has failed."""
        if self._watching:
            self._watching.fail(node, tag, line, hops)
        self.count_failure(node, tag, line, error)

    def count_failure(self, node: str, tag: str, line: str, error: BaseException) -> None:
        """Count a record that failed at a node, and ask `on_error` what to do.

        Raises:
            RecordError: the run ends here.
        """
        self._check_own_code(error)
        self.counts[node].failed += 1
        failure = self._record_error(node, tag, line, error)
        failure.__cause__ = error
        self.on_error(failure)

    @staticmethod
    def _check_own_code(error: BaseException) -> None:
        """Raise an error that is not a record's fault, lest `on_error` sets lines aside for it."""
        if is_unreadable(error):
            raise error

    def _record_error(
        self, node: str, tag: str | None, given: str | None, error: BaseException
    ) -> RecordError:
        offset_bytes = line = None
        if self.index is not None and self._piece is not None:
            offset_bytes, line = self._found(self._piece, self.index)
        return RecordError(
            LineFailure("failed", node, self.line_no(), offset_bytes, given, tag, line, cause_of(error))
        )
