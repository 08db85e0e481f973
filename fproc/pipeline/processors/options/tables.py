"""Tables that built-ins look values up in: files of CSV or JSON, read once when a pipeline is made ready."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fproc.base.errors import ConfigError, Problem, reason_of
from fproc.base.ids import sha256
from fproc.base.schema import json_type, parse_json
from fproc.base.text import counted
from fproc.pipeline.processors.objects import decode

SEPARATORS = ",;\t|"
"""What may stand between the cells of a table: the one that its header has most of."""

JSON_SUFFIXES = (".json", ".jsn")

NAME_COLUMN, VALUE_COLUMN = "name", "value"
"""The columns of a table that is a JSON object: its keys, and its values where those are no objects."""


class TableRow(NamedTuple):
    """A row: where it stands in the file, in words, and its cells by column."""

    where: str
    cells: Mapping[str, Any]


class LookupTable(NamedTuple):
    """The rows of a table, its columns in their order, and a digest of the file."""

    path: str
    columns: Sequence[str]
    rows: Sequence[TableRow]
    digest: str


def read_table(path: str) -> LookupTable:
    """Return the table in a file.

    Raises:
        ValueError: it cannot be read, or is broken; the message names the file and the line.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise ValueError(f"{path!r} cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_no = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}:{line_no}: is not UTF-8 text: {error.reason}") from error
    if path.lower().endswith(JSON_SUFFIXES):
        return _table(path, _of_json(path, _json_value(path, text)), data)
    return _table(path, _of_csv(path, text), data)


def table_of_value(value: Any) -> LookupTable:
    """Return the table that is written into a configuration.

    Raises:
        ValueError: it is none.
    """
    return _table("the table", _of_json("the table", value), b"")


def _table(path: str, rows: Iterator[TableRow], data: bytes) -> LookupTable:
    listed = [*rows]
    columns = list(dict.fromkeys(column for row in listed for column in row.cells))
    return LookupTable(path, columns, listed, sha256(data).hexdigest())


def _of_csv(path: str, text: str) -> Iterator[TableRow]:
    """Yield the rows of a table of CSV with a header."""
    import csv  # noqa: PLC0415 - slow to import, and few pipelines have a table
    import io  # noqa: PLC0415 - for csv: only it says what ends a line

    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: list[str] = []
    begin = 1
    try:
        for cells in reader:
            where, begin = f"{path}:{begin}", reader.line_num + 1
            if not cells:
                continue
            if not header:
                header = _header(where, cells)
            elif len(cells) != len(header):
                raise ValueError(
                    f"{where}: has {counted(len(cells), 'column')}, its header has {len(header)}"
                )
            else:
                yield TableRow(where, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise ValueError(f"{path}:{begin}: is not CSV: {error}") from error
    if not header:
        raise ValueError(f"{path}:1: is empty; it needs a header")


def _header(where: str, cells: list[str]) -> list[str]:
    twice = [name for name in cells if cells.count(name) > 1]
    if twice or "" in cells:
        what = f"names {twice[0]!r} twice" if twice else "has a column without a name"
        raise ValueError(f"{where}: the header {what}")
    return cells


def _json_value(path: str, text: str) -> Any:
    problems: list[Problem] = []
    try:
        parse_json(text, path, problems)
    except ConfigError as error:
        raise ValueError(reason_of(error)) from error
    if problems:
        raise ValueError(str(problems[0]))
    return decode(f'{{"":{text}}}')[""]  # a number is written as it came


def _of_json(path: str, value: Any) -> Iterator[TableRow]:
    """Yield the rows of a table that is a JSON object by name, or a list of objects."""
    if not isinstance(value, dict | list):
        raise ValueError(f"{path}: must be an object or a list of objects, not {json_type(value)}")  # noqa: TRY004 - one error for all that is wrong
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for name, entry in entries:
        where = f"{path}: {json.dumps(name) if isinstance(value, dict) else f'entry {name + 1}'}"
        if isinstance(value, dict):
            cells = entry if isinstance(entry, dict) else {VALUE_COLUMN: entry}
            yield TableRow(where, {NAME_COLUMN: name, **cells})
        elif isinstance(entry, dict):
            yield TableRow(where, entry)
        else:
            raise ValueError(f"{where} must be an object, not {json_type(entry)}")  # noqa: TRY004
