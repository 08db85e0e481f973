"""The cells of a line of CSV (RFC 4180), taken apart and put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fproc.pipeline.processors.objects import Misfit


def cell_splitter(separator: str, quote: str) -> Callable[[str], list[str]]:
    """Return a call that splits a line into its cells, and raises `Misfit` where quotes are wrong.

    A quote that does not open a cell is text. The reader of the standard library is faster, where it can be
    used; what it refuses is looked at again.
    """
    if len(separator) > 1:
        return lambda line: quoted_cells(line, separator, quote)
    import csv  # noqa: PLC0415 - slow to import, and only tables need it

    waiting: list[str] = []
    rows = csv.reader(iter(waiting.pop, None), delimiter=separator, quotechar=quote, strict=True)

    def split(line: str) -> list[str]:
        if quote not in line:
            return line.split(separator)
        if line[-1] in "\r\n":  # the reader would drop it
            return quoted_cells(line, separator, quote)
        waiting.append(line)
        try:
            return next(rows)
        except (csv.Error, IndexError):  # a quote that is not closed makes it ask for another line
            waiting.clear()
            return quoted_cells(line, separator, quote)

    return split


def check_marks(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield why cells could not be told apart with the `separator` and the `quote` of these options."""
    separator, quote = values["separator"] or "", values["quote"]
    for option, text in (("separator", separator), ("quote", quote)):
        if "\n" in text or "\r" in text:
            yield option, "has a line ending in it", "take another character"
            return
    if quote in separator:
        yield "quote", f"{quote!r} stands in the separator, too", "take another character for one of them"


def quoted_cells(line: str, separator: str, quote: str) -> list[str]:
    """Return the cells of a line that may have quotes in it.

    Raises:
        Misfit: a quote is not closed, or text stands behind the one that closes a cell.
    """
    cells: list[str] = []
    position = 0
    while position <= len(line):
        if line.startswith(quote, position):
            cell, end = _quoted_cell(line, position, quote, len(cells) + 1)
            cells.append(cell)
            if end < len(line) and not line.startswith(separator, end):
                raise Misfit(f"column {len(cells)} goes on behind the quote that closes it")
        else:
            opening = line.find(separator + quote, position)
            end = len(line) if opening < 0 else opening
            cells += line[position:end].split(separator)
        if end == len(line):
            break
        position = end + len(separator)
    return cells


def _quoted_cell(line: str, position: int, quote: str, number: int) -> tuple[str, int]:
    """Return the text of a cell that begins with a quote, and where the line goes on."""
    pieces: list[str] = []
    start = position + 1
    while True:
        end = line.find(quote, start)
        if end < 0:
            hint = '; a record of several lines needs "records": "csv" in the configuration'
            if "\n" in line:  # it has that
                hint = ""
            raise Misfit(f"the quote that opens column {number} is never closed{hint}")
        if not line.startswith(quote, end + 1):
            return "".join([*pieces, line[start:end]]), end + 1
        pieces.append(line[start : end + 1])
        start = end + 2


def cell_joiner(separator: str, quote: str) -> Callable[[list[str]], str]:
    """Return a call that makes a line of cells, with quotes around those that need them."""
    # a part of a separator would make a whole one with what stands beside it
    special = (*separator, quote, "\n", "\r")

    def quoted(cell: str) -> str:
        if any(text in cell for text in special):
            return f"{quote}{cell.replace(quote, quote * 2)}{quote}"
        return cell

    def join(cells: list[str]) -> str:
        line = separator.join(cells)
        is_plain = quote not in line and "\n" not in line and "\r" not in line
        if is_plain and line and line.count(separator[0]) == len(cells) - 1:
            return line
        return separator.join(map(quoted, cells)) or quote * 2

    return join
