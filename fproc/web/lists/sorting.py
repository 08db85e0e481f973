"""The order of a list, as clients ask for it: `KEY`, or `-KEY` for the other way round."""

from __future__ import annotations

from fproc.base.values import dataclass

FOLDER_KEYS = ("file", "timestamp")
"""What a folder's files are sorted by: more would mean to read a report for each of them."""

ENDED_KEYS = (*FOLDER_KEYS, "state", "seconds", "lines", "left_out", "attempts", "error")
"""What files that ended are sorted by."""


@dataclass(frozen=True, slots=True)
class SortOrder:
    """A column, and whether its largest come first."""

    key: str
    is_down: bool

    def __str__(self) -> str:
        return f"-{self.key}" if self.is_down else self.key


def order_of(text: str, keys: tuple[str, ...]) -> SortOrder | None:
    """Return an order by one of the keys; None for that which a list has by itself.

    Raises:
        ValueError: there is no such order; the message is one sentence.
    """
    if not text:
        return None
    order = SortOrder(text.removeprefix("-"), text.startswith("-"))
    if order.key not in keys:
        raise ValueError(f"sort has to be one of {', '.join(keys)} for this state, or - and one of them")
    return order
