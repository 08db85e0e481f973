"""How options say where fields are: a line with `{field}` in it, or positions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|(?P<brace>[{}])")

PADDED = "->"
"""The end of the name of a field behind which there may be more of its delimiter, or of how that begins."""


class Layout(NamedTuple):
    """The text before the first field, and each field ("" for one that is left out) with what ends it.

    That of the last one is the end of the line. A field that is `padded` may have it several times.
    """

    lead: str
    fields: tuple[tuple[str, str, bool], ...]


def layout(text: str) -> Layout:
    """Return the layout of a text with `{name}` in it.

    Raises:
        ValueError: it has no fields, one twice, nothing between two, or a brace by itself.
    """
    literals, names = [""], list[str]()
    position = 0
    for found in _PART.finditer(text):
        literals[-1] += text[position : found.start()]
        position = found.end()
        if found["brace"]:
            raise ValueError(f"has a {found[0]!r} by itself; {found[0] * 2!r} stands for one")
        if found["name"] is None:
            literals[-1] += found[0][0]
        else:
            names.append(found["name"])
            literals.append("")
    literals[-1] += text[position:]
    _check(names, literals[1:])
    fields = zip(names, literals[1:], strict=True)
    return Layout(
        literals[0],
        tuple((name.removesuffix(PADDED), literal, name.endswith(PADDED)) for name, literal in fields),
    )


def _check(names: list[str], literals: list[str]) -> None:
    plain = [name.removesuffix(PADDED) for name in names]
    if not any(plain):
        raise ValueError("names no field: a field is {name}")
    twice = next((name for name in plain if name and plain.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"has the field {{{twice}}} twice")
    bare = next((name for name, literal in zip(names[:-1], literals, strict=False) if not literal), None)
    if bare is not None:
        raise ValueError(f"has nothing behind {{{bare}}} to tell where it ends")


_RANGE = re.compile(r"(\d{1,9})(-(\d{1,9})?)?", re.ASCII)


def columns(value: Any) -> Mapping[str, slice]:
    """Return where each column of a table `{"name": "1-8", "rest": "9-"}` is in a line.

    Raises:
        ValueError: it is no such table.
    """
    if not isinstance(value, dict) or not value:
        raise ValueError('must be an object of names and positions, as {"id": "1-8", "name": "9-"}')
    return {name: _position(name, text) for name, text in value.items()}


def _position(name: str, text: Any) -> slice:
    found = _RANGE.fullmatch(text) if isinstance(text, str) else None
    first = int(found[1]) if found else 0
    last = (int(found[3]) if found[3] else None if found[2] else first) if found else 0
    if first < 1 or (last is not None and last < first):
        raise ValueError(f'{name!r} must have a position as "1-8", "9" or "9-", from 1, not {text!r}')
    return slice(first - 1, last)
