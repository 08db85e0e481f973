"""Stream processors: functions that pull records from an iterator, run in step with a graph that pushes.

Such a function can only be suspended inside `next(records)` on a thread of its own. The two threads never
run at the same time: a pair of locks hands the turn from the graph to the stream and back, so
everything that the stream yields before it asks for the next record belongs to the one it last took.
Handing over takes long, so a stream at which lines enter the graph gets a whole block of them in a turn.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from fproc.base.errors import InputError, OutputError, ProcessorExitError, ShapeError, reason_of
from fproc.pipeline.processors.base import record_of, seen
from fproc.pipeline.records import Record

BATCH = 1000
"""How many records a stream may yield for a block, or at the end of the file, before the graph takes them."""

CLOSE_SECONDS = 5.0
"""Seconds that a stream may take to end once its file was given up."""

log = logging.getLogger("fproc.streams")


class _GivenUp(BaseException):
    """The file was given up. Not an `Exception`, so that the stream's own handlers let it pass."""


class Stream:
    """One stream processor on one input file.

    Args:
        function: called as `function(records, **config)`; yields `(tag, line)`.
        config: the node's configuration.
        own_tag: the tag of a line that is yielded without one.
    """

    def __init__(self, function: Callable[..., Any], config: Mapping[str, Any], own_tag: str) -> None:
        self._function = function
        self._config = config
        self._own_tag = own_tag
        self._thread: threading.Thread | None = None
        self._stream_turn = threading.Lock()
        self._graph_turn = threading.Lock()
        self._stream_turn.acquire()
        self._graph_turn.acquire()
        self._next: Record | None = None
        self._block: Sequence[Record] | None = None
        self.ends: list[int] = []
        self._given_up = False
        self._done = False
        self._is_broken = False
        self._yielded: list[Record] = []
        self._error: Exception | None = None

    def process(self, tag: str, line: str) -> list[Record]:
        """Return what the stream yields for this record; nothing, once it has returned."""
        self._start()
        self._check_whole()
        if not self._done:
            self._next = (tag, line)
            self._run_stream()
        return self._taken_over()

    def process_block(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Have the stream take many records in a turn; yield what it yields, and set `ends`.

        `ends` has, for each record that the stream is through with, how many it had yielded by then in this
        turn. If it raises, the iteration ends with the record before, and `process` raises for the next one.
        """
        self._start()
        if self._is_broken:
            return
        left = len(records)
        self._block, self.ends = records, []
        while left:
            if not self._done:
                self._run_stream()
            yielded, self._yielded = self._yielded, []
            if self._error is not None:
                del yielded[self.ends[-1] if self.ends else 0 :]
                left = len(self.ends)
            elif self._done:
                self.ends += [len(yielded)] * (left - len(self.ends))
            left -= len(self.ends)
            yield yielded
            self.ends = []
        self._block = None

    def finish(self) -> Iterator[Record]:
        """Yield what the stream yields once the records have ended."""
        self._start()
        self._check_whole()
        self._next = None
        while not self._done:
            self._run_stream()
            yield from self._taken_over()
        yield from self._taken_over()

    def close(self) -> None:
        """End the stream's thread, which waits inside `next(records)` or at a `yield`."""
        if self._thread is None:
            return
        self._given_up = True
        while not self._done:
            self._stream_turn.release()
            if not self._graph_turn.acquire(timeout=CLOSE_SECONDS):
                log.warning("node %r: its stream does not end; it is left behind", self._own_tag)
                return
        self._thread.join()

    def _start(self) -> None:
        """Run the stream up to where it asks for its first record.

        Raises:
            OutputError: the system refuses a thread, so no file with a stream can be processed now.
        """
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._body, name=f"stream {self._own_tag}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # Python hides which error of pthread_create(3) it was
            refusal = OSError(errno.EAGAIN, str(error))
            raise OutputError(f"node {self._own_tag!r}: {error}") from refusal
        self._thread = thread
        self._graph_turn.acquire()

    def _run_stream(self) -> None:
        self._stream_turn.release()
        self._graph_turn.acquire()

    def _check_whole(self) -> None:
        """Raise if the stream has raised: it is gone with all it held, so no later line may go there.

        Raises:
            InputError: it raised at an earlier line, and that line was skipped or set aside.
        """
        if self._is_broken:
            raise InputError(
                f"node {self._own_tag!r}: its stream ended with an error and takes no more lines"
            )

    def _taken_over(self) -> list[Record]:
        if self._error is not None:
            error, self._error, self._is_broken = self._error, None, True
            raise error
        yielded, self._yielded = self._yielded, []
        return yielded

    def _body(self) -> None:
        try:
            stream = self._function(self._records(), **self._config)
            if not isinstance(stream, Iterable) or isinstance(stream, str):
                raise ShapeError(f"gave {seen(stream)}; a stream yields (tag, line)")  # noqa: TRY301 - one way out
            own_tag = self._own_tag
            for item in stream:
                self._yielded.append((own_tag, item) if type(item) is str else record_of(item, own_tag))
                if self._next is None and self._block is None and len(self._yielded) >= BATCH:
                    self._wait_for_turn()
        except _GivenUp:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again on the graph's thread
            self._error = error if isinstance(error, Exception) else _contained(error)
        finally:
            self._done = True
            self._graph_turn.release()

    def _records(self) -> Iterator[Record]:
        while True:
            self._wait_for_turn()
            if self._block is not None:
                last = self._block[-1]
                for record in self._block:
                    yield record
                    self.ends.append(len(self._yielded))
                    if len(self._yielded) >= BATCH and record is not last:
                        self._wait_for_turn()
            elif self._next is not None:
                yield self._next
            else:
                return

    def _wait_for_turn(self) -> None:
        self._graph_turn.release()
        self._stream_turn.acquire()
        if self._given_up:
            raise _GivenUp


def _contained(cause: BaseException) -> ProcessorExitError:
    """Return an exception that is meant to end a program as an error of its record."""
    error = ProcessorExitError(reason_of(cause))
    error.__cause__ = cause
    return error
