"""`format`: the text that ends a structured record: CSV, key=value, JSON, or a template."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fproc.pipeline.processors.base import OTHERWISE, Maker, Option, Processor, StepKind, misfit
from fproc.pipeline.processors.objects import (
    MISSING,
    Format,
    Misfit,
    StructuredRecord,
    decode,
    encode,
    formatting,
    get,
    needing_only,
)
from fproc.pipeline.processors.options.templates import RecordTemplate, text_of
from fproc.pipeline.processors.parsers.cells import cell_joiner, check_marks
from fproc.pipeline.processors.parsers.key_value import DELIMITER, QUOTE, kv_joiner
from fproc.pipeline.processors.state import of_attributes
from fproc.pipeline.processors.text import same_tag
from fproc.pipeline.records import Record

CSV, KEY_VALUE, JSON = "csv", "kv", "json"


def _value(record: StructuredRecord, field: str, default: str | None) -> Any:
    """Return the value of a field, or the default of those that are not there.

    Raises:
        Misfit: it is not there, and there is no default.
    """
    value = get(record, field)
    if value is not MISSING:
        return value
    if default is None:
        raise Misfit(f"has no field {field!r}")
    return default


def _chosen(
    fields: Sequence[str] | None, default: str | None
) -> Callable[[StructuredRecord], StructuredRecord]:
    """Return a call that returns a record with these fields only, or all of them."""
    if fields is None:
        return lambda record: record
    return lambda record: {field: _value(record, field, default) for field in fields}


def _objects(fields: Sequence[str] | None, default: str | None) -> Format:
    choose = _chosen(fields, default)
    return lambda record: encode(choose(record))


def _pairs(
    fields: Sequence[str] | None, default: str | None, join: Callable[[list[tuple[str, str]]], str]
) -> Format:
    choose = _chosen(fields, default)
    return lambda record: join([(key, text_of(value)) for key, value in choose(record).items()])


class CsvFormatter:
    """A writer of the rows of one table.

    Args:
        fields: the columns; None for the fields of the first record.
        default: what stands for a field that a record has not, unless None.
        join: makes a line of cells.
        has_header: whether a line with the names comes before the first row.
    """

    def __init__(
        self,
        fields: Sequence[str] | None,
        default: str | None,
        join: Callable[[list[str]], str],
        *,
        has_header: bool,
    ) -> None:
        self.fields = None if fields is None else [*fields]
        self.needs_header = has_header
        self._is_chosen = fields is not None
        self._default = default
        self._join = join

    def is_settled(self) -> bool:
        """Return whether the columns are known, and their names written."""
        return self.fields is not None and not self.needs_header

    def row(self, record: StructuredRecord) -> str:
        """Return the row of a record.

        Raises:
            Misfit: it lacks a field, or has one that is no column; or the header has to come first.
        """
        if self.needs_header or self.fields is None:
            raise Misfit("comes behind the header")
        return self._row(record, self.fields)

    def _row(self, record: StructuredRecord, fields: list[str]) -> str:
        if [*record] == fields:
            values = [*record.values()]
        else:
            values = [_value(record, field, self._default) for field in fields]
            if not self._is_chosen and not record.keys() <= {*fields}:
                extra = next(key for key in record if key not in fields)
                raise Misfit(f"has the field {extra!r}, which is no column of the first record")
        return self._join([value if type(value) is str else text_of(value) for value in values])

    def lines(self, line: str) -> Iterator[str]:
        """Yield the lines that the record on a line becomes: the first one is the header, if it is to be."""
        record = decode(line)
        fields = [*record] if self.fields is None else self.fields
        row = self._row(record, fields)
        self.fields = fields
        if self.needs_header:
            self.needs_header = False
            yield self._join(fields)
        yield row


def _csv_processor(formatter: CsvFormatter, otherwise: str) -> Processor:
    def process(tag: str, line: str) -> Sequence[Record]:
        try:
            return [(tag, made) for made in formatter.lines(line)]
        except Misfit as why:
            kept = misfit(line, otherwise, str(why))
            return () if kept is None else ((tag, kept),)

    state = of_attributes(formatter, ["fields", "needs_header"])
    return Processor(process, state=state, step=formatter.row, is_settled=formatter.is_settled)


def _format(
    *,
    to: str | None,
    template: RecordTemplate | None,
    fields: list[str] | None,
    separator: str | None,
    header: bool,
    delimiter: str,
    quote: str,
    default: str | None,
    otherwise: str,
) -> Maker:
    if to == CSV:
        join = cell_joiner(separator or ",", quote)
        return lambda _source, _output: _csv_processor(
            CsvFormatter(fields, default, join, has_header=header), otherwise
        )
    if template is not None:
        return lambda source, _output: formatting(template.filler(source, default), otherwise)
    form = (
        _objects(fields, default)
        if to == JSON
        else _pairs(fields, default, kv_joiner(separator or " ", delimiter, quote))
    )
    processor = formatting(form, otherwise)
    return lambda _source, _output: processor


def _remembers(values: Mapping[str, Any]) -> bool:
    return values["to"] == CSV and (values["header"] or values["fields"] is None)


def _asked(values: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the fields that are looked at; None for all."""
    template: RecordTemplate | None = values["template"]
    fields: Sequence[str] | None = values["fields"]
    return fields if template is None else template.names


def _check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if values["template"] is not None and values["to"] is not None:
        yield "to", "'to' and 'template' both say what the text is", "keep one of them"
    if values["template"] is None and values["to"] is None:
        yield "to", "nothing says what the text is", "give 'to' (csv, kv or json) or a 'template'"
    if values["to"] == CSV:
        yield from check_marks(values)


FORMAT = same_tag(
    "Makes text of a record: a row of CSV, `key=value` pairs, JSON, or a template.",
    _format,
    (
        {"to": "csv", "fields": ["name", "price"]},
        ['{"price": 1200.50, "name": "bolt, M8"}', '{"price": 30, "name": "plate 4\\" steel", "id": 7}'],
        ["name,price", '"bolt, M8",1200.50', '"plate 4"" steel",30'],
    ),
    {
        "to": Option(f"choice:{CSV},{KEY_VALUE},{JSON}", "what to make: `csv`, `kv` (key=value) or `json`"),
        "template": Option(
            "record",
            "the text, with `{field}` for fields (`{a.b}` for nested ones), and `{file}`, `{line_no}` and "
            "`{offset}`; instead of `to`",
        ),
        "fields": Option(
            "names",
            "the fields to write, in this order; by default all of them, in CSV those of the first record",
        ),
        "separator": Option(
            "separator",
            "what stands between columns or pairs; by default `,` in CSV and a blank in key=value",
        ),
        "header": Option("flag", "write the names of the columns before the first row of CSV", default=True),
        "delimiter": DELIMITER,
        "quote": QUOTE,
        "default": Option(
            "line", "what stands for a field that a record has not; without it such a record does not fit"
        ),
        "otherwise": OTHERWISE,
    },
    remembers=_remembers,
    settles=lambda values: values["to"] == CSV,
    step=lambda _values: StepKind.FORMAT,
    check=_check,
    fields_before=needing_only(_asked),
)
