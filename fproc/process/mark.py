"""What a process is at, told through memory that it shares with who has started it: that costs nothing.

    process that works                              who watches it
      begin, note, beat    -- shared memory -->       seen
                           <-- a signal ----          ask
      reply                -- shared memory -->       answer

What the process wrote there stays, however it dies.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import NamedTuple

from fproc.base.values import asdict, dataclass
from fproc.process import heap

NONE = -1
"""The mark of a worker that runs no file: it claims, or commits."""

EXCERPT_CHARACTERS = 500
"""How much of a line is told, of one that a process does not get done with."""

_SEEN = struct.Struct("<iIQQQ")
_DOING = struct.Struct("<IQQQ")
_TASK = struct.Struct("<i")
_ASKED = struct.Struct("<I")
_ANSWERED = struct.Struct("<II")
_DOING_AT = _TASK.size
_ASKED_AT = 64
_ANSWERED_AT = 128
_ANSWER_AT = _ANSWERED_AT + _ANSWERED.size
_BYTES = 16384


class Doing(IntEnum):
    """What a process is at, with a file or several."""

    TAKING_UP = 0
    STARTING = 1
    READING = 2
    FEEDING = 3  # lines, of which the first and how many are told
    FEEDING_PART = 4  # lines of a big file, of which the first byte and how many bytes are told
    WAITING = 5
    KEEPING = 6
    ENDING = 7
    COMMITTING = 8


WORDS = {
    Doing.TAKING_UP: "taking it up",
    Doing.STARTING: "making its processors",
    Doing.READING: "reading it",
    Doing.WAITING: "waiting for a helper",
    Doing.KEEPING: "at a checkpoint",
    Doing.ENDING: "at the end of the file",
    Doing.COMMITTING: "at its commit",
}


class Seen(NamedTuple):
    """What a process has last told; `beats` grows with all that it gets done.

    `first` and `size` are numbers of lines, or of bytes, where it is feeding some.
    """

    task: int
    doing: Doing
    beats: int
    first: int
    size: int


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a process stands, as far as that is known.

    Attributes:
        what: what it is at, in words.
        line_no: the line that is worked on.
        node: the node that works on it.
        line: the line of the input, cut to `EXCERPT_CHARACTERS`.
    """

    what: str
    line_no: int | None = None
    node: str | None = None
    line: str | None = None

    def __str__(self) -> str:
        where = f"line {self.line_no}" if self.line_no is not None else self.what
        return where + (f", node {self.node!r}" if self.node is not None else "")


class CurrentTask:
    """One side's view of that memory; `set` alone may be called on both sides.

    Attributes:
        defers: whether replies are given elsewhere than in the handler of the signal.
        lines_before: how many lines of the input come before those that are numbered from 1.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _BYTES)
        self._beats = 0
        self._doing: tuple[int, int, int] = (Doing.TAKING_UP, 0, 0)
        self.defers = False
        self.lines_before: Callable[[], int] = int

    @staticmethod
    @contextmanager
    def file() -> Iterator[int]:
        """A file for a mark, without a name, for as long as it takes to open the mark on both sides."""
        with heap.unnamed_file() as file:
            file.write(_TASK.pack(NONE).ljust(_BYTES, b"\0"))
            file.flush()
            yield file.fileno()

    @classmethod
    def own(cls) -> CurrentTask:
        """Return one that no other process sees."""
        mark = cls(-1)
        mark.set(0)
        return mark

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()

    # For the process that works

    def set(self, index: int) -> None:
        """From now on it is this task, or `NONE`."""
        _TASK.pack_into(self._memory, 0, index)

    def begin(self, index: int) -> None:
        """Begin with this task; with `NONE`, all of them are worked on."""
        self.set(index)
        self.note(Doing.TAKING_UP)

    def note(self, doing: Doing, first: int = 0, size: int = 0) -> None:
        """Get on, with something else."""
        self._doing = doing, first, size
        self._beats += 1
        _DOING.pack_into(self._memory, _DOING_AT, doing, self._beats, first, size)

    def beat(self) -> None:
        """Get on, with the same."""
        self._beats += 1
        doing, first, size = self._doing
        _DOING.pack_into(self._memory, _DOING_AT, doing, self._beats, first, size)

    def is_asked(self) -> bool:
        """Whether someone waits for a reply."""
        asked: int = _ASKED.unpack_from(self._memory, _ASKED_AT)[0]
        answered: int = _ANSWERED.unpack_from(self._memory, _ANSWERED_AT)[0]
        return asked != answered

    def reply(self, where: Whereabouts) -> None:
        """Say where it stands."""
        data = json.dumps(asdict(where)).encode()
        self._memory[_ANSWER_AT : _ANSWER_AT + len(data)] = data
        asked: int = _ASKED.unpack_from(self._memory, _ASKED_AT)[0]
        _ANSWERED.pack_into(self._memory, _ANSWERED_AT, asked, len(data))

    # For who watches it

    def get(self) -> int:
        """The index of the task that is run, or `NONE`."""
        return self.seen().task

    def seen(self) -> Seen:
        """Return what it has last told."""
        return Seen(*_SEEN.unpack_from(self._memory, 0))

    def ask(self) -> None:
        """Wait for a reply from now on."""
        asked: int = _ASKED.unpack_from(self._memory, _ASKED_AT)[0]
        _ASKED.pack_into(self._memory, _ASKED_AT, (asked + 1) % 2**32)

    def answer(self) -> Whereabouts | None:
        """Return the reply, if it is there."""
        if self.is_asked():
            return None
        size: int = _ANSWERED.unpack_from(self._memory, _ANSWERED_AT)[1]
        return Whereabouts(**json.loads(self._memory[_ANSWER_AT : _ANSWER_AT + size]))

    def known(self) -> Whereabouts:
        """Return what can be said without a reply."""
        _, doing, _, first, size = self.seen()
        if doing == Doing.FEEDING and size == 1:
            return Whereabouts("", line_no=first)
        if doing == Doing.FEEDING:
            return Whereabouts(f"somewhere in lines {first} to {first + size - 1}")
        if doing == Doing.FEEDING_PART:
            return Whereabouts(f"somewhere in bytes {first} to {first + size - 1}")
        return Whereabouts(WORDS[Doing(doing)])
