"""Several processes on one big file: its owner, and helpers that do chunks for it.

    owner                                             helper (a process of its own)
      Order, then Chunk, Chunk ...  --- a socket --->   main: builds the plan, then does one chunk at a time
      Done                          <---------------    (the bytes of results are in a file that both have)

The owner deals out chunks and does some itself, adds their outcomes in order, and makes checkpoints between
them; it alone writes results. It also does the chunks of a helper that died. A chunk with a line that fails
the file is done again by the owner, line by line, so that all reports are the same as without helpers.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress

from fproc.base.errors import FprocError
from fproc.base.values import dataclass, replace
from fproc.config.model import Config
from fproc.pipeline.plan import Plan, assemble
from fproc.pipeline.plugins.sources import PluginSources, kept_sources, use_sources
from fproc.pipeline.tracing.timing import Sampling
from fproc.process import children, heap
from fproc.process.ipc import Receiver, send
from fproc.process.mark import CurrentTask, Doing
from fproc.process.stalls import Question
from fproc.process.waiting import wait_readable
from fproc.process.whereabouts import Responder, ask
from fproc.run.chunked.chunks import Chunk, Done, Outcome, SharedInput, chunks, compute, count_newlines
from fproc.run.pieces import PieceSizer

log = logging.getLogger("fproc.crew")

AHEAD = 2
"""The chunks that a helper has at a time, so that it never waits."""

LAP_SECONDS = 0.1
"""Seconds between checks of an owner whether the helper that it waits for makes progress."""

ANSWER_SECONDS = 0.5
"""Seconds that a helper may take to say where it is: fewer than its owner may."""


@dataclass(frozen=True, slots=True)
class Order:
    """The first message to a helper."""

    config: Config
    shared: SharedInput
    sources: PluginSources


@dataclass(slots=True)
class _Share:
    """A chunk that was dealt out, or done; `outcome` is None for one that must be done line by line."""

    chunk: Chunk
    helper: _Helper | None = None
    is_done: bool = False
    outcome: Outcome | None = None


class Helpers:
    """The helpers of one file.

    Args:
        plan: the plan of the file.
        descriptor: the open input.
        shared: what is known of it.
        helpers: the most helpers to start.
        mark: it takes the owner's current work.
        lines_before: returns how many lines come before the first chunk that was not yielded yet.
        sampling: it decides which of the owner's own lines are timed, unless None.
    """

    def __init__(
        self,
        plan: Plan,
        descriptor: int,
        shared: SharedInput,
        *,
        helpers: int,
        mark: CurrentTask,
        lines_before: Callable[[], int],
        sampling: Sampling | None = None,
    ) -> None:
        self._plan = plan
        self._descriptor = descriptor
        self._shared = shared
        self._mark = mark
        self._lines_before = lines_before
        self._sampling = sampling
        self._pace = PieceSizer(plan.first_piece_lines, mark)
        self._helpers: list[_Helper] = []
        order = Order(plan.config, shared, kept_sources())
        # Users' modules may hold what two processes must not share: a connection, a thread. The locks of a
        # worker, which always has a second thread, would live on in a copy of it.
        may_fork = plan.is_builtin and threading.active_count() == 1
        for _ in range(helpers):
            try:
                self._helpers.append(_Helper(order, descriptor, may_fork=may_fork))
            except OSError as error:
                log.warning("a helper cannot be started: %s", error)
                break

    def close(self) -> None:
        """End the helpers."""
        for helper in self._helpers:
            helper.close()
        self._helpers.clear()

    def work(self, begin: int, size_bytes: int) -> Iterator[tuple[Chunk, Outcome | None]]:
        """Have everything from `begin` on done; yield each chunk with its outcome, in order."""
        remaining = chunks(self._descriptor, begin, size_bytes, self._shared.records)
        shares: deque[_Share] = deque()
        is_all_dealt = False
        while not is_all_dealt or shares:
            for helper in self._helpers:
                while helper.has_room() and not is_all_dealt:
                    is_all_dealt = not self._deal(remaining, shares, helper)
            if shares and shares[0].is_done:
                share = shares.popleft()
                yield share.chunk, share.outcome
            elif shares and shares[0].helper is None:
                self._do(shares[0], shares)
            elif not is_all_dealt and len(shares) <= AHEAD * (len(self._helpers) + 1):
                is_all_dealt = not self._deal(remaining, shares, None)
                if not is_all_dealt:
                    self._do(shares[-1], shares)
            elif shares:
                self._wait_for(shares[0])
            self._wait(0)

    def _deal(self, remaining: Iterator[Chunk], shares: deque[_Share], helper: _Helper | None) -> bool:
        """Deal out the next chunk; return whether there was one."""
        chunk = next(remaining, None)
        if chunk is None:
            return False
        share = _Share(chunk, helper)
        shares.append(share)
        if helper:
            helper.give(share)
        return True

    def _do(self, share: _Share, shares: deque[_Share]) -> None:
        """Do a chunk here, of those that were dealt out."""
        first = shares[0].chunk.begin
        self._mark.lines_before = lambda: (
            self._lines_before() + count_newlines(self._descriptor, Chunk(first, share.chunk.begin))
        )
        try:
            share.outcome = compute(
                self._plan,
                self._descriptor,
                self._shared,
                share.chunk,
                pace=self._pace,
                mark=self._mark,
                sampling=self._sampling,
            )
        finally:
            self._mark.lines_before = int
        share.is_done = True

    def _wait_for(self, share: _Share) -> None:
        """Wait for outcomes of helpers; nothing can be added before this share is done."""
        self._mark.note(Doing.WAITING)
        self._mark.defers = True
        try:
            while not self._wait(LAP_SECONDS):
                if share.helper:
                    self._answer_for(share.helper)
        finally:
            self._mark.defers = False

    def _answer_for(self, helper: _Helper) -> None:
        """Report the progress and the current work of a helper as those of this process."""
        if helper.gets_on():
            self._mark.beat()
        if self._mark.is_asked() and (where := helper.question.answer()):
            line_no = None if where.line_no is None else where.line_no + self._lines_before()
            self._mark.reply(replace(where, line_no=line_no))
            helper.question.forget()

    def _wait(self, seconds: float) -> bool:
        """Wait for an outcome of a helper, and take all that have arrived; return whether there were any."""
        readable: set[int] = set()
        if self._helpers:
            readable = wait_readable([helper.channel.fileno() for helper in self._helpers], seconds)
            for helper in [helper for helper in self._helpers if helper.channel.fileno() in readable]:
                if not helper.take():
                    log.warning("a helper has ended; its owner does what it had")
                    helper.close()
                    self._helpers.remove(helper)
                self._mark.beat()
        return bool(readable)


class _Helper:
    """One helper, from its owner's side."""

    def __init__(self, order: Order, descriptor: int, *, may_fork: bool) -> None:
        self._receiver = Receiver()
        self._shares: deque[_Share] = deque()
        self._turn = 0
        with ExitStack() as resources:
            self._files = [resources.enter_context(heap.unnamed_file()) for _ in range(AHEAD)]
            mark_file = resources.enter_context(CurrentTask.file())
            descriptors = [descriptor, mark_file, *(file.fileno() for file in self._files)]
            child = (
                children.fork_process(_main_forked, *descriptors)
                if may_fork
                else children.start_process("fproc.run.chunked.helpers.serve_chunks", *descriptors)
            )
            resources.callback(child.end)
            self._mark = CurrentTask(mark_file)
            resources.callback(self._mark.close)
            self.question = Question(self._mark, lambda: ask(child.process.pid, self._mark), ANSWER_SECONDS)
            self._beats = 0
            self.channel = child.channel
            with suppress(OSError):  # it has died: the next read finds out
                send(self.channel, order)
            self._resources = resources.pop_all()

    def gets_on(self) -> bool:
        """Return whether it has made progress since the last call."""
        last_beats, self._beats = self._beats, self._mark.seen().beats
        return self._beats != last_beats

    def has_room(self) -> bool:
        """Return whether it can take a chunk."""
        return len(self._shares) < AHEAD

    def give(self, share: _Share) -> None:
        """Send it a chunk."""
        self._shares.append(share)
        with suppress(OSError):
            send(self.channel, share.chunk)

    def take(self) -> bool:
        """Take its outcomes; return False if it has exited."""
        try:
            data = self.channel.recv(65536)
        except OSError:
            data = b""
        if not data:
            return False
        for message in self._receiver.add(data):
            share = self._shares.popleft()
            share.is_done = True
            if isinstance(message, Done):
                share.outcome = message, self._data(message)
            self._turn = (self._turn + 1) % AHEAD
        return True

    def _data(self, done: Done) -> list[memoryview]:
        """Return the bytes of each piece."""
        view = memoryview(
            os.pread(self._files[self._turn].fileno(), sum(size for _, size, _ in done.pieces), 0)
        )
        pieces = []
        for _, size_bytes, _ in done.pieces:
            pieces.append(view[:size_bytes])
            view = view[size_bytes:]
        return pieces

    def close(self) -> None:
        """End it; the owner does the rest of its chunks."""
        for share in self._shares:
            share.helper = None
        self._shares.clear()
        self._resources.close()


