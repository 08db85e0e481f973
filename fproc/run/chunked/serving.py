"""A helper of a big file: the process that does chunks for the owner, and writes what they come to."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Sequence

from fproc.base.errors import FprocError
from fproc.pipeline.plan import Plan, assemble
from fproc.pipeline.plugins.sources import use_sources
from fproc.process import children, heap
from fproc.process.ipc import Receiver, send
from fproc.process.mark import CurrentTask
from fproc.process.whereabouts import Responder
from fproc.run.chunked.chunks import Done, compute
from fproc.run.chunked.messages import BUFFERS, Deal, Order, Placed, Placing
from fproc.run.pieces import PieceSizer
from fproc.spool.disk.disk import Disk
from fproc.spool.output.parts import OPEN_PARTS

_Bytes = Sequence[bytes | memoryview]


def serve_chunks(
    channel_number: int, parent: int, descriptor: int, mark_file: int, *files: int, plan: Plan | None = None
) -> None:
    """Serve as a helper, until the other end of the socket is closed.

    Args:
        channel_number: the helper's end of the socket.
        parent: the id of the owner.
        descriptor: the input.
        mark_file: the file of its `CurrentTask`.
        files: its buffers, and then what it has to keep open as long as it may write.
        plan: the plan of the file, if this is a copy of the owner; else it is made here.
    """
    channel = children.begin_process(channel_number, parent)
    for file in files:
        os.set_inheritable(file, False)
    messages = _messages(channel)
    mark = CurrentTask(mark_file)
    try:
        order = next(messages, None)
        if not isinstance(order, Order):
            return
        if plan is None:
            use_sources(order.sources)
            plan = assemble(order.config)
            heap.freeze_heap()
        work = _Work(plan, descriptor, order, mark, files[:BUFFERS])
        Responder(mark).listen()
        for message in messages:
            send(channel, work.do(message))
    except (FprocError, OSError):
        sys.exit(1)  # its owner does the work, and finds the error


def serve_as_copy(plan: Plan, *numbers: int) -> None:
    """Serve in a copy of the owner, which must not do anything else: not even clean up for the owner."""
    try:
        serve_chunks(*numbers, plan=plan)
    except Exception:  # noqa: BLE001 - printed as the interpreter prints it
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(0)


def _messages(channel: socket.socket) -> Iterator[object]:
    receiver = Receiver()
    while data := channel.recv(65536):
        yield from receiver.add(data)


class _Work:
    """The work of a helper, message by message."""

    def __init__(
        self, plan: Plan, descriptor: int, order: Order, mark: CurrentTask, buffers: Sequence[int]
    ) -> None:
        self._plan = plan
        self._descriptor = descriptor
        self._shared = order.shared
        self._mark = mark
        self._buffers = buffers
        self._pace = PieceSizer(plan.first_piece_lines, mark)
        self._writer = _Writer()
        self._kept: dict[int, list[_Bytes]] = {}

    def do(self, message: object) -> Done | Placed | None:
        """Do what a message says; return the answer."""
        if isinstance(message, Placing):
            return self._place(message)
        assert isinstance(message, Deal)
        outcome = compute(
            self._plan, self._descriptor, self._shared, message.chunk, pace=self._pace, mark=self._mark
        )
        if outcome is None:
            return None
        done, data = outcome
        done.pieces, kept = _by_result(done.pieces, data)
        all_pieces = [piece for pieces in kept for piece in pieces]
        self._writer.write_pieces(self._buffers[message.buffer], all_pieces, 0)
        self._kept[message.buffer] = kept
        return done

    def _place(self, placing: Placing) -> Placed:
        """Write what is in a buffer into parts; the bytes are still in memory, too."""
        kept = self._kept.pop(placing.buffer)
        try:
            for number, path, offset_bytes in placing.places:
                self._writer.write(path, kept[number], offset_bytes)
                self._mark.beat()
        except OSError:  # its owner writes it, and finds the error
            return Placed(placing.buffer, is_written=False)
        return Placed(placing.buffer, is_written=True)


def _by_result(
    pieces: Sequence[tuple[str | None, int, int]], data: _Bytes
) -> tuple[list[tuple[str | None, int, int]], list[_Bytes]]:
    """Bring the pieces of each result together; return what they are, and the bytes of each."""
    sums: dict[str | None, tuple[int, int]] = {}
    kept: dict[str | None, list[bytes | memoryview]] = {}
    for (result, size_bytes, lines), piece in zip(pieces, data, strict=True):
        all_bytes, all_lines = sums.get(result, (0, 0))
        sums[result] = all_bytes + size_bytes, all_lines + lines
        kept.setdefault(result, []).append(piece)
    return [(result, *sums[result]) for result in kept], list(kept.values())


class _Writer:
    """Writes into parts, of which only so many are open at once."""

    def __init__(self) -> None:
        self._disk = Disk(power=False)  # its owner makes them durable
        self._open: dict[str, int] = {}

    def write(self, path: str, pieces: _Bytes, offset_bytes: int) -> None:
        """Write pieces one after the other, the first of them at an offset."""
        self.write_pieces(self._descriptor(path), pieces, offset_bytes)

    def write_pieces(self, descriptor: int, pieces: _Bytes, offset_bytes: int) -> None:
        """Do the same with an open file."""
        for piece in pieces:
            self._disk.write_at(descriptor, piece, offset_bytes)
            offset_bytes += len(piece)

    def _descriptor(self, path: str) -> int:
        descriptor = self._open.pop(path, None)
        if descriptor is None:
            if len(self._open) >= OPEN_PARTS:
                self._disk.close(self._open.pop(next(iter(self._open))))
            descriptor = self._disk.reopen_to_fill(path)
        self._open[path] = descriptor
        return descriptor
