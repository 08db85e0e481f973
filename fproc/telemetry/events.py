"""Something that happened to an input, or to a line of it: as a value, and as columns of a database."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any, NamedTuple

from fproc.base.text import is_encodable
from fproc.base.values import dataclass, fields
from fproc.pipeline.failures import LineFailure


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an input.

    `job` is the token of the claim; an event with the same `job`, `kind` and `attempt` as an earlier one is
    the same event, and counts once. `kind` is "processed", "failed", "retry", "recovered", "interrupted" or
    another word. `time` is in seconds since 1970. `file` and `results` may hold names that are not UTF-8, as
    surrogate escapes. `error` is one line, or ""; `node` and `line_no` tell where, and `line` what the node
    was given, if that is known. `rejected` and `skipped` count lines that were left out, `line_errors` are
    the first of them.
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
    line: str | None = None
    skipped: int = 0
    line_errors: tuple[LineFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """What was wrong with a file, or with a line of it."""

    time: float
    file: str
    node: str | None
    line_no: int | None
    line: str | None
    error: str
    attempt: int


class End(NamedTuple):
    """What is left of a file that has ended: when, in seconds since 1970, and in figures."""

    time: float
    seconds: float
    lines_in: int
    bytes_in: int
    has_failed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """An event as it was recorded; a later one has a higher `id`, and no `id` is used twice."""

    id: int
    event: Event


COLUMNS = tuple(column.name for column in fields(Event) if column.name != "line_errors")
"""The columns of an event, in their order."""

_all_of = attrgetter(*COLUMNS)


def values_of(event: Event) -> tuple[Any, ...]:
    """An event as columns. Text is in bytes, because a name need not be UTF-8."""
    job, file, kind, *numbers, results, error, node, line_no, line, skipped = _all_of(event)
    texts = map(bytes_of, (json.dumps(results), error))
    return (*map(bytes_of, (job, file, kind)), *numbers, *texts, _bytes(node), line_no, _bytes(line), skipped)


def line_values_of(event: Event) -> list[tuple[Any, ...]]:
    """The lines of an event that were left out, as columns; each has a number, from 1."""
    about = bytes_of(event.job), event.attempt, bytes_of(event.file), event.time
    return [
        (*about, number, bytes_of(line.node), line.line_no, _bytes(line.given), bytes_of(line.reason))
        for number, line in enumerate(event.line_errors, 1)
    ]


def row_of(values: tuple[Any, ...]) -> Row:
    """The row of an id and the columns of an event."""
    found = dict(zip(COLUMNS, values[1:], strict=True))
    found["results"] = _names_of(found["results"])
    return Row(values[0], Event(**found))


def _names_of(text: str) -> tuple[str, ...]:
    """The names of results, as `values_of` wrote them; none if something else did."""
    try:
        return tuple(map(str, json.loads(text)))
    except (TypeError, ValueError):
        return ()


def bytes_of(text: str) -> bytes:
    """Text as it is bound, to be cast: lone surrogates that stand for bytes come out as those."""
    return text.encode("utf-8", "surrogateescape" if is_encodable(text) else "backslashreplace")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes_of(text)
