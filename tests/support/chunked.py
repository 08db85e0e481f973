"""One file run by one process or by several, with all that such a run shows."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fproc.base.errors import StoppedError
from fproc.pipeline.failures import RecordError
from fproc.pipeline.plan import Plan
from fproc.run.chunked import serving
from fproc.run.figures import Figures
from fproc.run.reading.inputs import open_input
from fproc.run.run import run_input
from fproc.spool.disk.disk import Disk
from fproc.spool.job.checkpoint import Position
from fproc.spool.output.parts import Part, Staging
from tests.support.helpers import user

LEVELS: list[dict[str, Any]] = [
    {"tag": "start", "type": "tag_field", "config": {"field": 1, "tags": {"E": "error"}, "default": "other"},
     "next": {"error": ["checked", "end"], "*": "checked"}},
    {"tag": "checked", "type": user("reject_bad"), "next": "sink"},
    {"tag": "sink", "type": "write", "config": {"file": "{stem}.{tag}"}},
]  # fmt: skip

BUILT_IN = [LEVELS[0], {**LEVELS[1], "type": "uppercase"}, LEVELS[2]]


@dataclass
class Seen:
    """All that a run shows."""

    results: dict[str, bytes] = field(default_factory=dict)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)
    error: str = ""
    places: list[Position] = field(default_factory=list)
    written: list[dict[str, bytes]] = field(default_factory=list)


class Files:
    """Inputs of one test, and how they are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = 0

    def put(self, data: bytes) -> str:
        path = self.folder / "in.log"
        path.write_bytes(data)
        return str(path)

    def run(
        self,
        plan: Plan,
        path: str,
        helpers: int,
        *,
        begin_at: Position | None = None,
        written: dict[str, bytes] | None = None,
        keep: Callable[[int], object] = id,
        every: int = 1,
        held: tuple[int, ...] | None = (),
    ) -> Seen:
        """Run it, with a checkpoint before each `every`th chunk or piece."""
        self.runs += 1
        parts = self.folder / f"parts-{self.runs}"
        parts.mkdir()
        seen = Seen()
        output = Staging(Disk(power=False), lambda: str(parts), "p-", held=held)
        due = itertools.cycle(range(every))
        for number, (name, data) in enumerate((written or {}).items()):
            part = Part(str(parts / f"old-{number}"), len(data), data.count(b"\n"))
            Path(part.path).write_bytes(data)
            output.resume({**output.parts, name: part}, 0)
        given = open_input(path, in_spool=True)

        def note(offset_bytes: int, get_position: Callable[[], Position]) -> None:
            keep(offset_bytes)
            if next(due):
                return
            seen.places.append(get_position())
            output.flush()
            output.sync()
            seen.written.append(contents(output))
            assert seen.places[-1].offset_bytes == offset_bytes

        try:
            run_input(
                plan, given, output, seen.figures, reject=lambda data: seen.rejected.append(json.loads(data)),
                keep=note, begin_at=begin_at, helpers=helpers,
            )  # fmt: skip
        except (RecordError, StoppedError) as error:
            seen.error = str(error)
        finally:
            given.close()
            output.close()
        seen.results = contents(output)
        return seen


def contents(output: Staging) -> dict[str, bytes]:
    """What was written of each result up to now."""
    return {name: Path(part.path).read_bytes() for name, part in output.parts.items()}


DATA = b"".join(
    b"%s line %d %s\n" % ((b"E", b"I", b"W")[number % 3], number, b"\xff" if number % 5 else b"caf\xc3\xa9")
    for number in range(400)
)


def check_same(one: Seen, other: Seen) -> None:
    assert (one.error, one.rejected) == (other.error, other.rejected)
    if not one.error:
        assert one.results == other.results
        assert one.figures == other.figures


def children() -> list[int]:
    """The ids of processes that this one has started."""
    return [int(child) for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def let_stopped_go_on() -> None:
    """Continue the children of this process that are stopped."""
    for child in children():
        if Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "T":
            os.kill(child, signal.SIGCONT)


class Harm:
    """Sends a signal to the first helper that comes to its nth step, from within.

    A step is the time before a message is answered, before a write, in the middle of one, and after it.
    """

    def __init__(self, patch: pytest.MonkeyPatch, token: Path, step: int, number: signal.Signals) -> None:
        self.token = token
        self._owner = os.getpid()
        self._left = step
        self._number = number
        do, write_at = serving._Work.do, Disk.write_at

        def harmed_do(work: Any, message: object) -> Any:
            self._step()
            return do(work, message)

        def harmed_write(disk: Disk, descriptor: int, data: bytes, offset_bytes: int) -> None:
            half = len(data) // 2
            self._step()
            write_at(disk, descriptor, data[:half], offset_bytes)
            self._step()
            write_at(disk, descriptor, data[half:], offset_bytes + half)
            self._step()

        patch.setattr(serving._Work, "do", harmed_do)
        patch.setattr(Disk, "write_at", harmed_write)

    def _step(self) -> None:
        if os.getpid() == self._owner:
            return
        if self._left == 0:
            with suppress(FileExistsError):
                self.token.touch(exist_ok=False)
                os.kill(os.getpid(), self._number)
        self._left -= 1
