"""Events of inputs, and of their lines, as columns of a database."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any

from fproc.base.text import is_encodable
from fproc.base.values import dataclass, fields
from fproc.run.outcome import FileEvent


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a file, or of one of its lines."""

    time: float
    file: str
    node: str | None
    line_no: int | None
    line: str | None
    error: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Row:
    """A recorded event; a later one has a higher `id`, and no `id` is used twice."""

    id: int
    event: FileEvent


COLUMNS = tuple(column.name for column in fields(FileEvent) if column.name != "line_errors")
"""The columns of an event, in their order."""

_all_of = attrgetter(*COLUMNS)


def values_of(event: FileEvent) -> tuple[Any, ...]:
    """Return an event as columns. Text is in bytes, because a name need not be UTF-8."""
    job, file, kind, *numbers, results, error, node, line_no, line, skipped = _all_of(event)[:-3]
    circumstances = map(_bytes, (event.client, event.pipeline, event.version))
    texts = map(bytes_of, (json.dumps(results), error))
    place = _bytes(node), line_no, _bytes(line)
    return (*map(bytes_of, (job, file, kind)), *numbers, *texts, *place, skipped, *circumstances)


def line_values_of(event: FileEvent) -> list[tuple[Any, ...]]:
    """Return the lines that an event left out, as columns; they are numbered from 1."""
    event_columns = bytes_of(event.job), event.attempt, bytes_of(event.file), event.time
    return [
        (*event_columns, number, bytes_of(line.node), line.line_no, _bytes(line.given), bytes_of(line.reason))
        for number, line in enumerate(event.line_errors, 1)
    ]


def row_of(values: tuple[Any, ...]) -> Row:
    """Return the row of an id and the columns of an event."""
    columns = dict(zip(COLUMNS, values[1:], strict=True))
    columns["results"] = names_of(columns["results"])
    return Row(values[0], FileEvent(**columns))


def names_of(text: str) -> tuple[str, ...]:
    """Return the names of results, as `values_of` wrote them; none if something else did."""
    try:
        return tuple(map(str, json.loads(text)))
    except (TypeError, ValueError):
        return ()


def bytes_of(text: str) -> bytes:
    """Return text as it is bound, to be cast: lone surrogates that stand for bytes become those bytes."""
    return text.encode("utf-8", "surrogateescape" if is_encodable(text) else "backslashreplace")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes_of(text)
