"""Counts and figures of keys, as many as there is room for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from fproc.pipeline.processors.base import State
from fproc.pipeline.processors.editing.values import (
    EXACT,
    Field,
    Number,
    Read,
    added,
    number_of,
    number_value,
    restored_number,
    saved_number,
)
from fproc.pipeline.processors.objects import MISSING

Key = str | tuple[str, ...]
"""What lines are counted by: one text, or several."""

OTHERS_KEY: Key = ()
"""The key of all lines whose own there was no room for."""


class Figure(NamedTuple):
    """What is computed: its name in a result, the operation, and the field."""

    name: str
    operation: str
    field: Field


def _least(known: Number | None, number: Number) -> Number:
    return number if known is None or number < known else known


def _most(known: Number | None, number: Number) -> Number:
    return number if known is None or number > known else known


def _sum(known: Number | None, number: Number) -> Number:
    return number if known is None else added(known, number)


_STEPS: dict[str, Callable[[Number | None, Number], Number]] = {
    "sum": _sum,
    "min": _least,
    "max": _most,
    "mean": _sum,
}


def mean_of(total: Number, count: int) -> Decimal:
    """Return the mean of numbers of which this is the sum, also where a float would be infinite."""
    return EXACT.divide(total, count)


class Totals:
    """The counts and figures of each key.

    A row is the count, and then for each figure its value, None as long as there is none; behind them, for
    each mean, how many numbers there were. `left_out` counts lines whose key there was no room for, and
    `misread` values that are no numbers.
    """

    def __init__(self, figures: Sequence[Figure], read_at: Callable[[Field], Read], most: int) -> None:
        self.most = most
        self.left_out = self.misread = 0
        self.rows: dict[Key, list[Any]] = {}
        means = [index for index, figure in enumerate(figures, 1) if figure.operation == "mean"]
        self._counters = {index: len(figures) + place for place, index in enumerate(means, 1)}
        self._width = len(figures) + len(means)
        self._fields = [
            (
                read_at(field),
                [
                    (index, _STEPS[figure.operation], self._counters.get(index))
                    for index, figure in enumerate(figures, 1)
                    if figure.field == field
                ],
            )
            for field in dict.fromkeys(figure.field for figure in figures)
        ]

    def add(self, key: Key, record: Any) -> None:
        """Count a line or a record."""
        row = self.rows.get(key)
        if row is None:
            row = self._new_row(key)
        row[0] += 1
        for read, steps in self._fields:
            value = read(record)
            number = value if type(value) is int else number_of(value)
            if number is None:
                self.misread += value is not MISSING and value is not None and value != ""
                continue
            for index, step, counter in steps:
                row[index] = step(row[index], number)
                if counter is not None:
                    row[counter] = (row[counter] or 0) + 1

    def _new_row(self, key: Key) -> list[Any]:
        if len(self.rows) >= self.most:
            self.left_out += 1
            key = OTHERS_KEY
            if key in self.rows:
                return self.rows[key]
        row = self.rows[key] = [0, *[None] * self._width]
        return row

    def figures_of(self, row: Sequence[Any], figures: Sequence[Figure]) -> list[Any]:
        """Return the figures of a row as values of a record."""
        return [
            None if row[index] is None else self._figure(row, index) for index in range(1, len(figures) + 1)
        ]

    def _figure(self, row: Sequence[Any], index: int) -> Any:
        if index not in self._counters:
            return number_value(row[index])
        exact = mean_of(row[index], row[self._counters[index]])
        mean = float(exact)
        if math.isinf(mean):
            return number_value(exact)
        return int(mean) if mean.is_integer() else mean

    def state(self) -> State:
        """Return what saves and restores it all."""
        return State(self._snapshot, self._restore)

    def _snapshot(self) -> dict[str, Any]:
        rows = [
            [key if type(key) is str else [*key], [_saved(value) for value in row]]
            for key, row in self.rows.items()
        ]
        return {"rows": rows, "left_out": self.left_out, "misread": self.misread}

    def _restore(self, value: Mapping[str, Any]) -> None:
        self.left_out, self.misread = value["left_out"], value["misread"]
        self.rows = {
            key if type(key) is str else tuple(key): [_restored(entry) for entry in row]
            for key, row in value["rows"]
        }


def _saved(value: Number | None) -> Any:
    return None if value is None else saved_number(value)


def _restored(value: Any) -> Number | None:
    return None if value is None else restored_number(value)
