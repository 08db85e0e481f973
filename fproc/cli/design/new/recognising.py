"""What shape a sample has: those that it may have are tried on it, one after the other, by fproc itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fproc.base.errors import ConfigError
from fproc.cli.design.check import run_examples
from fproc.cli.design.new import logs, tables
from fproc.cli.design.new.beginning import Beginning
from fproc.cli.design.new.shape import EXAMPLE_RECORDS, SampleShape, parser
from fproc.config.input_format import AUTO
from fproc.pipeline.failures import LineFailure
from fproc.pipeline.plan import build_plan

MOST_REJECTED = 0.05
"""The share of a sample's records that may not fit."""

_SHAPES: tuple[Callable[[Beginning], Iterator[SampleShape]], ...] = (
    logs.json_lines,
    logs.access_logs,
    logs.named_logs,
    tables.csv_with_header,
    logs.stack_traces,
    logs.pairs,
    logs.levels,
    tables.csv_without_header,
    tables.fixed_columns,
)
"""What yields the shapes that a sample may have, the surest first."""


def recognised_shape(sample: Beginning, folder: str) -> SampleShape:
    """Return the shape that a sample has; `folder` is the one that the pipeline will be in."""
    for shapes in _SHAPES:
        for shape in shapes(sample):
            if not shape.is_object or _fits(shape, sample, folder):
                return shape
    return SampleShape(
        what="text",
        makes="the same lines, without those that are blank",
        first=parser("filter", pattern="\\S"),
        is_object=False,
        example=sample.lines[:EXAMPLE_RECORDS],
    )


def input_of(shape: SampleShape, sample: Beginning) -> dict[str, Any]:
    """Return what the configuration says under `input`, which is nothing if the defaults will do."""
    encoding = {} if sample.encoding == AUTO else {"encoding": sample.encoding}
    return {**encoding, **({} if shape.records == "lines" else {"records": shape.records})}


def _fits(shape: SampleShape, sample: Beginning, folder: str) -> bool:
    """Return whether the nodes before the user's take nearly all of the sample."""
    others = [{**node, "next": "end"} if node.get("next") else node for node in shape.others]
    following = [node["tag"] for node in others if node["tag"] == shape.next] or "end"
    value = {
        "nodes": [{"tag": "start", **shape.first, "next": following}, *others],
        "input": input_of(shape, sample),
    }
    rejected: list[LineFailure] = []
    try:
        results = run_examples(build_plan(value, folder=folder), list(sample.lines), tell=rejected.append)
    except ConfigError:
        return False  # such as two columns of one name
    kept = sum(map(len, results.values()))
    return kept > 0 and len(rejected) <= MOST_REJECTED * (kept + len(rejected))
