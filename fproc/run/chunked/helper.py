"""One helper of a big file, from its owner's side: what it has to do, and the buffers with what that came to.

A buffer is free unless the helper has a chunk for it, or its bytes are not where they belong: they are added
by the owner, or the helper is told the places for them, and acknowledges. What it does not acknowledge the
owner writes, to the same places; so the buffer stays as it is until the helper has answered, or is dead.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial

from fproc.base.values import dataclass
from fproc.pipeline.plan import Plan
from fproc.process import children, heap
from fproc.process.ipc import Receiver, send
from fproc.process.mark import CurrentTask
from fproc.process.stalls import Question
from fproc.process.whereabouts import ask
from fproc.run.chunked.chunks import Chunk, Done
from fproc.run.chunked.messages import BUFFERS, Deal, Order, Placed, Placing
from fproc.run.chunked.serving import serve_as_copy
from fproc.spool.output.parts import Place, Staging

AHEAD = 2
"""The chunks that a helper has at a time, so that it never waits."""

ANSWER_SECONDS = 0.5
"""Seconds that a helper may take to say where it is: fewer than its owner may."""

PLACED_BYTES = 64 * 1024
"""Outcomes with fewer bytes than this are written by the owner: telling the places would take longer."""


MESSAGE_BYTES = 16 * 1024
"""The most bytes of paths in one message: with all buffers full, no message waits until a helper reads it."""


@dataclass(slots=True)
class Share:
    """A chunk that was dealt out, or done; `outcome` is None for one that must be done line by line."""

    chunk: Chunk
    helper: Helper | None = None
    is_done: bool = False
    outcome: AddedOutcome | None = None


AddedOutcome = tuple[Done, Callable[[Staging], None]]
"""The outcome of a chunk, and what adds its bytes to results."""


@dataclass(slots=True)
class _Placement:
    """What the helper was told to write: where, and from which bytes of the buffer on."""

    places: list[tuple[Place, int, int]]
    is_written: bool = False


class Helper:
    """A helper.

    `still_laps` counts how often it was found to make no progress, since it last did.

    Args:
        order: what it has to know.
        descriptor: the open input.
        output: the results.
        plan: the plan of the file, if the helper may be a copy of this process.

    Raises:
        OSError: the system refuses.
    """

    def __init__(self, order: Order, descriptor: int, output: Staging, plan: Plan | None) -> None:
        self.still_laps = 0
        self._output = output
        self._receiver = Receiver()
        self._shares: deque[tuple[Share, int]] = deque()
        self._free = deque(range(BUFFERS))
        self._placements: dict[int, _Placement] = {}
        self._is_alive = True
        with ExitStack() as resources:
            self._files = [resources.enter_context(heap.unnamed_file()) for _ in range(BUFFERS)]
            mark_file = resources.enter_context(CurrentTask.file())
            buffers = [file.fileno() for file in self._files]
            descriptors = [descriptor, mark_file, *buffers, *(output.held or ())]
            self._child = (
                children.fork_process(partial(serve_as_copy, plan), *descriptors)
                if plan
                else children.start_process("fproc.run.chunked.serving.serve_chunks", *descriptors)
            )
            resources.callback(self._child.end)
            self._mark = CurrentTask(mark_file)
            resources.callback(self._mark.close)
            pid = self._child.process.pid
            self.question = Question(self._mark, lambda: ask(pid, self._mark), ANSWER_SECONDS)
            self._beats = 0
            self.channel = self._child.channel
            self._send(order)
            self._resources = resources.pop_all()

    def gets_on(self) -> bool:
        """Return whether it has made progress since the last call."""
        last_beats, self._beats = self._beats, self._mark.seen().beats
        has_got_on = self._beats != last_beats
        self.still_laps = 0 if has_got_on else self.still_laps + 1
        return has_got_on

    def has_room(self) -> bool:
        """Return whether it can take a chunk."""
        return len(self._shares) < AHEAD and bool(self._free)

    def is_placing(self) -> bool:
        """Return whether it has yet to acknowledge that something is written, which is not."""
        return not all(placement.is_written for placement in self._placements.values())

    def give(self, share: Share) -> None:
        """Send it a chunk."""
        buffer = self._free.popleft()
        self._shares.append((share, buffer))
        self._send(Deal(share.chunk, buffer))

    def take(self) -> bool:
        """Take its answers; return False if it has exited, and all of them were taken.

        Raises:
            OutputError: what it could not write cannot be written here either.
        """
        try:
            data = self.channel.recv(65536)
        except OSError:
            data = b""
        for message in self._receiver.add(data):
            if isinstance(message, Placed):
                if not message.is_written:
                    self._fill(message.buffer)
                del self._placements[message.buffer]
                self._free.append(message.buffer)
            else:
                self._take_outcome(message)
        return bool(data)

    def _take_outcome(self, message: object) -> None:
        share, buffer = self._shares.popleft()
        is_wanted = isinstance(message, Done) and not share.is_done
        if not is_wanted:
            self._free.append(buffer)
        elif isinstance(message, Done):
            share.outcome = message, partial(self._add, buffer, message)
        share.is_done = True

    def _add(self, buffer: int, done: Done, output: Staging) -> None:
        """Add what is in a buffer to results: reserve room for the helper, or write it here."""
        can_place = self._is_alive and sum(size for _, size, _ in done.pieces) >= PLACED_BYTES
        left_bytes = MESSAGE_BYTES if can_place else 0
        places: list[tuple[Place, int, int]] = []
        numbered: list[tuple[int, str, int]] = []
        begin = 0
        for number, (result, size_bytes, lines) in enumerate(done.pieces):
            can_place = left_bytes > 0 and result is not None
            place = output.reserve(str(result), size_bytes, lines) if can_place else None
            if place:
                places.append((place, begin, size_bytes))
                numbered.append((number, place.path, place.offset_bytes))
                left_bytes -= len(place.path)
            elif result is None:
                output.add_printed(self._read(buffer, begin, size_bytes), lines)
            else:
                output.add(result, self._read(buffer, begin, size_bytes), lines)
            begin += size_bytes
        if places:
            self._placements[buffer] = _Placement(places)
            self._send(Placing(buffer, tuple(numbered)))
        else:
            self._free.append(buffer)

    def fill(self) -> None:
        """Write here what it has not acknowledged.

        Raises:
            OutputError: the system refuses.
        """
        for buffer in self._placements:
            self._fill(buffer)

    def _fill(self, buffer: int) -> None:
        placement = self._placements[buffer]
        if not placement.is_written:
            for place, begin, size_bytes in placement.places:
                self._output.fill(place, self._read(buffer, begin, size_bytes))
            placement.is_written = True

    def _read(self, buffer: int, begin: int, size_bytes: int) -> bytes:
        return os.pread(self._files[buffer].fileno(), size_bytes, begin)

    def _send(self, message: object) -> None:
        with suppress(OSError):  # it has died: the next read finds out
            send(self.channel, message)

    def end(self) -> None:
        """Kill it; the owner does the rest of its chunks. What it has done stays in its buffers."""
        self._is_alive = False
        self._child.end()
        for share, _ in self._shares:
            share.helper = None
        self._shares.clear()

    def close(self) -> None:
        """End it, and give its buffers back."""
        self.end()
        self._resources.close()
