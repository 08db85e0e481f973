"""`parse_csv`: a line of a table, with the names of its columns from the table's header or the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fproc.base.text import counted
from fproc.base.values import replace
from fproc.pipeline.processors.base import OTHERWISE_REJECT, Maker, Option, Processor, State, StepKind
from fproc.pipeline.processors.objects import Misfit, Parse, StructuredRecord, parsing
from fproc.pipeline.processors.options.columns import Columns
from fproc.pipeline.processors.parsers.cells import cell_splitter, check_marks
from fproc.pipeline.processors.text import same_tag

BYTE_ORDER_MARK = "\ufeff"


class CsvParser:
    """A parser of the lines of one table.

    Args:
        separator: what stands between cells.
        quote: what stands around cells that have the separator, a quote or a line ending in them.
        header: the cells of the header, or None if the first line that is not blank is the header.

    Attributes:
        split: returns the cells of a line, or raises `Misfit`.
    """

    def __init__(self, separator: str, quote: str, header: Sequence[str] | None) -> None:
        self.split = cell_splitter(separator, quote)
        self._marks = separator, quote
        self._header: list[str] | None = None
        self._names: list[str] = []
        self._columns: Columns | None = None
        if header is not None:
            self._take_header([*header])

    def _take_header(self, cells: list[str]) -> None:
        self._header, self._names = cells, column_names(cells)
        self._columns = Columns(*self._marks, tuple(cells), tuple(self._names))

    def parse(self, line: str) -> StructuredRecord | None:
        """Return the record of a line; None for the header, each time it comes, and for empty lines."""
        if not line:
            return None
        cells = self.split(line)
        if cells == self._header:
            return None
        if len(cells) == len(self._names):
            return dict(zip(self._names, cells, strict=False))  # no need to count them twice
        if self._header is not None:
            raise Misfit(self._ragged(cells))
        if line.strip() and line != BYTE_ORDER_MARK:
            self._take_header(self.split(line.removeprefix(BYTE_ORDER_MARK)))
        return None

    def narrowed(self, fields: frozenset[str]) -> Parse:
        """Return `parse` with records of these fields only."""
        known: list[str] = []
        wanted: list[tuple[str, int]] = []

        def parse(line: str) -> StructuredRecord | None:
            nonlocal known, wanted
            if not line:
                return None
            cells = self.split(line)
            if len(cells) != len(self._names) or cells == self._header:
                return self.parse(line)
            if self._names is not known:
                known = self._names
                wanted = [(name, index) for index, name in enumerate(known) if name in fields]
            return {name: cells[index] for name, index in wanted}

        return parse

    def _ragged(self, cells: list[str]) -> str:
        names = self._names
        what = f"has {counted(len(cells), 'column')}, the header has {len(names)}: "
        if len(cells) < len(names):
            return f"{what}{names[len(cells)]!r} is missing"
        return f"{what}column {len(names) + 1} has no name"

    def columns(self) -> Columns | None:
        """Return the columns, if the header is known."""
        return self._columns

    def is_settled(self) -> bool:
        """Return whether the header is known."""
        return self._header is not None

    def state(self) -> State:
        """Return the calls that save the header, and restore it."""

        def restore(header: Any) -> None:
            if header is not None:
                self._take_header(header)

        return State(lambda: self._header, restore)


def column_names(cells: Sequence[str]) -> list[str]:
    """Return the names of columns: that of an empty cell is its number, a second `a` is `a_2`."""
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, 1):
        name = base = cell or str(number)
        uses = 1
        while name in names:
            uses += 1
            name = f"{base}_{uses}"
        names[name] = None
    return [*names]


def _parse_csv(*, separator: str, quote: str, header: tuple[str, ...] | bool, otherwise: str) -> Maker:
    names = header if isinstance(header, tuple) else None

    def make(_source: object, _output: object) -> Processor:
        parser = CsvParser(separator, quote, names)
        processor = parsing(parser.parse, otherwise, narrow=parser.narrowed)
        processor = replace(processor, target=parser, columns=parser.columns)
        if names is not None:
            return processor
        return replace(processor, state=parser.state(), is_settled=parser.is_settled)

    return make


def _has_own_header(values: Mapping[str, Any]) -> bool:
    return values["header"] is True


def _fields_after(values: Mapping[str, Any], _before: frozenset[str] | None) -> frozenset[str] | None:
    header = values["header"]
    return None if header is True else frozenset(header)


PARSE_CSV = same_tag(
    "Makes a record of a line of CSV, with the names of the columns from the header.",
    _parse_csv,
    (
        {},
        ["name,price", '"bolt, M8","1,200.50"', 'plate 4" steel,30', "name,price"],
        ['{"name":"bolt, M8","price":"1,200.50"}', '{"name":"plate 4\\" steel","price":"30"}'],
    ),
    {
        "separator": Option("separator", "what stands between the columns", default=","),
        "quote": Option("character", "what stands around text with a separator in it", default='"'),
        "header": Option(
            "header",
            "the names of the columns; `true` takes them from the first line that is not blank. The line of "
            "the names is dropped, wherever it comes again",
            default=True,
        ),
        "otherwise": OTHERWISE_REJECT,
    },
    remembers=_has_own_header,
    settles=_has_own_header,
    step=lambda _values: StepKind.PARSE,
    check=check_marks,
    fields_after=_fields_after,
)
