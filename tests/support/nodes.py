"""One built-in on some lines, in each way in which fproc runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from fproc.base.errors import ConfigError
from fproc.pipeline.compiler.run import CompiledRun
from fproc.pipeline.failures import RecordError
from fproc.pipeline.interpreter import Interpreter
from fproc.pipeline.plan import Plan
from fproc.pipeline.processors.base import Source
from fproc.pipeline.processors.builtins import BUILTINS
from fproc.pipeline.records import Block
from tests.support.helpers import SOURCE, Memory, plan_of

Options = dict[str, Any]


class Ran(NamedTuple):
    """The lines that a pipeline sends to `end`, and why others failed."""

    lines: list[str]
    reasons: list[str]


def pipeline(*nodes: tuple[str, Options]) -> list[dict[str, Any]]:
    """Nodes one behind the other."""
    names = ["start", *(f"n{index}" for index in range(1, len(nodes))), "end"]
    return [
        {"tag": name, "type": kind, "config": config, "next": after}
        for name, after, (kind, config) in zip(names, names[1:], nodes, strict=False)
    ]


def ran(plan: Plan, lines: Sequence[str], *, source: Source = SOURCE) -> Ran:
    """What comes of some lines: compiled, interpreted, in small blocks, from a checkpoint."""
    whole = _once(plan, lines, source, Interpreter, len(lines) or 1, None)
    for block_lines in (len(lines) or 1, 2):
        for stop in (None, len(lines) // 2):
            assert _once(plan, lines, source, None, block_lines, stop) == whole
    assert _once(plan, lines, source, Interpreter, 1, len(lines) // 2) == whole
    return whole


def _once(  # noqa: PLR0917 - all of them differ from call to call
    plan: Plan,
    lines: Sequence[str],
    source: Source,
    engine: type[Interpreter] | None,
    block_lines: int,
    stop: int | None,
) -> Ran:
    output, errors = Memory(), list[RecordError]()

    def begun() -> Interpreter:
        options: dict[str, Any] = {
            "source": source, "output": output, "entry": "start", "max_hops": 100, "on_error": errors.append
        }  # fmt: skip
        if engine is not None:
            return engine(plan.graph, plan.makers, **options)
        return CompiledRun(plan.compiler, plan.graph, plan.makers, **options)

    run = begun()
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line.encode("utf-8", "surrogateescape")) + 1)
    first = 0
    while first < len(lines):
        last = min(first + block_lines, len(lines))
        if stop is not None and first < stop:
            last = min(last, stop)
        raw = "".join(line + "\n" for line in lines[first:last]).encode("utf-8", "surrogateescape")
        run.feed(Block(list(lines[first:last]), first + 1, offsets[first], raw))
        first = last
        if first == stop:
            saved = run.snapshot()
            run.close()
            run = begun()
            run.restore(saved)
    run.finish()
    run.close()
    return Ran(output.results.get(source.name, []), [error.failure.reason for error in errors])


def of_one(kind: str, config: Options, lines: Sequence[str], *, source: Source = SOURCE) -> Ran:
    """What one built-in makes of some lines."""
    return ran(plan_of(pipeline((kind, config))), lines, source=source)


def told(kind: str, config: Options) -> str:
    """What is wrong with a node, in words."""
    assert kind in BUILTINS
    with pytest.raises(ConfigError) as caught:
        plan_of(pipeline((kind, config)))
    return str(caught.value).replace("$.nodes[0].config.", "")
