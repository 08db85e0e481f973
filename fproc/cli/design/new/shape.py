"""What a sample was recognised as: the nodes, the records and the example of a pipeline for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fproc.base.values import dataclass, field

EXAMPLE_RECORDS = 3
"""How many records an example has, apart from a header."""

TIDY = "tidy"
"""The node with the processor that is written beside the pipeline."""

ERRORS = "{stem}.errors{suffix}"
"""The result that gets the lines with errors."""


@dataclass(frozen=True, slots=True)
class SampleShape:
    """A shape that a file may have, and how it is processed.

    Attributes:
        what: the shape in words.
        makes: what is made of it, in words.
        first: the node that lines enter at, without its tag and where its lines go.
        example: the lines of the example, the first ones of the sample.
        is_object: whether the first node makes records with fields of lines.
        last: the node that makes text of records again, or None if they are written as they are.
        records: what one record is.
        next: where the lines of the first node go.
        others: further nodes.
    """

    what: str
    makes: str
    first: Mapping[str, Any]
    example: Sequence[str]
    is_object: bool = True
    last: Mapping[str, Any] | None = None
    records: Any = "lines"
    next: Any = TIDY
    others: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


def parser(name: str, **config: Any) -> dict[str, Any]:
    """Return the type and the options of a node."""
    return {"type": name, "config": config} if config else {"type": name}


def share(lines: Sequence[Any], fitting: int) -> float:
    """Return the share of lines that fit."""
    return fitting / len(lines) if lines else 0.0
