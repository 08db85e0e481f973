"""`parse_fixed`: the fields of a line by their position."""

from __future__ import annotations

from collections.abc import Mapping

from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, Option, StepKind
from fproc.pipeline.processors.objects import Misfit, StructuredRecord, parsing
from fproc.pipeline.processors.text import same_tag


def _parse_fixed(*, columns: Mapping[str, slice], trim: bool, otherwise: str) -> Maker:
    places = list(columns.items())
    furthest = max(columns, key=lambda name: columns[name].start)
    needed = columns[furthest].start

    def parse(line: str) -> StructuredRecord:
        if len(line) <= needed:
            raise Misfit(f"has {len(line)} characters, the column {furthest!r} begins at {needed + 1}")
        if trim:
            return {name: line[place].strip() for name, place in places}
        return {name: line[place] for name, place in places}

    processor = parsing(parse, otherwise)
    return lambda _source, _output: processor


PARSE_FIXED = same_tag(
    "Makes a record of columns at fixed positions.",
    _parse_fixed,
    (
        {"columns": {"id": "1-4", "name": "5-12", "price": "13-"}},
        ["0017bolt M8   12.50"],
        ['{"id":"0017","name":"bolt M8","price":"12.50"}'],
    ),
    {
        "columns": Option(
            "columns",
            'the names and positions of the columns, in characters from 1: `"1-4"`, `"5"`, or `"13-"` for '
            "the rest of the line",
            required=True,
        ),
        "trim": Option("flag", "remove the white space around each column", default=True),
        "otherwise": OTHERWISE_REJECT,
    },
    step=lambda _values: StepKind.PARSE,
    fields_after=lambda values, _before: frozenset(values["columns"]),
)
