"""What tests of several kinds share."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from fproc.pipeline.failures import LineFailure, RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan, build_plan
from fproc.pipeline.processors.base import Source
from fproc.pipeline.records import Block, Overlong, Passing, Record, read_pieces
from fproc.pipeline.tracing.trace import Trace
from tests.support.project import PROJECT

SAMPLES = str(PROJECT / "tests" / "samples")
"""The folder with processors as users write them."""

SOURCE = Source("in.log", "2026-11-22")

Nodes = Sequence[Mapping[str, Any]]


def thinned(cases: Mapping[str, Any], *quick: str) -> list[Any]:
    """Cases of one test, by name: the quick ones, one of each kind, are fast tests, the others are sweeps."""
    assert cases.keys() >= set(quick), "a case that is to be quick is not there"
    marks = {name: () if name in quick else pytest.mark.sweep for name in cases}
    return [pytest.param(case, id=name, marks=marks[name]) for name, case in cases.items()]


class Memory:
    """An `Output` in memory: results by name, and what was printed."""

    def __init__(self) -> None:
        self._results: dict[str, list[str]] = {}
        self._printed: list[str] = []

    @property
    def results(self) -> dict[str, list[str]]:
        return {name: lines for name, lines in self._results.items() if lines}

    def write(self, result: str, line: str) -> None:
        self.lines(result).append(line)

    def print_line(self, line: str) -> None:
        self._printed.append(line)

    def lines(self, result: str) -> list[str]:
        return self._results.setdefault(result, [])

    def printed(self) -> list[str]:
        return self._printed

    def note(self, characters: int) -> None:
        pass


class Notes:
    """An `Observer` that writes down what it is told: of each line, its steps, and how failed ones ended."""

    def __init__(self, *, first_lines: int | None = None) -> None:
        self.first_lines = first_lines
        self.notes: list[Any] = []

    def open(self, file: str) -> None:
        self.notes.append(file)

    def begin(self, line_no: int | None, line: str) -> None:
        self.notes.append((line_no, line))

    def step(self, node: str, tag: str, line: str, emitted: Sequence[Record], hops: int) -> None:
        self.notes.append((hops, node, tag, line, list(emitted)))

    def fail(self, node: str, tag: str, line: str, hops: int) -> None:
        self.notes.append((hops, node, tag, line, "failed"))

    def lose(self, failure: LineFailure, again: Callable[[], bool] | None) -> None:
        self.notes.append((failure, again is not None))

    def close(self) -> Sequence[Trace]:
        self.notes.append("close")
        return ()


def plan_of(nodes: Nodes, **config: Any) -> Plan:
    """The plan of a pipeline; its plugins lie in `SAMPLES`."""
    return build_plan({"nodes": list(nodes), **config}, folder=SAMPLES)


def user(name: str) -> str:
    """The import path of one of the sample processors."""
    return f"user_processors.{name}"


def line_failure(fate: str, node: str, line_no: int | None, given: str | None, reason: str) -> LineFailure:
    """A failure of a line of which no more is known than this."""
    return LineFailure(fate, node, line_no, None, given, None, None, reason)


def stop(error: RecordError) -> None:
    raise error


def read_blocks(read: Callable[[int], bytes], **options: Any) -> Iterator[Block | Overlong]:
    """The pieces of an input, without reports from the middle of a line."""
    return (piece for piece in read_pieces(read, **options) if not isinstance(piece, Passing))


def run_bytes(
    plan: Plan, data: bytes, *, block_bytes: int = 65536, entry: str = "start"
) -> tuple[Memory, Interpreter]:
    """What a plan makes of an input, and the run, for its counts.

    Raises:
        RecordError: a record failed.
    """
    output = Memory()
    run = plan.run(SOURCE, output, entry=entry, on_error=stop)
    limit = plan.config.limits.max_line_bytes
    try:
        for block in read_blocks(io.BytesIO(data).read, max_line_bytes=limit, block_bytes=block_bytes):
            run.feed(block)
        run.finish()
    finally:
        run.close()
    return output, run


def run_lines(plan: Plan, *lines: str) -> dict[str, list[str]]:
    """The results that a plan gives for some lines."""
    data = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
    return run_bytes(plan, data)[0].results


def list_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have folders list each name twice, as tmpfs of Linux 6.18 does while others leave it."""
    scandir = os.scandir

    @contextmanager
    def listing(path: str) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(path) as entries:
            found = list(entries)
        yield [*found, *found]

    monkeypatch.setattr(os, "scandir", listing)


@contextmanager
def as_user(uid: int) -> Iterator[None]:
    """Within it, this process, which is root's, has another user's rights and no capability.

    What Python would import meanwhile it may not find: that it did not once is remembered.
    """
    codecs.lookup("ascii")
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
