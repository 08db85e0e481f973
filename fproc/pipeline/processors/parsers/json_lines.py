"""`parse_json`: a line that is a JSON object already."""

from __future__ import annotations

from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, StepKind
from fproc.pipeline.processors.objects import Misfit, StructuredRecord, decode, parsing
from fproc.pipeline.processors.text import same_tag


def _parse(line: str) -> StructuredRecord | None:
    try:
        return decode(line)
    except Misfit:
        if line and not line.isspace():
            raise
        return None


def _parse_json(*, otherwise: str) -> Maker:
    processor = parsing(_parse, otherwise)
    return lambda _source, _output: processor


PARSE_JSON = same_tag(
    "Takes a line for a JSON object, and checks that it is one; numbers stay as they are written, and blank "
    "lines are dropped.",
    _parse_json,
    (
        {"otherwise": "drop"},
        ['{"user": "ann", "price": 1.50}', "no object", "[1, 2]"],
        ['{"user":"ann","price":1.50}'],
    ),
    {"otherwise": OTHERWISE_REJECT},
    step=lambda _values: StepKind.PARSE,
)
