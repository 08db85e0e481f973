"""Tables: CSV with any separator, and columns at fixed positions."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from fproc.base.text import counted
from fproc.cli.design.new.beginning import Beginning
from fproc.cli.design.new.shape import EXAMPLE_RECORDS, TIDY, SampleShape, parser, share

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
SAME_SHARE = 0.95
"""How many of the rows have to have as many columns as the first one."""

FEWEST_ROWS = 2
FEWEST_PLAIN_COLUMNS = 3
"""Of a table without a header, lest text with a comma in each line be one."""

FEWEST_FIXED_COLUMNS = 2
FEWEST_FIXED_ROWS = 4
FEWEST_TIGHT_ROWS = 12
"""Of a table in which one blank at most is between columns, as it may be in a few lines of text by chance."""

NARROW_GAP = 2
_NAME = re.compile(r"[^\W\d][\w .#/()%:$€-]{0,60}")
_FIGURE = re.compile(r"[+-]?[\d.,]*\d")


def csv_with_header(sample: Beginning) -> Iterator[SampleShape]:
    """Yield CSV whose first row looks like names of columns."""
    for separator, rows in _tables(sample):
        if are_names(rows[0]):
            yield _csv(sample, separator, rows, rows[0], has_header=True)


def csv_without_header(sample: Beginning) -> Iterator[SampleShape]:
    """Yield CSV with several columns that have no names."""
    for separator, rows in _tables(sample):
        if len(rows[0]) >= FEWEST_PLAIN_COLUMNS:
            names = [f"column_{number}" for number in range(1, len(rows[0]) + 1)]
            yield _csv(sample, separator, rows, names, has_header=False)


def are_names(cells: Sequence[str]) -> bool:
    """Return whether cells look like the names of columns."""
    return len(set(cells)) == len(cells) and all(_NAME.fullmatch(cell.strip()) for cell in cells)


def _tables(sample: Beginning) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the separators that cut nearly all rows into as many columns, that with most columns first."""
    found = []
    for separator in SEPARATORS:
        rows = _rows(sample.lines, separator)
        columns = len(rows[0]) if rows else 0
        same = sum(len(row) == columns for row in rows)
        if columns > 1 and len(rows) >= FEWEST_ROWS and share(rows, same) >= SAME_SHARE:
            found.append((separator, rows))
    yield from sorted(found, key=lambda table: -len(table[1][0]))


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader([f"{line}\n" for line in lines], delimiter=separator) if row]
    except csv.Error:  # a field that is too long
        return []


def _csv(
    sample: Beginning, separator: str, rows: list[list[str]], names: Sequence[str], *, has_header: bool
) -> SampleShape:
    is_folded = any("\n" in cell for row in rows for cell in row)
    header = "a header" if has_header else "no header"
    options = {"separator": separator, **({} if has_header else {"header": list(names)})}
    fields = {} if any("." in name for name in names) else {"fields": list(names)}  # a.b would be nested
    return SampleShape(
        what=f"CSV with {header}, {counted(len(names), 'column')}, separated by {SEPARATORS[separator]}"
        + (", and line endings within quotes" if is_folded else ""),
        makes="a table with the same columns",
        first=parser("parse_csv", **options),
        last=parser("format", to="csv", separator=separator, header=has_header, **fields),
        records="csv" if is_folded else "lines",
        example=sample.lines[: _end_of_row(sample.lines, separator, EXAMPLE_RECORDS + has_header)],
    )


def _end_of_row(lines: Sequence[str], separator: str, row: int) -> int:
    """Return how many lines the first rows have."""
    reader = csv.reader([f"{line}\n" for line in lines], delimiter=separator)
    for _ in range(row):
        next(reader, None)
    return reader.line_num


def fixed_columns(sample: Beginning) -> Iterator[SampleShape]:
    """Yield columns between positions that are blank in all lines."""
    lines = [line.expandtabs(1) for line in sample.lines if line.strip()]
    if len(lines) < FEWEST_FIXED_ROWS or any("\t" in line for line in sample.lines):
        return
    runs = _runs(lines)
    is_wide = any(after[0] - before[-1] > NARROW_GAP for before, after in pairwise(runs))
    if len(runs) < FEWEST_FIXED_COLUMNS or (not is_wide and len(lines) < FEWEST_TIGHT_ROWS):
        return
    columns = _columns(lines, runs)
    cells = [[line[begin:end].strip() for begin, end in columns] for line in lines]
    has_header = are_names(cells[0]) and any(map(_FIGURE.fullmatch, cells[1]))
    names = cells[0] if has_header else [f"column_{number}" for number in range(1, len(columns) + 1)]
    positions = {
        name: f"{begin + 1}-{'' if number == len(columns) else end}"
        for number, (name, (begin, end)) in enumerate(zip(names, columns, strict=True), 1)
    }
    header = f"^{_escaped(lines[0].rstrip())}\\s*$|^\\s*$" if has_header else "^\\s*$"
    yield SampleShape(
        what=f"{counted(len(columns), 'column')} at fixed positions" + (", with a header" * has_header),
        makes="CSV with these columns",
        first=parser("drop_matching", pattern=header),
        next="parse",
        others=[{"tag": "parse", **parser("parse_fixed", columns=positions), "next": TIDY}],
        last=parser("format", to="csv"),
        example=sample.lines[: EXAMPLE_RECORDS + has_header],
    )


def _runs(lines: Sequence[str]) -> list[list[int]]:
    """Return the runs of positions, none of which is blank in all lines."""
    places = range(max(map(len, lines)))
    is_used = [any(line[place : place + 1].strip() for line in lines) for place in places]
    return [list(run) for used, run in groupby(places, key=is_used.__getitem__) if used]


def _columns(lines: Sequence[str], runs: list[list[int]]) -> list[tuple[int, int]]:
    """Return begin and end of each column.

    Columns may have longer texts later in the file, so each gets the blanks behind it, but half of them if
    the next one is aligned to the right.
    """
    begins = [run[0] for run in runs]
    for number in range(1, len(runs)):
        is_right_aligned = _is_full(lines, runs[number][-1]) and not _is_full(lines, runs[number][0])
        before = runs[number - 1][-1] + 1
        begins[number] = runs[number][0] if not is_right_aligned else (before + runs[number][0]) // 2 + 1
    return list(zip(begins, [begin - 1 for begin in begins[1:]] + [runs[-1][-1] + 1], strict=True))


def _escaped(text: str) -> str:
    """Return a text as a pattern, in which blanks stay as they are."""
    return re.escape(text).replace("\\ ", " ")


def _is_full(lines: Sequence[str], place: int) -> bool:
    """Return whether no line but the first one, which may be a header, is blank at a position."""
    return all(line[place : place + 1].strip() for line in lines[1:])
