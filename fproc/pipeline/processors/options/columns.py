"""The columns of a table, and the edits that only move them: what code may do without a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Columns(NamedTuple):
    """How the lines of one table become records, as soon as its header is known.

    The cells of a line are what stands between the separators, if it has no quote in it; else its parser's
    `target` has a call `split` for that. A line whose cells are those of the header is dropped, and so is an
    empty one; any other with as many cells is a record, with the texts of the cells under these names.
    """

    separator: str
    quote: str
    header: tuple[str, ...]
    names: tuple[str, ...]


TablesColumns = tuple[tuple[str, Columns], ...]
"""The columns of the tables that nodes read, by node, as far as they are known."""

Rearrange = Callable[[dict[str, Any]], dict[str, Any]]
"""Make a record of another, which stays as it is, without a look at its values."""

Rearranges = Callable[[Mapping[str, Any]], Rearrange | None]
"""The step of a built-in that does no more than move values and set others; None if it may do more."""


def no_rearrangement(_values: Mapping[str, Any]) -> Rearrange | None:
    """Declare that values are looked at."""
    return None
