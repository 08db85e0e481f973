"""Adding to records and lines what a table says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fproc.base.text import nearest
from fproc.pipeline.processors.base import OTHERWISE, Maker, Option, StepKind, mapping, misfit
from fproc.pipeline.processors.editing.values import Field, column_reader, key_reader
from fproc.pipeline.processors.objects import MISSING, Misfit, StructuredRecord, editing, needing, put
from fproc.pipeline.processors.options.tables import LookupTable
from fproc.pipeline.processors.options.templates import text_of
from fproc.pipeline.processors.text import SEPARATOR, same_tag

Rows = Mapping[str, Mapping[str, Any]]
"""What is added for each value, by the field that it goes to."""


def _key_column(table: LookupTable, key: str | None) -> str:
    """Return the column that is looked in, the first if none is named."""
    return key or (table.columns[0] if table.columns else "")


def _taken(table: LookupTable, key: str, take: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the columns that are taken, with the fields that they go to."""
    return {column: column for column in table.columns if column != key} if take is None else take


def _rows(table: LookupTable, key: str | None, take: Mapping[str, str] | None) -> Rows:
    """Return what is added for each value of the key."""
    key = _key_column(table, key)
    taken = _taken(table, key, take)
    return {
        text_of(row.cells.get(key)): {
            field: row.cells[column] for column, field in taken.items() if column in row.cells
        }
        for row in table.rows
    }


def _lookup(
    *,
    field: Field,
    separator: str,
    table: LookupTable,
    key: str | None,
    take: Mapping[str, str] | None,
    otherwise: str,
) -> Maker:
    rows = _rows(table, key, take)
    if isinstance(field, int):
        columns = list(_taken(table, _key_column(table, key), take).values())
        return mapping(_in_line(field, separator, rows, columns, otherwise))
    processor = editing(_in_record(field, rows), otherwise)
    return lambda _source, _output: processor


def _in_record(field: str, rows: Rows) -> Callable[[StructuredRecord], StructuredRecord]:
    read = key_reader(field)
    is_plain = not any("." in name for row in rows.values() for name in row)

    def edit(record: StructuredRecord) -> StructuredRecord:
        value = read(record)
        row = rows.get(value if type(value) is str else text_of(value)) if value is not MISSING else None
        if row is None:
            raise Misfit(_unknown(field, value))
        if is_plain:
            return {**record, **row}
        changed = dict(record)
        for name, entry in row.items():
            put(changed, name, entry)
        return changed

    return edit


def _unknown(field: Field, value: Any) -> str:
    if value is MISSING:
        return f"has no {'column' if isinstance(field, int) else 'field'} {field!r}"
    return f"{text_of(value)!r} is not in the table"


def _in_line(
    column: int, separator: str, rows: Rows, columns: list[str], otherwise: str
) -> Callable[[str], str | None]:
    read = column_reader(column, separator)

    def change(line: str) -> str | None:
        value = read(line)
        row = rows.get(value) if value is not MISSING else None
        if row is None:
            return misfit(line, otherwise, _unknown(column, value))
        return separator.join([line, *[text_of(row.get(name)) for name in columns]])

    return change


def _check(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    table: LookupTable = values["table"]
    key = _key_column(table, values["key"])
    for option, name in [("key", key), *(("take", name) for name in values["take"] or ())]:
        if name and name not in table.columns:
            hint = nearest(name, list(table.columns)) or f"it has {', '.join(table.columns)}"
            yield option, f"{table.path} has no column {name!r}", hint
            return
    first: dict[str, str] = {}
    for row in table.rows:
        if key not in row.cells:
            yield "table", f"{row.where}: has no {key!r}", "each row needs one"
            return
        text = text_of(row.cells[key])
        if text in first:
            yield "table", f"{row.where}: {text!r} stands twice in {key!r}", f"first at {first[text]}"
            return
        first[text] = row.where


def _fields_after(values: Mapping[str, Any], before: frozenset[str] | None) -> frozenset[str] | None:
    return None if before is None else before | {name.partition(".")[0] for name in _added(values)}


def _added(values: Mapping[str, Any]) -> Iterable[str]:
    """Return the fields that are added."""
    table: LookupTable = values["table"]
    return _taken(table, _key_column(table, values["key"]), values["take"]).values()


LOOKUP = same_tag(
    "Adds to a record what a table says about one of its fields.",
    _lookup,
    (
        {"field": "country", "table": {"DE": "Germany", "FR": "France"}, "take": {"value": "name"}},
        ['{"country": "DE", "n": 1}', '{"country": "XX"}'],
        ['{"country":"DE","n":1,"name":"Germany"}', '{"country": "XX"}'],
    ),
    {
        "field": Option("field", "what is looked up: a column of the line from 1, or a key", required=True),
        "table": Option(
            "table",
            "the path of a table, from the configuration on: CSV with a header, or JSON (`.json`), which is "
            "an object by name or a list of objects; or such an object itself. The file is read at the start",
            required=True,
        ),
        "key": Option("separator", "the table's column that is looked in; by default its first"),
        "take": Option(
            "renamed",
            "the table's columns that are added, as a list or with the fields that they go to; by default "
            "all others. A JSON object by name has the columns `name` and, if its values are no objects, "
            "`value`",
        ),
        "separator": SEPARATOR,
        "otherwise": OTHERWISE,
    },
    step=lambda values: StepKind.EDIT if isinstance(values["field"], str) else None,
    check=_check,
    fields_after=_fields_after,
    fields_before=needing(lambda values: [values["field"], *_added(values)]),
)