def serve_chunks(channel_number: int, parent: int, descriptor: int, mark_file: int, *files: int) -> None:
    """Serve as a helper, until the other end of the socket is closed.

    Args:
        channel_number: the helper's end of the socket.
        parent: the id of the owner.
        descriptor: the input.
        mark_file: the file of its `CurrentTask`.
        files: where the bytes of results go, in turn.
    """
    channel = children.begin_process(channel_number, parent)
    messages = _messages(channel)
    mark = CurrentTask(mark_file)
    try:
        order = next(messages, None)
        if not isinstance(order, Order):
            return
        use_sources(order.sources)
        plan = assemble(order.config)
        heap.freeze_heap()
        pace = PieceSizer(plan.first_piece_lines, mark)
        Responder(mark).listen()
        for turn, chunk in enumerate(messages):
            assert isinstance(chunk, Chunk)
            outcome = compute(plan, descriptor, order.shared, chunk, pace=pace, mark=mark)
            if outcome:
                _put(files[turn % len(files)], outcome[1])
            send(channel, outcome[0] if outcome else None)
    except (FprocError, OSError):
        sys.exit(1)  # its owner does the work, and finds the error


def _main_forked(*numbers: int) -> None:
    """Serve in a copy of the owner, which must not do anything else: not even clean up for the owner."""
    try:
        serve_chunks(*numbers)
    except Exception:  # noqa: BLE001 - printed as the interpreter prints it
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(0)


def _messages(channel: socket.socket) -> Iterator[object]:
    receiver = Receiver()
    while data := channel.recv(65536):
        yield from receiver.add(data)


def _put(descriptor: int, pieces: Sequence[bytes | memoryview]) -> None:
    offset_bytes = 0
    for piece in pieces:
        view = memoryview(piece)
        while view:
            written_bytes = os.pwrite(descriptor, view, offset_bytes)
            view, offset_bytes = view[written_bytes:], offset_bytes + written_bytes
