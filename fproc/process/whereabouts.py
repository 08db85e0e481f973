"""The whereabouts of a process: which line and which node it is at, at any time.

A signal asks. Python runs a handler between any two instructions, and also within a match of a pattern that
never ends, a sleep, or a wait for a socket: it gets the frame that was interrupted, and the frames of its
callers have the rest. While a call into C does not check for signals, nothing is found out.
"""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Any

from fproc.pipeline.compiler.program import node_at
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.compiler.streamed import StreamFeed
from fproc.pipeline.failures import GENERATED
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.records import Block
from fproc.process.mark import EXCERPT_CHARACTERS, CurrentTask, Whereabouts, is_brief

log = logging.getLogger("fproc.worker")

ASK: int | None = signal.SIGRTMIN + 11 if hasattr(signal, "SIGRTMIN") else None
"""The signal that asks a process where it is: one that has no other meaning."""

_NODE_CHARACTERS = 200

_NODE_FRAMES = {**CompiledRun.NODE_FRAMES, StreamFeed.feed.__code__: "node"}

_FEEDS = {Interpreter.feed.__code__, CompiledRun.feed.__code__}


class Responder:
    """A signal handler in the process that is asked.

    Args:
        mark: it takes the reply.
    """

    def __init__(self, mark: CurrentTask) -> None:
        self._mark = mark

    def listen(self) -> None:
        """Answer from now on, even if users' code has handled the signal; for the main thread."""
        if ASK is not None:
            signal.signal(ASK, self.handle)

    def handle(self, _number: int, frame: FrameType | None) -> None:
        """Reply where this process is. The interrupted code must not notice: nothing is raised."""
        try:
            answer_from(frame, self._mark)
        except Exception:
            log.exception("cannot say which line is worked on")


def answer_from(frame: FrameType | None, mark: CurrentTask) -> None:
    """Reply with what the frames tell, unless the reply is deferred: then a helper is asked in turn."""
    if mark.defers:
        return
    question, known = mark.question(), mark.known()
    node: str | None = None
    while frame is not None:
        code = frame.f_code
        if code in _NODE_FRAMES:
            node = node or frame.f_locals.get(_NODE_FRAMES[code])
        elif code.co_filename == GENERATED:
            node = node or node_at(frame.f_globals, frame.f_lineno)
        elif code in _FEEDS and not is_brief(question):
            mark.reply(_in_block(known, frame.f_locals, node, mark), question)
            return
        frame = frame.f_back
    mark.reply(Whereabouts(known.what, known.line_no, _cut(node, _NODE_CHARACTERS)), question)


def _in_block(known: Whereabouts, names: dict[str, Any], node: str | None, mark: CurrentTask) -> Whereabouts:
    """Return what is known while a block is fed, by the names in its frame."""
    run: Interpreter = names["self"]
    block = names["block"]
    index = run.current_index()
    if not isinstance(block, Block) or index is None:
        return Whereabouts(known.what, known.line_no, _cut(node, _NODE_CHARACTERS))
    is_there = 0 <= index < len(block.lines)
    line = block.lines[index] if is_there else None
    line_no = block.line_no(index if is_there else 0)
    return Whereabouts(
        known.what,
        line_no + mark.lines_before(),
        _cut(node, _NODE_CHARACTERS),
        _cut(line, EXCERPT_CHARACTERS),
    )


def _cut(text: str | None, characters: int) -> str | None:
    return None if text is None else text[:characters]


def ask(pid: int, mark: CurrentTask, *, briefly: bool = False) -> None:
    """Ask a process where it is, by its id, unless the signal would kill it, or it is gone.

    If asked briefly, it only names the node: to number a line may take it a while.
    """
    mark.ask(briefly=briefly)
    if ASK is not None and _hears(pid, ASK):
        with suppress(ProcessLookupError):
            os.kill(pid, ASK)


def _hears(pid: int, number: int) -> bool:
    """Return whether a process has a handler for a signal, as far as the system tells."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            caught = next((line.split()[1] for line in file if line.startswith("SigCgt:")), "0")
    except OSError:
        return False
    return bool(int(caught, 16) >> (number - 1) & 1)
