"""The results of a workload, as a table for people and as figures for programs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Report:
    """The table of one workload.

    `figures` are the same as JSON values, one object a row; `ok` is false if a program failed or its results
    were wrong.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    figures: list[dict[str, Any]] = field(default_factory=list)
    ok: bool = True

    def add(self, *cells: str, **figures: Any) -> None:
        """Add a row: its cells, and its figures for programs."""
        self.rows.append(cells)
        self.figures.append({"program": cells[0], **figures})

    def missing(self, name: str, why: str) -> None:
        """Add a row for a program that was not measured."""
        self.add(name, why, missing=why)

    def failed(self, name: str, why: str) -> None:
        """Add a row for a program that failed."""
        self.ok = False
        self.add(name, f"FAILED: {why}", failed=why)

    def as_json(self) -> dict[str, Any]:
        """Return the report as a JSON value."""
        return {"title": self.title, "ok": self.ok, "rows": self.figures, "notes": self.notes}

    def text(self) -> str:
        """Return the table: the first column aligned left, the others right."""
        widths = [len(column) for column in self.columns]
        for row in self.rows:
            if len(row) == len(self.columns):
                widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
            else:
                widths[0] = max(widths[0], len(row[0]))
        lines = [self.title, _line(self.columns, widths), "-" * (sum(widths) + 2 * len(widths) - 2)]
        lines += [_line(row, widths) for row in self.rows]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = cells[0].ljust(widths[0])
    if len(cells) < len(widths):
        return "  ".join([first, *cells[1:]])
    return "  ".join([first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))])


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several figures, the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Return the spread of at least one figure."""
        return cls(statistics.median(figures), min(figures), max(figures))

    def cells(self, digits: int) -> tuple[str, str]:
        """Return the median, and the least and the most."""
        return f"{self.median:.{digits}f}", f"{self.least:.{digits}f}..{self.most:.{digits}f}"


def share(sorted_figures: Sequence[float], part: float) -> float:
    """Return the smallest figure that at least `part` (0 to 1) of them do not exceed."""
    index = max(0, -int(-part * len(sorted_figures) // 1) - 1)
    return sorted_figures[index]


def goal(what: str, figure: float, limit: float, unit: str = "", *, at_least: bool = False) -> str:
    """Return a note that says whether a goal is met."""
    is_met = figure >= limit if at_least else figure <= limit
    word = "at least" if at_least else "at most"
    digits = 2 if limit < 10 else 1 if limit < 1000 else 0  # noqa: PLR2004 - as much as one would read
    return (
        f"{what}: {figure:.{digits}f}{unit} (goal {word} {limit:g}{unit}: {'met' if is_met else 'NOT MET'})"
    )
