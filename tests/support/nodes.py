"""One built-in on some lines, in each way in which fproc runs it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from fproc.base.errors import ConfigError
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import Source
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.records import Block, RawLines
from tests.support.helpers import SOURCE, Memory, plan_of

Options = dict[str, Any]


class Ran(NamedTuple):
    """The lines that a pipeline sends to `end`, why others failed, and all results."""

    lines: list[str]
    reasons: list[str]
    results: dict[str, list[str]]


def pipeline(*nodes: tuple[str, Options]) -> list[dict[str, Any]]:
    """Nodes one behind the other."""
    names = ["start", *(f"n{index}" for index in range(1, len(nodes))), "end"]
    return [
        {"tag": name, "type": kind, "config": config, "next": after}
        for name, after, (kind, config) in zip(names, names[1:], nodes, strict=False)
    ]


def ran(plan: Plan, lines: Sequence[str], *, source: Source = SOURCE) -> Ran:
    """What comes of some lines: compiled, interpreted, in small blocks, from a checkpoint, in two parts."""
    run = partial(_once, plan, source)
    half = len(lines) // 2
    whole = run(lines, is_compiled=False)
    assert run(lines) == whole
    assert run(lines, block_lines=2) == whole
    assert run(lines, block_lines=2, saved_after=half) == whole
    assert run(lines, block_lines=1, saved_after=half, is_compiled=False) == whole
    if not plan.remembers:
        first, last = run(lines[:half]), run(lines[half:], offset_bytes=_size_bytes(lines[:half]))
        names = [*first.results, *last.results]
        assert first.reasons + last.reasons == whole.reasons
        assert {
            name: first.results.get(name, []) + last.results.get(name, []) for name in names
        } == whole.results
    return whole


def _size_bytes(lines: Sequence[str]) -> int:
    return len(_raw(lines))


def _raw(lines: Sequence[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")


def _once(
    plan: Plan,
    source: Source,
    lines: Sequence[str],
    *,
    is_compiled: bool = True,
    block_lines: int | None = None,
    saved_after: int | None = None,
    offset_bytes: int = 0,
) -> Ran:
    """Run some lines in one way; after `saved_after` of them in a run that goes on from a checkpoint."""
    output, errors = Memory(), list[RecordError]()

    def begun() -> Interpreter:
        options: dict[str, Any] = {
            "source": source, "output": output, "entry": "start", "max_hops": 100, "on_error": errors.append
        }  # fmt: skip
        if is_compiled:
            return CompiledRun(plan.compiler, plan.graph, plan.makers, **options)
        return Interpreter(plan.graph, plan.makers, **options)

    run = begun()
    cuts = sorted({*range(0, len(lines), block_lines or len(lines) or 1), saved_after or 0, len(lines)})
    for first, last in pairwise(cuts):
        if first and first == saved_after:
            saved = json.loads(json.dumps(run.snapshot()))
            run.close()
            run = begun()
            run.restore(saved)
        piece = list(lines[first:last])
        raw = _raw(piece)
        raw_lines = RawLines(raw)
        run.feed(Block(raw_lines if [*raw_lines] == piece else piece, first + 1, offset_bytes, raw))
        offset_bytes += len(raw)
    run.finish()
    run.close()
    reasons = [error.failure.reason for error in errors]
    return Ran(output.results.get(source.name, []), reasons, output.results)


def of_one(kind: str, config: Options, lines: Sequence[str], *, source: Source = SOURCE) -> Ran:
    """What one built-in makes of some lines."""
    return ran(plan_of(pipeline((kind, config))), lines, source=source)


def told(kind: str, config: Options) -> str:
    """What is wrong with a node, in words."""
    assert kind in BUILTINS
    with pytest.raises(ConfigError) as caught:
        plan_of(pipeline((kind, config)))
    return str(caught.value).replace("$.nodes[0].config.", "")
