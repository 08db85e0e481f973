"""Something that happened to an input: as a value, and as columns of a database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from fproc.errors import is_encodable


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an input.

    `job` is the token of the claim; an event with the same `job`, `kind` and `attempt` as an earlier one is
    the same event, and counts once. `kind` is "processed", "failed", "retry", "recovered", "interrupted" or
    another word. `time` is in seconds since 1970. `file` and `results` may hold names that are not UTF-8, as
    surrogate escapes. `error` is one line, or ""; `node` and `line_no` tell where, if that is known.
    """

    job: str
    file: str
    kind: str
    time: float
    attempt: int = 1
    seconds: float = 0.0
    lines_in: int = 0
    lines_out: int = 0
    bytes_in: int = 0
    rejected: int = 0
    results: tuple[str, ...] = ()
    error: str = ""
    node: str | None = None
    line_no: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An event as it was recorded; a later one has a higher `id`, and no `id` is used twice."""

    id: int
    event: Event


_all_of = attrgetter(*Event.__slots__)


def values_of(event: Event) -> tuple[Any, ...]:
    """An event as columns. Text is in bytes, because a name need not be UTF-8."""
    job, file, kind, *numbers, results, error, node, line_no = _all_of(event)
    texts = map(bytes_of, (json.dumps(results), error))
    return (*map(bytes_of, (job, file, kind)), *numbers, *texts, node and bytes_of(node), line_no)


def row_of(values: tuple[Any, ...]) -> Row:
    """The row of an id and the columns of an event."""
    fields = dict(zip(Event.__slots__, values[1:], strict=True))
    fields["results"] = _names_of(fields["results"])
    return Row(values[0], Event(**fields))


def _names_of(text: str) -> tuple[str, ...]:
    """The names of results, as `values_of` wrote them; none if something else did."""
    try:
        return tuple(map(str, json.loads(text)))
    except (TypeError, ValueError):
        return ()


def bytes_of(text: str) -> bytes:
    """Text as it is bound, to be cast: lone surrogates that stand for bytes come out as those."""
    return text.encode("utf-8", "surrogateescape" if is_encodable(text) else "backslashreplace")
