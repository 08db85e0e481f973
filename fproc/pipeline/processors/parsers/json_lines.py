"""`parse_json`: a line that is a JSON object already."""

from __future__ import annotations

from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, Processor, StepKind
from fproc.pipeline.processors.objects import decode, parsing
from fproc.pipeline.processors.text import same_tag


def _parse_json(*, otherwise: str) -> Maker:
    processor: Processor = parsing(decode, otherwise)
    return lambda _source, _output: processor


PARSE_JSON = same_tag(
    "Takes a line for a JSON object, and checks that it is one; numbers stay as they are written.",
    _parse_json,
    (
        {"otherwise": "drop"},
        ['{"user": "ann", "price": 1.50}', "no object", "[1, 2]"],
        ['{"user":"ann","price":1.50}'],
    ),
    {"otherwise": OTHERWISE_REJECT},
    step=lambda _values: StepKind.PARSE,
)
