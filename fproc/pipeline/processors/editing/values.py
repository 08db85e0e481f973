"""What the fields of lines and records are: numbers, times or text; how they are read, and compare."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

from fproc.pipeline.processors.editing.moments import instant_of
from fproc.pipeline.processors.objects import MISSING, SpelledNumber, get, spelled
from fproc.pipeline.processors.options.templates import text_of
from fproc.pipeline.processors.text import field_splitter

Field = int | str
"""A column of a line, from 1, or a key of a record; `a.b` is the key b of the object a."""

Number = int | Decimal

Read = Callable[[Any], Any]
"""Return the value of a field of a line or a record, or `MISSING`."""

MOST_CHARACTERS = 400
"""The longest text that is taken for a number."""

EXACT = Context(prec=60)
"""How sums are computed: exactly, up to this many digits."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


def number_of(value: Any) -> Number | None:
    """Return a value as a number, also text that is one, or None; its digits are all kept."""
    kind = type(value)
    if kind is str:
        if value.isdigit() and value.isascii() and len(value) <= MOST_CHARACTERS:
            return int(value)
        if len(value) > MOST_CHARACTERS or not _NUMBER.fullmatch(value):
            return None
        return int(value) if value.lstrip("+-").isdigit() else Decimal(value)
    if kind is int:
        return int(value)
    if kind is SpelledNumber:
        return number_of(value.text)
    return Decimal(repr(value)) if kind is float else None


def added(total: Number, number: Number) -> Number:
    """Return a sum, of which no digit is lost."""
    return total + number if type(total) is int and type(number) is int else EXACT.add(total, number)


def saved_number(number: Number) -> int | str:
    """Return a number as a JSON value of which `restored_number` makes the same again, however long it is."""
    return number if type(number) is int else str(number)


def restored_number(saved: int | str) -> Number:
    """Return a number that was saved."""
    return saved if type(saved) is int else Decimal(saved)


def digits_of(number: Number) -> str:
    """Return a number as JSON writes it, with all its digits and without an exponent."""
    if type(number) is int:
        return str(number)
    text = format(number, "f")
    return text.removeprefix("-") if not number and text.startswith("-") else text


def number_value(number: Number) -> int | SpelledNumber:
    """Return a number as a value of a record, whose digits are all written."""
    return number if type(number) is int else spelled(digits_of(number))


def column_reader(column: int, separator: str) -> Read:
    """Return a call that returns a column of a line, counted from 1."""
    split = field_splitter(separator, column)
    index = column - 1

    def read(line: str) -> Any:
        parts = split(line)
        return parts[index] if len(parts) > index else MISSING

    return read


def key_reader(path: str) -> Read:
    """Return a call that returns a field of a record."""
    if "." in path:
        return lambda record: get(record, path)
    return lambda record: record.get(path, MISSING)


def field_reader(field: Field, separator: str) -> Read:
    """Return a call that returns a field: of a line if it is a number, of a record if it is a name."""
    return column_reader(field, separator) if isinstance(field, int) else key_reader(field)


def is_named(fields: Sequence[Field]) -> bool:
    """Return whether fields are keys of records, not columns of lines."""
    return any(isinstance(field, str) for field in fields)


Test = Callable[[Any], bool]
"""Return whether a value is as it should be."""


def equal_to(wanted: Any) -> Test:
    """Return a test for a value: numbers by what they count, text and the rest by what is written."""
    number = None if isinstance(wanted, str) else number_of(wanted)
    if number is not None:
        return lambda value: number_of(value) == number
    text = text_of(wanted)
    if isinstance(wanted, str):
        return lambda value: value == text if type(value) is str else _is_written(value, text)
    if isinstance(wanted, bool):
        return lambda value: value is wanted or value == text
    if wanted is None:
        return lambda value: value is None
    return lambda value: type(value) in {dict, list} and text_of(value) == text


def _is_written(value: Any, text: str) -> bool:
    return value is not None and value is not MISSING and text_of(value) == text


def beyond(bound: Any, *, above: bool) -> Test:
    """Return a test for a value on one side of a bound: among numbers, times or texts, as the bound is.

    A value that is of another kind than the bound is on neither side of it.
    """
    number = number_of(bound)
    if number is not None:
        return _among_numbers(number, above=above)
    instant = instant_of(bound)
    if instant is not None:
        return _among_instants(instant, above=above)
    if above:
        return lambda value: type(value) is str and value > bound
    return lambda value: type(value) is str and value < bound


def _among_numbers(bound: Number, *, above: bool) -> Test:
    def is_above(value: Any) -> bool:
        number = value if type(value) is int else number_of(value)
        return number is not None and number > bound

    def is_below(value: Any) -> bool:
        number = value if type(value) is int else number_of(value)
        return number is not None and number < bound

    return is_above if above else is_below


def _among_instants(bound: int, *, above: bool) -> Test:
    def is_beyond(value: Any) -> bool:
        instant = instant_of(value) if type(value) is str else None
        return instant is not None and (instant > bound if above else instant < bound)

    return is_beyond
