"""`dissect`: the fields of a line by the text between them."""

from __future__ import annotations

from collections.abc import Iterator

from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, Option, StepKind
from fproc.pipeline.processors.objects import Misfit, StructuredRecord, first_keys, parsing, put
from fproc.pipeline.processors.parsers.layouts import Layout
from fproc.pipeline.processors.text import same_tag


def _pieces(line: str, form: Layout) -> Iterator[tuple[str, str]]:
    """Yield the fields of a line."""
    if not line.startswith(form.lead):
        raise Misfit(f"does not begin with {form.lead!r}")
    rest = line[len(form.lead) :]
    *middle, (last, tail, _) = form.fields
    for name, delimiter, is_padded in middle:
        value, found, rest = rest.partition(delimiter)
        if not found:
            raise Misfit(f"has no {delimiter!r} behind {{{name}}}")
        if is_padded:
            value = value.rstrip(delimiter[0])
            while rest.startswith(delimiter):
                rest = rest[len(delimiter) :]
        yield name, value
    if not rest.endswith(tail):
        raise Misfit(f"does not end with {tail!r}")
    yield last, rest.removesuffix(tail)


def _dissect(*, pattern: Layout, otherwise: str) -> Maker:
    is_nested = any("." in name for name, _, _ in pattern.fields)
    leaves_out = any(not name for name, _, _ in pattern.fields)

    def parse(line: str) -> StructuredRecord:
        record = dict(_pieces(line, pattern))
        if leaves_out:
            del record[""]
        return _nested(record) if is_nested else record

    processor = parsing(parse, otherwise)
    return lambda _source, _output: processor


def _nested(fields: StructuredRecord) -> StructuredRecord:
    record: StructuredRecord = {}
    for path, value in fields.items():
        put(record, path, value)
    return record


DISSECT = same_tag(
    "Makes a record of a line by the text that stands between its fields.",
    _dissect,
    (
        {"pattern": "[{time}] [{level}] {text}", "otherwise": "drop"},
        ["[10:00] [warn] disk [sda] is full", "[10:01] no level"],
        ['{"time":"10:00","level":"warn","text":"disk [sda] is full"}'],
    ),
    {
        "pattern": Option(
            "layout",
            "the line, with `{name}` for each field; each goes up to the text behind it, the last one to the "
            "end. `{}` is left out, behind `{name->}` there may be more of that text or of its first "
            "character; `{{` and `}}` are braces",
            required=True,
        ),
        "otherwise": OTHERWISE_REJECT,
    },
    step=lambda _values: StepKind.PARSE,
    fields_after=lambda values, _before: first_keys(name for name, _, _ in values["pattern"].fields if name),
)
