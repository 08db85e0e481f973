"""A file as a row of a list."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fproc.base.times import rfc3339
from fproc.pipeline.failures import REJECTED
from fproc.run.outcome import FileEvent
from fproc.telemetry.rolling import rounded

FileRow = dict[str, Any]
Page = tuple[list[FileRow], str | None]
"""Files, and the value of `after` for those that follow; None if there are no more."""

STATES = ("unprocessed", "underprocess", "processed", "failed")
"""The states of an input, in the order in which it goes through them."""

REJECTED_LINES = REJECTED
"""Instead of a state: the inputs with lines that were set aside, as long as these are kept."""

MOST_REPORT_BYTES = 256 * 1024
"""Larger reports, which hold a very long line, are not read; the history knows as much."""


def row(
    name: str,
    state: str,
    timestamp: str,
    *,
    seconds: float | None = None,
    lines: int | None = None,
    results: tuple[str, ...] = (),
    attempts: int = 0,
    error: str | None = None,
    rejected: int | None = 0,
    skipped: int | None = 0,
    node: str | None = None,
    line_no: int | None = None,
) -> FileRow:
    """Return what a list tells of a file."""
    return {
        "file": name,
        "state": state,
        "timestamp": timestamp,
        "seconds": seconds,
        "lines": lines,
        "rejected": rejected,
        "skipped": skipped,
        "results": list(results),
        "attempts": attempts,
        "error": error,
        "node": node,
        "line_no": line_no,
    }


def row_of_event(event: FileEvent) -> FileRow:
    """Return what a list tells of a file that ended."""
    return row(
        event.file,
        event.kind,
        rfc3339(event.time),
        seconds=rounded(event.seconds),
        lines=event.lines_in,
        rejected=event.rejected,
        skipped=event.skipped,
        results=event.results,
        attempts=event.attempt,
        error=event.error or None,
        node=event.node,
        line_no=event.line_no,
    )


def report_fields(path: str) -> FileRow:
    """Return the valid fields of a report; none if it cannot be read."""
    try:
        with open(path, "rb") as file:
            report = json.loads(file.read(MOST_REPORT_BYTES))
    except (OSError, ValueError):
        return {}
    texts, numbers = ("reason", "timestamp", "node"), ("attempts", "rejected", "skipped", "line_no")
    kinds = {**dict.fromkeys(texts, str), **dict.fromkeys(numbers, int)}
    if not isinstance(report, dict):
        return {}
    return {key: report[key] for key, kind in kinds.items() if type(report.get(key)) is kind}


MOST_REJECTS_BYTES = 64 * 1024
"""Of larger files of rejected lines, the lines are not counted here; the history knows as much."""


def rejects_fields(path: str) -> tuple[str | None, int | None]:
    """Return the first reason in a file of rejected lines, and how many there are; each None if unknown.

    Raises:
        FileNotFoundError: it is gone.
    """
    with open(path, "rb") as file:
        data = file.read(MOST_REJECTS_BYTES + 1)
    count = None if len(data) > MOST_REJECTS_BYTES else data.count(b"\n")
    try:
        first = json.loads(data.partition(b"\n")[0])
    except (ValueError, RecursionError):
        return None, count
    reason = first.get("error") if isinstance(first, dict) else None
    return reason if isinstance(reason, str) else None, count


def time_of(text: Any) -> float | None:
    """Return a time as written by `rfc3339` in seconds since 1970; None if it is none."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (AttributeError, ValueError, OverflowError):
        return None
