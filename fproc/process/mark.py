"""The current work of a process, in memory that it shares with its parent: telling it costs nothing.

    process that works                              who watches it
      begin, note, beat    -- shared memory -->       seen
                           <-- a signal ----          ask, in full or briefly
      reply                -- shared memory -->       answer

What the process wrote there survives its death.
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
"""The characters that are reported of a line at which a process stalls."""

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

_BRIEFLY = 1
"""The bit in the number of a question that says that the node is enough."""


class Doing(IntEnum):
    """What a process is doing with a file or several."""

    TAKING_UP = 0
    STARTING = 1
    READING = 2
    FEEDING = 3  # lines, with the number of the first and their count
    FEEDING_PART = 4  # lines of a big file, with the offset of the first byte and their size
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

_DOING_OF = {words: doing for doing, words in WORDS.items()}


class Seen(NamedTuple):
    """What a process has last noted; `beats` grows with its progress.

    `first` and `size` are numbers of lines, or of bytes, where it is feeding some.
    """

    task: int
    doing: Doing
    beats: int
    first: int
    size: int


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The current work of a process, as far as that is known.

    Attributes:
        what: what it is doing, in words.
        line_no: the line that is being processed.
        node: the node that processes it.
        line: the line of the input, cut to `EXCERPT_CHARACTERS`.
        processes: how many work on the same file.
    """

    what: str
    line_no: int | None = None
    node: str | None = None
    line: str | None = None
    processes: int = 1

    def __str__(self) -> str:
        where = f"line {self.line_no}" if self.line_no is not None else self.what
        return where + (f", node {self.node!r}" if self.node is not None else "")

    @property
    def doing(self) -> Doing:
        """What it is doing; all of the work on lines is `FEEDING`."""
        return _DOING_OF.get(self.what, Doing.FEEDING)


def is_brief(question: int) -> bool:
    """Return whether the node is enough of an answer to the question of this number."""
    return bool(question & _BRIEFLY)


class CurrentTask:
    """One side's view of that memory; `set` alone may be called on both sides.

    Attributes:
        defers: whether replies are made elsewhere than in the handler of the signal.
        lines_before: returns how many lines of the input come before those that are numbered from 1.
        processes: how many work on the same file; every reply says so.
    """

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, _BYTES)
        self._beats = 0
        self._doing: tuple[int, int, int] = (Doing.TAKING_UP, 0, 0)
        self.defers = False
        self.lines_before: Callable[[], int] = int
        self.processes = 1

    @staticmethod
    @contextmanager
    def file() -> Iterator[int]:
        """Make a file for a mark, without a name, for as long as it takes to open it on both sides."""
        with heap.unnamed_file() as file:
            file.write(_TASK.pack(NONE).ljust(_BYTES, b"\0"))
            file.flush()
            yield file.fileno()

    @classmethod
    def own(cls) -> CurrentTask:
        """Return one that is shared with no other process."""
        mark = cls(-1)
        mark.set(0)
        return mark

    def close(self) -> None:
        """Release the memory."""
        self._memory.close()

    # For the process that works

    def set(self, index: int) -> None:
        """Set the current task, or `NONE`."""
        _TASK.pack_into(self._memory, 0, index)

    def begin(self, index: int) -> None:
        """Begin with this task; with `NONE`, all of them are being processed."""
        self.set(index)
        self.note(Doing.TAKING_UP)

    def note(self, doing: Doing, first: int = 0, size: int = 0) -> None:
        """Note progress, with something else."""
        self._doing = doing, first, size
        self._beats += 1
        _DOING.pack_into(self._memory, _DOING_AT, doing, self._beats, first, size)

    def beat(self) -> None:
        """Note progress, with the same."""
        self._beats += 1
        doing, first, size = self._doing
        _DOING.pack_into(self._memory, _DOING_AT, doing, self._beats, first, size)

    def is_asked(self) -> bool:
        """Return whether someone waits for a reply."""
        answered: int = _ANSWERED.unpack_from(self._memory, _ANSWERED_AT)[0]
        return self.question() != answered

    def question(self) -> int:
        """Return the number of the last question."""
        number: int = _ASKED.unpack_from(self._memory, _ASKED_AT)[0]
        return number

    def reply(self, where: Whereabouts, to: int | None = None) -> None:
        """Reply with the current work, to the question of this number, or to the last one."""
        data = json.dumps({**asdict(where), "processes": self.processes}).encode()
        self._memory[_ANSWER_AT : _ANSWER_AT + len(data)] = data
        _ANSWERED.pack_into(self._memory, _ANSWERED_AT, self.question() if to is None else to, len(data))

    # For who watches it

    def get(self) -> int:
        """Return the index of the current task, or `NONE`."""
        return self.seen().task

    def seen(self) -> Seen:
        """Return what it has last noted."""
        return Seen(*_SEEN.unpack_from(self._memory, 0))

    def ask(self, *, briefly: bool = False) -> None:
        """Ask for a reply, which need not name the line if the question is brief."""
        number = (self.question() | _BRIEFLY) + 1  # the next even one
        _ASKED.pack_into(self._memory, _ASKED_AT, (number | briefly * _BRIEFLY) % 2**32)

    def answer(self) -> Whereabouts | None:
        """Return the reply, if it is there."""
        if self.is_asked():
            return None
        size: int = _ANSWERED.unpack_from(self._memory, _ANSWERED_AT)[1]
        return Whereabouts(**json.loads(self._memory[_ANSWER_AT : _ANSWER_AT + size]))

    def known(self) -> Whereabouts:
        """Return what is known without a reply."""
        _, doing, _, first, size = self.seen()
        if doing == Doing.FEEDING and size == 1:
            return Whereabouts("", line_no=first)
        if doing == Doing.FEEDING:
            return Whereabouts(f"somewhere in lines {first} to {first + size - 1}")
        if doing == Doing.FEEDING_PART:
            return Whereabouts(f"somewhere in bytes {first} to {first + size - 1}")
        return Whereabouts(WORDS[Doing(doing)])
