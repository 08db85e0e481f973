"""What happened to inputs, and the lines of them that were set aside, from the folder alone."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from fproc.base.errors import EXIT_FILE_FAILED, EXIT_OK, InputError
from fproc.base.stdout import complain, say
from fproc.base.text import counted, shown
from fproc.base.times import rfc3339
from fproc.cli.operate import history_there, spool_status_there
from fproc.config.model import Config
from fproc.pipeline.failures import left_out_text
from fproc.run.outcome import FileEvent
from fproc.spool.layout import REJECTS_ENDING, about, archive_number
from fproc.telemetry.history.chosen import ChosenEvents
from fproc.telemetry.history.history import History

PAGE = 1000
"""How many events are read at once."""

_UNKNOWN = "nothing is known of that name; --why says where a file is"
_NOT_SET_ASIDE = "no lines of that name are set aside; --history says what became of a file"


def print_history(config: Config, file: str, pipeline: str, *, as_json: bool) -> int:
    """Print what happened to all inputs, or to those of one name or under one pipeline, oldest first."""
    spool_status = spool_status_there(config)
    with history_there(spool_status, config) as history:
        events = _events(history, file, pipeline)
        if as_json:
            return _say_all(map(json.dumps, map(_as_json, events)), file, _UNKNOWN)
        count = 0
        for event in events:
            say(_line(event))
            count += 1
    return _found(count, file, _UNKNOWN)


def print_export(config: Config, form: str, pipeline: str) -> int:
    """Print all events, or those under one pipeline, oldest first.

    `form` is `csv`, which has a header, or `jsonl`, a JSON object on each line.
    """
    spool_status = spool_status_there(config)
    with history_there(spool_status, config) as history:
        if form == "csv":
            say(_csv_line(list(_as_json(FileEvent("", "", "")))))
        for event in _events(history, "", pipeline):
            value = _as_json(event)
            if form == "csv":
                say(_csv_line([_cell(cell) for cell in value.values()]))
            else:
                say(json.dumps(value))
    return EXIT_OK


def print_rejects(config: Config, file: str, *, as_json: bool) -> int:
    """Print the lines that were set aside, of all inputs or of those of one name."""
    folder = spool_status_there(config).folders.failed
    rejects = (entry for name in _reject_files(folder, file) for entry in _rejects_in(folder, name))
    if as_json:
        return _say_all(map(json.dumps, rejects), file, _NOT_SET_ASIDE)
    count = 0
    for entry in rejects:
        what = f"{shown(entry['file'])}:{entry.get('line_no')}: {entry.get('error')}"
        say(shown(f"{what} (node {entry.get('node')})"))
        if entry.get("line") is not None:
            say(f"  {shown(str(entry['line']))}")
        count += 1
    return _found(count, file, _NOT_SET_ASIDE)


def _found(count: int, file: str, otherwise: str) -> int:
    """Return the exit status; say so if a file was asked for, and nothing was found."""
    if not file or count:
        return EXIT_OK
    complain(f"{shown(file)}: {otherwise}")
    return EXIT_FILE_FAILED


def _say_all(values: Iterator[str], file: str, otherwise: str) -> int:
    """Print JSON values as one array."""
    count = 0
    for count, value in enumerate(values, 1):
        say(("[" if count == 1 else ",") + value)
    say("]" if count else "[]")
    return _found(count, file, otherwise)


def _events(history: History | None, file: str, pipeline: str) -> Iterator[FileEvent]:
    """Yield the events of all inputs, or of those of one name or under one pipeline, oldest first."""
    if history is None:
        return
    last = 0
    while rows := history.following(last, PAGE, os.path.basename(file), ChosenEvents(pipeline=pipeline)):
        yield from (row.event for row in rows)
        last = rows[-1].id


def _as_json(event: FileEvent) -> dict[str, Any]:
    """Return an event under the names that `/files` has for the same."""
    return {
        "timestamp": rfc3339(event.time),
        "file": event.file,
        "state": event.kind,
        "attempts": event.attempt,
        "seconds": round(event.seconds, 6),
        "lines": event.lines_in,
        "lines_out": event.lines_out,
        "bytes": event.bytes_in,
        "rejected": event.rejected,
        "skipped": event.skipped,
        "results": list(event.results),
        "error": event.error or None,
        "node": event.node,
        "line_no": event.line_no,
        "line": event.line,
        "client": event.client,
        "pipeline": event.pipeline,
        "version": event.version,
    }


def _line(event: FileEvent) -> str:
    """Return an event as a line for people."""
    left_out = left_out_text(event.rejected, event.skipped)
    details = [
        f"{shown(event.file)}: {event.kind}" + (f" by {event.client}" if event.client else ""),
        *([f"attempt {event.attempt}"] if event.attempt > 1 else []),
        *([counted(event.lines_in, "line"), f"{event.seconds:.3g} s"] if event.lines_in else []),
        *([left_out] if left_out else []),
        *([f"pipeline {event.pipeline}"] if event.pipeline else []),
        *(["results " + ", ".join(map(shown, event.results))] if event.results else []),
    ]
    place = f" (node {event.node}, line {event.line_no})" if event.node else ""
    what = f": {event.error}{place}" if event.error else ""
    return f"{rfc3339(event.time)} {', '.join(details)}{shown(what)}"


def _cell(value: Any) -> Any:
    """Return what stands in a cell: lists as JSON, nothing for null."""
    return json.dumps(value) if isinstance(value, list) else value


def _csv_line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _reject_files(folder: str, file: str) -> list[str]:
    """Return the names of the files in `failed/` that have lines which were set aside."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(REJECTS_ENDING))
    except FileNotFoundError:
        return []
    if not file:
        return names
    return [name for name in names if _is_about(name, os.path.basename(file))]


def _is_about(rejects: str, file: str) -> bool:
    """Return whether a file of rejected lines is about an input of a name, or of that name in the archive."""
    archived = rejects.removesuffix(REJECTS_ENDING)
    return rejects == about(file, REJECTS_ENDING) or archive_number(file, archived) is not None


def _rejects_in(folder: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of a file, each with the input's name in the archive."""
    with suppress(FileNotFoundError), open(os.path.join(folder, name), encoding="utf-8") as lines:
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise InputError(f"failed/{shown(name)}: is not as fproc wrote it: {error}") from error
            yield {"file": name.removesuffix(REJECTS_ENDING), **entry}
