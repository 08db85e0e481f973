"""The way of one line through the graph, with what each node received and emitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fproc.base.values import dataclass, field, replace
from fproc.pipeline.failures import LineFailure
from fproc.pipeline.records import Record
from fproc.pipeline.tracing.trace import Trace


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """What a node received, and what it emitted; `failure` is why it failed with that, or "".

    `hops` is the number of nodes on the way so far, this one included.
    """

    node: str
    tag: str
    line: str
    hops: int
    emitted: tuple[Record, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The way of one record, depth first."""

    file: str
    line_no: int
    line: str
    steps: tuple[ExplainedStep, ...]

    def as_json(self) -> dict[str, Any]:
        """Return a JSON value with all of it."""
        steps = [
            {
                "node": step.node,
                "tag": step.tag,
                "line": step.line,
                "hops": step.hops,
                "emitted": [{"tag": tag, "line": line} for tag, line in step.emitted],
                **({"failure": step.failure} if step.failure else {}),
            }
            for step in self.steps
        ]
        return {"file": self.file, "line_no": self.line_no, "line": self.line, "steps": steps}


@dataclass(slots=True)
class StepCollector:
    """Collects the steps of lines. An `Observer`, whose docstrings apply.

    (Not frozen: it collects.)
    """

    first_lines: int | None = 0
    file: str = ""
    line_no: int = 0
    line: str = ""
    steps: list[ExplainedStep] = field(default_factory=list)

    def open(self, file: str) -> None:  # noqa: D102
        self.file = file

    def begin(self, line_no: int | None, line: str) -> None:  # noqa: D102
        self.line_no, self.line, self.steps = line_no or 0, line, []

    def step(self, node: str, tag: str, line: str, emitted: Sequence[Record], hops: int) -> None:  # noqa: D102
        self.steps.append(ExplainedStep(node, tag, line, hops, tuple(emitted)))

    def fail(self, node: str, tag: str, line: str, hops: int) -> None:  # noqa: D102
        self.steps.append(ExplainedStep(node, tag, line, hops))

    def lose(self, failure: LineFailure, _again: Callable[[], bool] | None) -> None:  # noqa: D102
        self.steps[-1] = replace(self.steps[-1], failure=f"{failure.fate}: {failure.reason}")

    def close(self) -> Sequence[Trace]:  # noqa: D102
        return ()

    def explanation(self) -> Explanation:
        """Return what was collected of the last line."""
        return Explanation(self.file, self.line_no, self.line, tuple(self.steps))
